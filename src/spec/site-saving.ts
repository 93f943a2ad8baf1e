import type { SpanMs } from '../base/units.ts';
import { OFF_PEAK, type OrderConfig, type WeightedScorer } from '../model/scheduling-config.ts';
import type { DocumentDefaults, WrittenSite } from '../model/site-config.ts';
import type { CostOptimizationBlock } from './blocks/cost-optimization-block.ts';
import { MINUTE_MS, NO_HOURS } from './hours-of-day.ts';
import type { Path } from './issue.ts';
import type { Scheduling, SchedulingBlock } from './scheduling-block.ts';
import type { SiteReading } from './site-reading.ts';
import { batchingFrom, batchingProblems, NOT_ENABLED } from './waiting-terms.ts';

type Strategies = NonNullable<CostOptimizationBlock['strategies']>;

const at = (...keys: string[]): Path => ['cost_optimization', 'strategies', ...keys];

/** What `cost_optimization` of a site says for documents of workloads that say nothing of it. */
export function documentDefaultsOf(
  reading: SiteReading,
  block: Partial<CostOptimizationBlock> | undefined,
): DocumentDefaults | undefined {
  const { batching, caching, model_selection } = block?.strategies ?? {};
  if (model_selection !== undefined) {
    const message =
      'checked; calls of models go through the gateway, which this version does not have';
    reading.warn(at('model_selection'), message);
  }
  for (const key of ['batching', 'caching', 'resource_packing'] as const) {
    const strategy = block?.strategies?.[key];
    if (strategy !== undefined && strategy.enabled === undefined)
      reading.warn(at(key), NOT_ENABLED);
  }
  reading.errors.push(...batchingProblems(batching, at('batching')));
  const batches = batching?.enabled === true;
  const caches = caching?.enabled === true;
  if (!batches && !caches) return undefined;
  return {
    ...(batches && { batching: batchingFrom(batching) }),
    ...(caches && {
      caching: {
        ...(caching.ttl !== undefined && { ttlMs: caching.ttl as SpanMs }),
        costly: caching.cache_expensive_operations === true,
      },
    }),
  };
}

/** How tasks are packed, where `resource_packing` says so and nothing else does otherwise. */
export function withPacking<S extends Pick<Scheduling, 'order' | 'scorers' | 'policyPath'>>(
  reading: SiteReading,
  scheduling: S,
  packing: Strategies['resource_packing'],
): S {
  if (packing?.enabled !== true) return scheduling;
  const path = at('resource_packing', 'bin_packing_algorithm');
  const { bin_packing_algorithm: algorithm = 'best-fit' } = packing;
  const fit = algorithm.replace('-decreasing', '');
  if (fit === 'next-fit') {
    reading.warn(path, 'nodes have no order to go on in: the first that fits is taken');
  }
  const scorers: readonly WeightedScorer[] = [
    { name: fit === 'next-fit' ? 'first-fit' : fit, weight: 1 },
  ];
  const placement = ['scheduling', 'placement'];
  if (
    reading.value(placement) !== undefined &&
    JSON.stringify(scorers) !== JSON.stringify(scheduling.scorers)
  ) {
    reading.error(path, `line ${reading.line(placement)} says how nodes are chosen, too`);
  }
  const packed = { ...scheduling, scorers };
  if (fit === algorithm) return packed;
  const order: OrderConfig = { ...scheduling.order, name: 'largest-first' };
  const { policyPath } = scheduling;
  if (policyPath === undefined) return { ...packed, order, policyPath: path };
  if (scheduling.order.name !== order.name) {
    const message = `line ${reading.line(policyPath)} says ${scheduling.order.name}, and both are the policy of the site`;
    reading.error(path, message);
  }
  return { ...packed, order };
}

/** What `off_peak` means; undefined where the site says neither that nor its zone. */
export function offPeakOf(
  reading: SiteReading,
  blocks: {
    readonly scheduling?: SchedulingBlock | undefined;
    readonly timeZone?: string | undefined;
  },
  zoneAt: (written: string | undefined, path: Path) => string,
): WrittenSite['scheduling']['offPeak'] {
  const path = ['scheduling', 'off_peak'];
  const written = blocks.scheduling?.off_peak;
  if (written === undefined) {
    if (blocks.timeZone === undefined) return undefined;
    const { kind, startMs, endMs } = OFF_PEAK;
    return { kind, startMs, endMs, timeZone: zoneAt(undefined, ['time_zone']) };
  }
  const { start, end } = written;
  if (start === end) reading.error(path, NO_HOURS, { expected: 'two times of day' });
  return {
    kind: 'daily',
    startMs: start * MINUTE_MS,
    endMs: end * MINUTE_MS,
    timeZone: zoneAt('timezone' in written ? written.timezone : undefined, [...path, 'timezone']),
  };
}
