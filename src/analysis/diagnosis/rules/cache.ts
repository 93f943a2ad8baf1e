import { formatBytes } from '../../../base/format.ts';
import type { Verdict } from '../report.ts';
import type { MetricWindow } from '../window.ts';

/** What is in the last-level caches and what goes to memory, where the machine counts it. */
export function cacheRule(window: MetricWindow): Verdict {
  const held = sumOf(window, 'berth_node_cache_occupancy_bytes');
  const traffic = sumOf(window, 'berth_node_memory_traffic_bytes_per_second');
  const told = [
    ...(held === undefined
      ? []
      : [`${formatBytes(Math.round(held))} of the last-level caches are in use`]),
    ...(traffic === undefined ? [] : [`${formatBytes(Math.round(traffic))}/s go to memory`]),
  ];
  const groups = new Set(
    window.all('berth_node_cache_occupancy_bytes').map(({ labels }) => labels['group']),
  );
  const whose =
    groups.size > 1
      ? `${groups.size} groups of resctrl are told apart in berth_node_cache_occupancy_bytes`
      : 'who takes it from whom is unknown: resctrl counts by group, and there is one';
  return {
    findings: [],
    looked: [
      {
        resource: 'cache',
        utilisation: undefined,
        saturation: undefined,
        errors: undefined,
        sentence:
          told.length === 0
            ? 'Unknown: who takes whose CPU cache needs resctrl, which is not mounted here, or counters of the PMU, which Berth does not read.'
            : `${told.join(', ')}; ${whose}.`,
      },
    ],
  };
}

function sumOf(window: MetricWindow, name: string): number | undefined {
  const means = window
    .all(name)
    .map(({ points }) => points.reduce((sum, { mean }) => sum + mean, 0) / points.length)
    .filter(Number.isFinite);
  return means.length === 0 ? undefined : means.reduce((sum, mean) => sum + mean, 0);
}
