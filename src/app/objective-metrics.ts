import type { TimeMs } from '../base/units.ts';
import { families } from '../telemetry/families.ts';
import type { LatestReading, MetricFamily, Reading } from '../telemetry/metric.ts';
import type { MetricSource } from './joined-metrics.ts';

const PREFIX = 'berth_objective_';

/** How fast the budgets of objectives burn, as it was counted last. */
export class ObjectiveMetrics implements MetricSource {
  readonly #families = families.filter(({ name }) => name.startsWith(PREFIX));
  #latest: readonly LatestReading[] = [];

  note(at: TimeMs, readings: readonly Reading[]): void {
    this.#latest = readings.map((reading) => ({ ...reading, at }));
  }

  families(): readonly MetricFamily[] {
    return this.#latest.length === 0 ? [] : this.#families;
  }

  latest(name?: string): readonly LatestReading[] {
    return name === undefined ? this.#latest : this.#latest.filter((one) => one.name === name);
  }
}
