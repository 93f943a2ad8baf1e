import { binPosition, binValue } from './log-bins.ts';

/** How long something runs, as far as it is known before. */
export interface RunTimeDistribution {
  /**
   * The run time in milliseconds that a share `u` (0 … 1) does not exceed, of those that run for longer than
   * `elapsedMs`. More than `elapsedMs`, and not less for a larger `u`.
   */
  quantile(u: number, elapsedMs?: number): number;
}

/** It takes exactly so long. What runs for longer all the same ends at once. */
export const exactly = (ms: number): RunTimeDistribution => ({
  quantile: (_, elapsedMs = 0) => Math.max(ms, elapsedMs + 1),
});

/** Where more is known of nothing that ran so long: it takes as long again, in the middle. */
const AGAIN = 2;
/** Less of it than this is no knowledge of those that ran so long. */
const SHARE_MIN = 1e-6;

/** Shares of bins of the logarithmic scale, and of times that are met exactly. */
export class BinnedRunTime implements RunTimeDistribution {
  /** Between bounds[i] and bounds[i + 1] in milliseconds lies the share cumulative[i + 1] − cumulative[i]. */
  readonly #bounds: readonly number[];
  readonly #cumulative: readonly number[];
  readonly #limitMs: number;

  /**
   * Bin `i` begins at position `i + origin`; together the shares and that at `exact` are 1. Nothing runs for longer
   * than `limitMs`: those that would are ended there.
   */
  constructor(
    shares: Float64Array,
    options: {
      readonly origin: number;
      readonly exact?: { readonly ms: number; readonly share: number };
      readonly limitMs: number;
    },
  ) {
    const { origin, exact, limitMs } = options;
    const bounds: number[] = [0];
    const cumulative: number[] = [0];
    let sum = 0;
    let isExactDue = exact !== undefined && exact.share > 0;
    const add = (bound: number, share: number): void => {
      if (share <= 0) return;
      sum += share;
      bounds.push(Math.min(bound, limitMs));
      cumulative.push(sum);
    };
    const exactAt = exact === undefined ? 0 : binPosition(exact.ms) - origin;
    for (let i = 0; i < shares.length; i++) {
      const share = shares[i]!;
      if (share === 0 && !(isExactDue && exactAt < i + 1)) continue;
      const low = binValue(i + origin);
      if (bounds.at(-1)! < low) {
        bounds.push(Math.min(low, limitMs));
        cumulative.push(sum);
      }
      if (isExactDue && exactAt < i + 1) {
        isExactDue = false;
        const before = Math.max(0, exactAt - i);
        add(exact!.ms, share * before);
        bounds.push(Math.min(exact!.ms, limitMs));
        cumulative.push(sum);
        add(exact!.ms, exact!.share);
        add(binValue(i + 1 + origin), share * (1 - before));
      } else add(binValue(i + 1 + origin), share);
    }
    if (isExactDue) {
      bounds.push(Math.min(exact!.ms, limitMs));
      cumulative.push(sum);
      add(exact!.ms, exact!.share);
    }
    this.#bounds = bounds;
    this.#cumulative = cumulative;
    this.#limitMs = limitMs;
  }

  quantile(u: number, elapsedMs = 0): number {
    const total = this.#cumulative.at(-1)!;
    const past = elapsedMs <= 0 ? 0 : this.#shareUntil(elapsedMs);
    const left = total - past;
    if (left < SHARE_MIN * total || elapsedMs >= this.#limitMs) {
      return Math.max(elapsedMs + 1, Math.min(this.#limitMs, elapsedMs * AGAIN ** (2 * u)));
    }
    return Math.max(elapsedMs + 1, this.#timeOf(past + u * left));
  }

  /** The share of what takes at most so long. */
  #shareUntil(ms: number): number {
    const bounds = this.#bounds;
    const i = firstAbove(bounds, ms);
    if (i === bounds.length) return this.#cumulative.at(-1)!;
    const [low, high] = [bounds[i - 1]!, bounds[i]!];
    const [before, after] = [this.#cumulative[i - 1]!, this.#cumulative[i]!];
    return before + (after - before) * between(low, high, ms);
  }

  #timeOf(share: number): number {
    const cumulative = this.#cumulative;
    const i = Math.min(cumulative.length - 1, Math.max(1, firstNotBelow(cumulative, share)));
    const [before, after] = [cumulative[i - 1]!, cumulative[i]!];
    const [low, high] = [this.#bounds[i - 1]!, this.#bounds[i]!];
    if (high <= low || after <= before) return high;
    const part = (share - before) / (after - before);
    return low <= 0 ? high * part : low * (high / low) ** part;
  }
}

/** How far `value` lies between both, on the logarithmic scale. */
function between(low: number, high: number, value: number): number {
  if (high <= low) return 1;
  return low <= 0 ? value / high : Math.log(value / low) / Math.log(high / low);
}

function firstAbove(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function firstNotBelow(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! >= value) high = middle;
    else low = middle + 1;
  }
  return low;
}
