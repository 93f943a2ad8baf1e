/** Of the time of a device whose tasks take turns: what is not lost with changing from one to the next. */
export const usefulPart = (sliceMs: number, switchMs: number): number =>
  sliceMs / (sliceMs + switchMs);

export interface SliceWish {
  /** That take turns; at least 2. */
  readonly tasks: number;
  /** Saving the state of one and loading that of the next. */
  readonly switchMs: number;
  /** A task waits at most so long for its turn; absent: that does not matter. */
  readonly waitMaxMs?: number;
  /** Part of the time that may be lost; absent: that does not matter. */
  readonly overheadMax?: number;
  /** What the driver can do. */
  readonly sliceMinMs: number;
  readonly sliceMaxMs: number;
}

export interface Slice {
  readonly sliceMs: number;
  /** Part of the time that is lost. */
  readonly overhead: number;
  /** From the end of a task's turn until its next one. */
  readonly waitMs: number;
  /** Of what was wished for, what cannot be had with it. */
  readonly misses: readonly ('wait' | 'overhead')[];
}

/**
 * The longest slice with which nobody waits longer than wished, for the longest loses least; without such a wish, the
 * shortest that loses no more than wished. Where both wishes cannot be had, the wait is kept and the loss is told.
 */
export function chooseSlice(wish: SliceWish): Slice {
  const { tasks, switchMs, waitMaxMs, overheadMax, sliceMinMs, sliceMaxMs } = wish;
  const others = Math.max(1, tasks - 1);
  // A turn of each other one, and a change after every turn.
  const longest = waitMaxMs === undefined ? undefined : (waitMaxMs - tasks * switchMs) / others;
  const shortest =
    overheadMax === undefined ? sliceMaxMs : (switchMs * (1 - overheadMax)) / overheadMax;
  const sliceMs = Math.min(sliceMaxMs, Math.max(sliceMinMs, longest ?? shortest));
  const overhead = 1 - usefulPart(sliceMs, switchMs);
  const waitMs = others * sliceMs + tasks * switchMs;
  const misses: Slice['misses'][number][] = [];
  if (waitMaxMs !== undefined && waitMs > waitMaxMs + 1e-9) misses.push('wait');
  if (overheadMax !== undefined && overhead > overheadMax + 1e-12) misses.push('overhead');
  return { sliceMs, overhead, waitMs, misses };
}
