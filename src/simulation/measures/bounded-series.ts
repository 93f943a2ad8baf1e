import { assert } from '../../base/assert.ts';

const FIRST_STEP_MS = 1_000;

/**
 * Means of several figures over steps of time, all of one length. The figures are constant between two moments, so
 * that the integral over each step is exact; when more steps are needed than there is room for, two become one and
 * the step is twice as long, which keeps every integral.
 */
export class BoundedSeries {
  readonly #columns: number;
  readonly #pointsMax: number;
  readonly #sums: Float64Array;
  readonly #totals: Float64Array;
  #points = 0;
  #stepMs = FIRST_STEP_MS;
  #from = 0;
  #until = 0;

  /** `pointsMax` even. */
  constructor(columns: number, pointsMax: number) {
    assert(pointsMax >= 2 && pointsMax % 2 === 0, 'an even number of points');
    this.#columns = columns;
    this.#pointsMax = pointsMax;
    this.#sums = new Float64Array(columns * pointsMax);
    this.#totals = new Float64Array(columns);
  }

  /** Begins anew at this moment. */
  begin(at: number): void {
    this.#from = at;
    this.#until = at;
    this.#points = 0;
    this.#stepMs = FIRST_STEP_MS;
    this.#sums.fill(0);
    this.#totals.fill(0);
  }

  get from(): number {
    return this.#from;
  }

  get until(): number {
    return this.#until;
  }

  /** Whether a step is over between what was told last and `at`. */
  passesStep(at: number): boolean {
    const { stepMs } = this;
    return Math.floor((at - this.#from) / stepMs) > Math.floor((this.#until - this.#from) / stepMs);
  }

  get stepMs(): number {
    return this.#stepMs;
  }

  /** The figures were these from the last moment until `at`. */
  advance(at: number, values: ArrayLike<number>): void {
    if (at <= this.#until) return;
    while (at - this.#from > this.#stepMs * this.#pointsMax) this.#fold();
    for (let column = 0; column < this.#columns; column++) {
      this.#totals[column]! += values[column]! * (at - this.#until);
    }
    let left = this.#until;
    while (left < at) {
      const point = Math.floor((left - this.#from) / this.#stepMs);
      const right = Math.min(at, this.#from + (point + 1) * this.#stepMs);
      const base = point * this.#columns;
      for (let column = 0; column < this.#columns; column++) {
        this.#sums[base + column]! += values[column]! * (right - left);
      }
      this.#points = point + 1;
      left = right;
    }
    this.#until = at;
  }

  /** Of one figure: value × milliseconds. */
  integral(column: number): number {
    return this.#totals[column]!;
  }

  /** Integral of one figure over each step. */
  integrals(column: number): number[] {
    return Array.from({ length: this.#points }, (_, i) => this.#sums[i * this.#columns + column]!);
  }

  /** Milliseconds that each step covers: all of it but of the last. */
  spans(): number[] {
    return Array.from({ length: this.#points }, (_, i) =>
      Math.min(this.#stepMs, this.#until - this.#from - i * this.#stepMs),
    );
  }

  #fold(): void {
    const columns = this.#columns;
    const sums = this.#sums;
    for (let point = 0; point < this.#pointsMax / 2; point++) {
      for (let column = 0; column < columns; column++) {
        const [first, second] = [2 * point * columns + column, (2 * point + 1) * columns + column];
        sums[point * columns + column] = sums[first]! + sums[second]!;
      }
    }
    sums.fill(0, (this.#pointsMax / 2) * columns);
    this.#points = Math.ceil(this.#points / 2);
    this.#stepMs *= 2;
  }
}
