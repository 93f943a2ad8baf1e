import { orders } from '../scheduling/orders/registry.ts';
import { scorers } from '../scheduling/scorers/registry.ts';
import { strategies } from '../scheduling/strategies.ts';
import type { SiteNames } from '../spec/site-document.ts';
import { aliases } from '../telemetry/aliases.ts';
import { families } from '../telemetry/families.ts';
import { historyName } from '../telemetry/metric.ts';
import type { LoadedPlugin } from './load-plugins.ts';

/** Of counters what was counted, and its rate. */
const measuredNames: readonly string[] = [
  ...aliases.map(({ alias }) => alias),
  ...new Set(families.flatMap((family) => [family.name, historyName(family)])),
];

/** What a site document may name on this machine. */
export function siteNames(plugins: readonly LoadedPlugin[] = []): SiteNames {
  const own = (kind: LoadedPlugin['kind']): readonly string[] =>
    plugins.filter((one) => one.kind === kind).map(({ plugin }) => plugin.name);
  return {
    orders: [...orders.map(({ name }) => name), ...own('order')],
    scorers: [...scorers.map(({ name }) => name), ...own('scorer')],
    filters: own('filter'),
    strategies,
    metrics: measuredNames,
    timeZones: { has: isTimeZone, names: ['UTC', ...Intl.supportedValuesOf('timeZone')] },
  };
}

/** Old names such as US/Eastern are none that are listed, and are known all the same. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
