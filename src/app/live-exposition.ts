import type { ExpositionSite } from '../api/contract/exposition.ts';
import type { TenantId } from '../model/ids.ts';
import { aliasOf, type MetricAlias, readAlias } from '../telemetry/aliases.ts';
import { contentTypes, expose, formatFor } from '../telemetry/exposition.ts';
import { mlFamilies } from '../telemetry/families.ts';
import { isSeen, type MetricFamily, type Reading } from '../telemetry/metric.ts';
import type { MetricSource } from './joined-metrics.ts';

/** Exported under a name that other tools know, whatever the site says. */
const gpuPercent = aliasOf('gpu_utilization')!;

/** What is measured, as scrapers read it. */
export class LiveExposition implements ExpositionSite {
  readonly #live: MetricSource;
  readonly #aliases: readonly MetricAlias[];

  /** @param names of `aliases`, under which the site wants metrics to be exported, too. */
  constructor(live: MetricSource, names: readonly string[] = []) {
    this.#live = live;
    this.#aliases = names.flatMap((name) => aliasOf(name) ?? []);
  }

  exposition(accept: string | undefined, only: TenantId | undefined) {
    const format = formatFor(accept);
    const readings = this.#live.latest().filter(({ labels }) => isSeen(labels, only));
    const byName = new Map<string, Reading[]>();
    for (const reading of readings) {
      const known = byName.get(reading.name);
      if (known === undefined) byName.set(reading.name, [reading]);
      else known.push(reading);
    }
    const latest = (name: string): readonly Reading[] => byName.get(name) ?? [];
    const aliased = this.#aliases.flatMap((alias) => readAlias(alias, latest));
    const families = [...this.#live.families(), ...mlFamilies];
    const text = expose(
      [...families, ...this.#aliases.map(familyOf)],
      [...readings, ...readAlias(gpuPercent, latest).map(byIndex), ...aliased],
      format,
    );
    return { text, type: contentTypes[format] };
  }
}

/** `gpu_id` is the number that programs know a GPU by. */
const byIndex = ({ labels, value }: Reading): Reading => {
  const { index, gpu = '' } = labels;
  return { name: 'gpu_utilization_percent', labels: { gpu_id: index ?? gpu }, value };
};

const familyOf = ({ alias, help }: MetricAlias): MetricFamily => {
  const labels: readonly string[] = [];
  return { name: alias, kind: 'gauge', unit: 'none', source: 'derived', help, labels };
};
