import type { Bytes, SpanMs } from '../base/units.ts';

/** How long what is measured is kept, by the step of its points, and how large the file may be. */
export interface HistoryConfig {
  readonly secondsMs: SpanMs;
  readonly minutesMs: SpanMs;
  readonly hoursMs: SpanMs;
  readonly size: Bytes;
}
