import type { LatestReading, LiveMetrics, MetricFamily } from '../telemetry/metric.ts';

/** Who knows some metrics, each of them alone. */
export type MetricSource = Pick<LiveMetrics, 'families' | 'latest'>;

/** All that is known now: what is sampled, what the engine counts, what tasks told. */
export class JoinedMetrics implements LiveMetrics {
  readonly #sampled: LiveMetrics;
  readonly #sources: readonly MetricSource[];

  constructor(sampled: LiveMetrics, others: readonly MetricSource[]) {
    this.#sampled = sampled;
    this.#sources = [sampled, ...others];
  }

  families(): readonly MetricFamily[] {
    const all = this.#sources.flatMap((source) => source.families());
    return all.sort((x, y) => (x.name < y.name ? -1 : 1));
  }

  latest(name?: string): readonly LatestReading[] {
    return this.#sources.flatMap((source) => source.latest(name));
  }

  quality(): number | undefined {
    return this.#sampled.quality();
  }
}
