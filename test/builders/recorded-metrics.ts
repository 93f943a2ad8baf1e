import type { TimeMs } from '../../src/base/units.ts';
import { families } from '../../src/telemetry/families.ts';
import {
  historyName,
  type LatestReading,
  type LiveMetrics,
  type MetricFamily,
  type Reading,
} from '../../src/telemetry/metric.ts';

/** What was recorded last, as the newest values: of counters their rates, which is all that is recorded. */
export class RecordedMetrics implements LiveMetrics {
  #latest: readonly LatestReading[] = [];

  note(at: TimeMs, readings: readonly Reading[]): void {
    this.#latest = readings.map((reading) => ({ ...reading, at }));
  }

  families(): readonly MetricFamily[] {
    const names = new Set(this.#latest.map(({ name }) => name));
    return families.filter((family) => names.has(historyName(family)));
  }

  latest(name?: string): readonly LatestReading[] {
    return name === undefined ? this.#latest : this.#latest.filter((one) => one.name === name);
  }

  quality(): undefined {
    return undefined;
  }
}
