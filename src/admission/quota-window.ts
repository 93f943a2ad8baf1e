import type { TimeMs } from '../base/units.ts';
import type { QuotaWindow } from '../model/scheduling-config.ts';

/** A rolling window is this many slices, of which the oldest counts in full until it is past. */
const SLICES = 24;

export interface Window {
  /** What was used from here on counts. */
  readonly from: number;
  /** Start of the slice of `at`, under which what is used now is written down. */
  readonly slice: number;
  /** When less counts, or nothing: the end of the period or of the slice. Undefined when no end is known. */
  readonly to: number | undefined;
}

export function windowAt(window: QuotaWindow, at: TimeMs): Window {
  if (window.kind === 'rolling') {
    const length = sliceMs(window.lengthMs);
    const slice = Math.floor(at / length) * length;
    return { from: slice - (SLICES - 1) * length, slice, to: slice + length };
  }
  const { starts } = window;
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= at) low = middle + 1;
    else high = middle;
  }
  // Before the first start all is one period, and after the last one, too: no period is granted that nobody stated.
  const from = low === 0 ? 0 : starts[low - 1]!;
  return { from, slice: from, to: starts[low] };
}

export function sliceMs(lengthMs: number): number {
  return Math.max(1, Math.ceil(lengthMs / SLICES));
}
