export interface CusumTerms {
  /** Level and noise of what is normal. */
  readonly level: number;
  readonly sigma: number;
  /** Half of the shift to be found, in sigmas. */
  readonly slack?: number;
  /** Alarm beyond so many sigmas: with a slack of ½, 5 gives one false alarm in 465 points. */
  readonly limit?: number;
}

export interface CusumAlarm {
  readonly direction: 'up' | 'down';
  /** Where the sum last was 0: the likely beginning, as an index of what was pushed. */
  readonly since: number;
}

/** Two-sided cumulative sums, point by point (Page 1954; Montgomery, "Statistical Quality Control", §9.1). */
export class Cusum {
  readonly #terms: Required<CusumTerms>;
  #count = 0;
  #up = 0;
  #down = 0;
  #upSince = 0;
  #downSince = 0;

  constructor(terms: CusumTerms) {
    this.#terms = { slack: 0.5, limit: 5, ...terms };
  }

  /** Goes on after an alarm; it is given again until the sum falls back. */
  push(value: number): CusumAlarm | undefined {
    const { level, sigma, slack, limit } = this.#terms;
    const z = (value - level) / sigma;
    this.#up = Math.max(0, this.#up + z - slack);
    this.#down = Math.max(0, this.#down - z - slack);
    this.#count++;
    if (this.#up === 0) this.#upSince = this.#count;
    if (this.#down === 0) this.#downSince = this.#count;
    if (this.#up > limit) return { direction: 'up', since: this.#upSince };
    if (this.#down > limit) return { direction: 'down', since: this.#downSince };
    return undefined;
  }
}
