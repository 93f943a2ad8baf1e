import { type SpanMs, spanMs } from '../base/units.ts';
import type { CacheTerms } from '../model/flow.ts';
import type { DocumentDefaults } from '../model/site-config.ts';
import type { Action, Given } from './actions/define-action.ts';
import type { CostOptimizationBlock } from './blocks/cost-optimization-block.ts';
import type { CacheStrategy, OptimizationBlock } from './blocks/optimization-block.ts';
import type { RequirementsBlock } from './blocks/requirements-block.ts';
import { flowDefaults } from './flow-schema.ts';
import type { Problem } from './issue.ts';

/** What holds of caching where a step says nothing. */
export interface CacheDefaults {
  readonly ttlMs: SpanMs;
  readonly sharedBy: CacheTerms['sharedBy'];
  /** Whether the results of a step with this action are kept although it has no `cache`. */
  readonly isOn: (action: Action, given: Given, hasItems: boolean) => boolean;
  readonly actionNamed: (name: string) => Action | undefined;
}

interface CachingBlocks {
  readonly optimization?: OptimizationBlock | undefined;
  readonly cost_optimization?: CostOptimizationBlock | undefined;
  readonly resource_requirements?: RequirementsBlock | undefined;
}

const minutes = (count: number): SpanMs => spanMs(count * 60_000);
const ttlOfStrategy: Record<CacheStrategy, SpanMs | undefined> = {
  none: undefined,
  conservative: minutes(10),
  moderate: minutes(60),
  aggressive: minutes(24 * 60),
};

/**
 * Asked for by any block, or by the site where none says anything of it, caching is on for actions whose result depends on their arguments and files alone: what
 * a command does beside its result nobody knows. A step with `cache` has it in any case.
 */
export function cacheDefaults(
  blocks: CachingBlocks,
  { caching: ofSite }: DocumentDefaults,
  actionNamed: CacheDefaults['actionNamed'],
  problems: Problem[],
): CacheDefaults {
  const { caching, cache_strategy: strategy } = blocks.optimization ?? {};
  const saving = blocks.cost_optimization?.strategies?.caching;
  const prefers = blocks.resource_requirements?.cost_controls?.prefer_cached_results;
  const asked = [caching?.enabled, saving?.enabled, prefers, strategy && strategy !== 'none'];
  const bySite = asked.every((one) => one === undefined) ? ofSite : undefined;
  const isAsked = asked.includes(true) || bySite !== undefined;
  if (caching?.enabled === false && isAsked) {
    const message = 'is off here, and asked for by another key of this document';
    problems.push({ path: ['optimization', 'caching', 'enabled'], message });
  }
  const alsoCostly =
    strategy === 'aggressive' ||
    saving?.cache_expensive_operations === true ||
    bySite?.costly === true;
  return {
    ttlMs:
      caching?.ttl ??
      saving?.ttl ??
      bySite?.ttlMs ??
      (strategy && ttlOfStrategy[strategy]) ??
      flowDefaults.cache.ttlMs,
    sharedBy: caching?.share_across_users === true ? 'everybody' : flowDefaults.cache.sharedBy,
    isOn: (action, given, hasItems) =>
      isAsked &&
      (action.repeats === 'always' || (action.repeats === 'costly' && alsoCostly)) &&
      action.isKept?.(given, hasItems) !== false,
    actionNamed,
  };
}
