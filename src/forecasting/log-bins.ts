/**
 * Times and ratios on one logarithmic scale: eight bins an octave, so that a value of a bin is within 4.4 % of its
 * middle, and a ratio in bin b of a time in bin c is a time in bin b + c.
 */
export const BINS_PER_OCTAVE = 8;
/** From 1 ms to 2^36 ms, which are 2.2 years. */
export const TIME_BINS = 36 * BINS_PER_OCTAVE;

/** Where a value lies, in bins; that of 1 is 0. */
export const binPosition = (value: number): number => Math.log2(value) * BINS_PER_OCTAVE;

/** The value at a position. */
export const binValue = (position: number): number => 2 ** (position / BINS_PER_OCTAVE);

/** What was seen of a group: how often in each bin, the older the less. A bounded memory, whatever is added. */
export class LogHistogram {
  readonly #counts: Float32Array;
  readonly #lowest: number;
  readonly #most: number;
  #total = 0;
  /** Seen at exactly 1: of ratios to an estimate, those that met it or were ended there. */
  #exact = 0;

  /** `lowest`: the position of the first bin. When `most` were seen all count half from then on. */
  constructor(lowest: number, bins: number, most: number) {
    this.#counts = new Float32Array(bins);
    this.#lowest = lowest;
    this.#most = most;
  }

  get total(): number {
    return this.#total;
  }

  get exact(): number {
    return this.#exact;
  }

  add(value: number): void {
    if (this.#total >= this.#most) this.#halve();
    this.#total++;
    if (isOne(value)) {
      this.#exact++;
      return;
    }
    const last = this.#counts.length - 1;
    const bin = Math.floor(binPosition(value)) - this.#lowest;
    this.#counts[Math.min(last, Math.max(0, bin))]!++;
  }

  /**
   * Adds the share of each bin to `into`, after every value was moved by `shift` positions; what falls between two
   * bins is divided among them. What was seen at exactly 1 is left out.
   */
  spread(into: Float64Array, weight: number, shift: number): void {
    const scale = weight / this.#total;
    const whole = Math.floor(shift);
    const rest = shift - whole;
    for (let i = 0; i < this.#counts.length; i++) {
      const count = this.#counts[i]!;
      if (count === 0) continue;
      const at = i + this.#lowest + whole;
      addAt(into, at, count * scale * (1 - rest));
      if (rest > 0) addAt(into, at + 1, count * scale * rest);
    }
  }

  #halve(): void {
    for (let i = 0; i < this.#counts.length; i++) this.#counts[i]! /= 2;
    this.#total /= 2;
    this.#exact /= 2;
  }
}

/** Of a ratio: what was compared is the same, but for what starting and ending take. */
export const isOne = (ratio: number): boolean => Math.abs(ratio - 1) < 0.005;

/** What lies outside counts in the first or the last bin. */
export function addAt(bins: Float64Array, at: number, share: number): void {
  bins[Math.min(bins.length - 1, Math.max(0, at))]! += share;
}
