import type { SpanMs, TimeMs } from '../base/units.ts';
import { type Measured, SERIES_MAX, type WindowSeries } from '../telemetry/alerts/evaluate.ts';
import type { LiveMetrics, MetricHistory, Reading } from '../telemetry/metric.ts';

/** Points that a window is told in, and read anew so often: more say nothing else. */
const POINTS_MAX = 120;
const WINDOWS_MAX = 1_000;

/** What conditions are told from now: the newest values, and windows from history. */
export class MeasuredNow {
  readonly #live: LiveMetrics;
  readonly #history: MetricHistory;
  readonly #windows = new Map<string, { at: TimeMs; series: readonly WindowSeries[] }>();

  constructor(live: LiveMetrics, history: MetricHistory) {
    this.#live = live;
    this.#history = history;
  }

  /** Of one look: what several conditions are told from is read once. */
  at(at: TimeMs): Measured {
    const read = new Map<string, readonly Reading[]>();
    const latest = (name: string): readonly Reading[] => {
      const readings = read.get(name) ?? this.#live.latest(name);
      read.set(name, readings);
      return readings;
    };
    return {
      at,
      latest,
      window: (name, spanMs) => this.#window(name, spanMs, at),
    };
  }

  #window(name: string, spanMs: SpanMs, at: TimeMs): readonly WindowSeries[] {
    const key = `${name} ${spanMs}`;
    const known = this.#windows.get(key);
    if (known !== undefined && at - known.at < spanMs / POINTS_MAX) return known.series;
    const from = Math.max(0, at - spanMs) as TimeMs;
    const asked = { name, from, to: at, pointsMax: POINTS_MAX, seriesMax: SERIES_MAX };
    const series = this.#history.query(asked);
    if (this.#windows.size >= WINDOWS_MAX) this.#windows.clear();
    this.#windows.set(key, { at, series });
    return series;
  }
}
