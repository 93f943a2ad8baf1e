/** A stretch of time that should hold what comes in eight of ten cases. */
export interface Interval {
  readonly low: number;
  /** Undefined: it ends beyond what was looked at. */
  readonly high: number | undefined;
}

export interface CalibrationShare {
  readonly inside: number;
  readonly of: number;
}

/** Errors that the widths go by, and intervals that the share is of. */
const KEPT = 200;
/** Fewer errors than this say nothing yet. */
const ERRORS_MIN = 20;
/** One of ten on either side may lie outside. */
const OUTSIDE = 0.1;
/** How much one miss or hit changes what is asked of the errors (Gibbs and Candès 2021, gamma). */
const STEP = 0.02;
/** Waits are compared as ratios; those shorter than about this are all short. */
const SHORT_MS = 60_000;

/**
 * Corrects intervals by how far earlier ones missed: of the errors of late on either side, the nine-tenths quantile
 * is added to what comes (Romano, Patterson and Candès 2019), and which quantile it is follows the share that lay
 * outside (Gibbs and Candès 2021, Adaptive Conformal Inference). Errors are logarithms of ratios of waits.
 */
export class IntervalCalibration {
  readonly #low = new Side();
  readonly #high = new Side();
  readonly #inside: boolean[] = [];
  #next = 0;

  /** Of the last that were corrected, how many held what came. */
  get share(): CalibrationShare {
    return { inside: this.#inside.filter(Boolean).length, of: this.#inside.length };
  }

  /** The interval as it should be shown: of a wait in milliseconds. */
  correct({ low, high }: Interval): Interval {
    const corrected = {
      low: Math.max(0, (low + SHORT_MS) / Math.exp(this.#low.correction) - SHORT_MS),
      high: high && (high + SHORT_MS) * Math.exp(this.#high.correction) - SHORT_MS,
    };
    if (corrected.high === undefined || corrected.high >= corrected.low) return corrected;
    const middle = (corrected.low + corrected.high) / 2;
    return { low: middle, high: middle };
  }

  /** What was foreseen came after `wait`. `shown` is what `correct` had made of the interval. */
  learn(foreseen: Interval, shown: Interval, wait: number): void {
    const isAbove = shown.high !== undefined && wait > shown.high;
    const isBelow = wait < shown.low;
    this.#inside[this.#next++ % KEPT] = !isAbove && !isBelow;
    this.#low.learn(Math.log((foreseen.low + SHORT_MS) / (wait + SHORT_MS)), isBelow);
    if (foreseen.high === undefined) return;
    this.#high.learn(Math.log((wait + SHORT_MS) / (foreseen.high + SHORT_MS)), isAbove);
  }
}

/** One end of the interval. */
class Side {
  readonly #errors: number[] = [];
  #next = 0;
  /** The share of errors that may be larger than the correction. */
  #outside = OUTSIDE;

  get correction(): number {
    const count = this.#errors.length;
    if (count < ERRORS_MIN) return 0;
    const ordered = [...this.#errors].sort((a, b) => a - b);
    const rank = Math.ceil((1 - this.#outside) * (count + 1));
    return ordered[Math.min(count, Math.max(1, rank)) - 1]!;
  }

  learn(error: number, isOutside: boolean): void {
    this.#errors[this.#next++ % KEPT] = error;
    this.#outside += STEP * (OUTSIDE - (isOutside ? 1 : 0));
    this.#outside = Math.min(0.5, Math.max(0.005, this.#outside));
  }
}
