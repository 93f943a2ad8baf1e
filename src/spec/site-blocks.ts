import { nearest } from '../base/nearest.ts';
import { metricAliasNames } from '../model/metric-alias-names.ts';
import { unmetModels } from './blocks/models-block.ts';
import { shown } from './quantities.ts';
import type { SiteReading } from './site-reading.ts';
import { siteBlocks } from './site-schema.ts';

const workloadKeys: readonly string[] = ['run', 'steps', 'action'];

export const isOfWorkload = (key: string): boolean => workloadKeys.includes(key);

/** Each by itself, so that one wrong block does not hide what is wrong in another. */
export function readBlocks(reading: SiteReading) {
  return {
    timeZone: reading.read(siteBlocks.time_zone, ['time_zone']),
    scheduling: reading.readPart(siteBlocks.scheduling, ['scheduling']),
    tenancy: reading.readPart(siteBlocks.multi_tenancy, ['multi_tenancy']),
    quotas: reading.readList(siteBlocks.quotas, ['quotas']),
    budgets: reading.readList(siteBlocks.budgets, ['budgets']),
    reservations: reading.readList(siteBlocks.reservations, ['reservations']),
    qos: reading.readPart(siteBlocks.qos, ['qos']),
    network: reading.readPart(siteBlocks.network, ['network']),
    storage: reading.readPart(siteBlocks.storage, ['storage']),
    autoscaling: reading.readPart(siteBlocks.autoscaling, ['autoscaling']),
    compute: reading.readPart(siteBlocks.compute, ['compute']),
    saving: reading.readPart(siteBlocks.cost_optimization, ['cost_optimization']),
    plugins: reading.read(siteBlocks.plugins, ['plugins']),
    name: reading.read(siteBlocks.name, ['name']),
    models: reading.read(siteBlocks.models, ['models']),
    monitoring: reading.read(siteBlocks.monitoring, ['monitoring']),
  };
}

export type Blocks = ReturnType<typeof readBlocks>;

/** Every block of the document is one of a site, and none of a workload. */
export function checkBlocks(reading: SiteReading): void {
  const known = Object.keys(siteBlocks);
  for (const key of reading.keys([])) {
    if (Object.hasOwn(siteBlocks, key)) continue;
    const message = `unknown key ${shown(key)}`;
    if (isOfWorkload(key)) {
      const why = 'a workload has it, and a site runs nothing';
      reading.error([key], `${message}: ${why}`, { at: 'key' });
    } else {
      const near = { word: key.slice(0, 64), words: known };
      reading.error([key], message, { near, at: 'key' });
    }
  }
}

/** Of what is checked, and does nothing. */
export function warnOfUnmet(reading: SiteReading, { models, monitoring }: Blocks): void {
  for (const [value, path, message] of unmetModels(models)) {
    if (value !== undefined) reading.warn(path.split('.'), message);
  }
  for (const [i, name] of (monitoring?.resources?.metrics ?? []).entries()) {
    if (name.startsWith('berth_') || (metricAliasNames as readonly string[]).includes(name))
      continue;
    const meant = nearest(name, metricAliasNames);
    const hint =
      meant === undefined ? `there are ${metricAliasNames.join(', ')}` : `did you mean ${meant}?`;
    reading.warn(
      ['monitoring', 'resources', 'metrics', i],
      `no metric has the short name ${shown(name)}: ${hint}`,
    );
  }
}
