interface Span {
  readonly from: number;
  readonly to: number;
}

/** The lane of each span, first fit in the order given: spans of one lane never overlap. */
export function packLanes(spans: readonly Span[]): {
  readonly lanes: readonly number[];
  readonly count: number;
} {
  const free: number[] = [];
  const lanes = spans.map(({ from, to }) => {
    const found = free.findIndex((at) => at <= from);
    const lane = found === -1 ? free.length : found;
    free[lane] = to;
    return lane;
  });
  return { lanes, count: free.length };
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
