interface Span {
  readonly from: number;
  readonly to: number;
}

/** The lane of each span, first fit in the order given: spans of one lane never overlap. */
export function packLanes(spans: readonly Span[]): {
  readonly lanes: readonly number[];
  readonly count: number;
} {
  const free = new LanesFree(spans.length);
  let count = 0;
  const lanes = spans.map(({ from, to }) => {
    const lane = free.take(from, to);
    count = Math.max(count, lane + 1);
    return lane;
  });
  return { lanes, count };
}

/** When each lane is free again, as a tree of least times: the first that is free is found in log n. */
class LanesFree {
  readonly #leaves: number;
  /** The children of `i` are `2i` and `2i + 1`; a lane that nobody took yet was always free. */
  readonly #least: Float64Array;

  constructor(most: number) {
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(1, most)));
    this.#least = new Float64Array(2 * this.#leaves).fill(Number.NEGATIVE_INFINITY);
  }

  take(from: number, to: number): number {
    const least = this.#least;
    let i = 1;
    while (i < this.#leaves) i = least[2 * i]! <= from ? 2 * i : 2 * i + 1;
    const lane = i - this.#leaves;
    least[i] = to;
    for (i >>= 1; i >= 1; i >>= 1) least[i] = Math.min(least[2 * i]!, least[2 * i + 1]!);
    return lane;
  }
}

const S = 1_000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;
const tickSpans = [1, 2, 5, 10, 30]
  .map((n) => n * S)
  .concat(
    [1, 2, 5, 10, 30].map((n) => n * M),
    [1, 2, 6, 12].map((n) => n * H),
    [1, 2, 7, 30, 90].map((n) => n * D),
  );

/** Round distances from the start, at most `most` of them. */
export function ticksOf(span: number, most: number): readonly number[] {
  const step = tickSpans.find((t) => span / t <= most) ?? span;
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, i) => i * step);
}
