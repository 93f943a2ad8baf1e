import { assert } from '../base/assert.ts';
import { nearest } from '../base/nearest.ts';
import { defaultOrder, type SchedulingConfig } from '../model/scheduling-config.ts';
import { ConservativeScheduler } from './conservative-scheduler.ts';
import { DeferringScheduler } from './deferring-scheduler.ts';
import { EasyScheduler } from './easy-scheduler.ts';
import { GangScheduler } from './gang-scheduler.ts';
import { guardFilter, guardOrder, guardScorer } from './guarded-plugin.ts';
import type { SolveProgram } from './optimal.ts';
import { OptimalScheduler } from './optimal-scheduler.ts';
import type { OrderRule } from './order.ts';
import { orders } from './orders/registry.ts';
import { NO_PLUGINS, type Plugins } from './plugin.ts';
import { type QueueNode, QueueTree } from './queue-tree.ts';
import type { Candidate, OrderedScheduler, Scheduler, SchedulerDeps } from './scheduler.ts';
import { type Scorer, type SiteScoring, weightedSum } from './scorer.ts';
import { heedingWishes, preferred } from './scorers/preferred.ts';
import { scorers } from './scorers/registry.ts';
import { TreeScheduler } from './tree-scheduler.ts';
import { byRank, FixedOrder, ranksAll, TenantOrder, type WaitingOrder } from './waiting-order.ts';

/** What a configuration cannot say as data. */
export interface SchedulingParts extends Pick<SiteScoring, 'learned'> {
  /** For `plan: optimal`; absent where no solver is installed. */
  readonly solve?: SolveProgram | undefined;
}

/** The policy that a configuration describes. Names were checked when it was read; an unknown one is a bug. */
export function makeScheduler(
  config: SchedulingConfig,
  plugins: Plugins = NO_PLUGINS,
  { learned, solve }: SchedulingParts = {},
): <T extends Candidate>(deps: SchedulerDeps<T>) => Scheduler<T> {
  const ordered = <T extends Candidate>(deps: SchedulerDeps<T>): OrderedScheduler<T> => {
    const scorer = scorerOf(config, plugins, learned);
    if (scorer.knowsWho === true) deps.shapes.tellApart();
    const { kind, depth } = config.backfill;
    if (config.plan === 'optimal') return new OptimalScheduler(deps, scorer, { depth, solve });
    if (kind === 'none') return new TreeScheduler(deps, scorer, config, rulesOf(plugins));
    const order = waitingOrder(deps, config, rulesOf(plugins));
    if (kind === 'conservative') return new ConservativeScheduler(deps, scorer, { depth, order });
    const backfill = kind === 'easy' ? 'queue-order' : 'shortest-first';
    return new EasyScheduler(deps, scorer, { backfill, depth, order });
  };
  return (deps) => {
    deps.table.siteFilters = (config.filters ?? []).map((name) =>
      guardFilter(named(plugins.filters, name), plugins.watch),
    );
    const gangs = new GangScheduler(deps, ordered(deps), config);
    return deps.deferral === undefined ? gangs : new DeferringScheduler(gangs, deps.deferral);
  };
}

/** Of the one queue that a site with backfill has. */
function waitingOrder<T extends Candidate>(
  deps: SchedulerDeps<T>,
  { root, seed }: SchedulingConfig,
  ruleOf: (node: QueueNode) => OrderRule,
): WaitingOrder<T> {
  const node = new QueueTree(root).leaves[0]!;
  const rule = ruleOf(node);
  assert(ranksAll(rule), `${node.config.order.name} orders no more than the first: no backfill`);
  return rule.tenantRank === undefined
    ? new FixedOrder<T>(byRank(rule))
    : new TenantOrder<T>(deps, { node, rule, seed });
}

function scorerOf(
  config: SchedulingConfig,
  plugins: Plugins,
  learned: SiteScoring['learned'],
): Scorer {
  const own = plugins.scorers.map((plugin) => guardScorer(plugin, plugins.watch));
  const known: readonly Scorer[] = [...scorers, ...own];
  const sum = weightedSum(
    config.scorers.map(({ name, weight }) => {
      const found = named(known, name);
      return { scorer: found.configured?.({ ...config, learned }) ?? found, weight };
    }),
  );
  const weighed = config.scorers.some(({ name }) => name === preferred.name);
  return weighed ? sum : heedingWishes(sum);
}

function rulesOf(plugins: Plugins) {
  const own = plugins.orders.map((plugin) => ({
    name: plugin.name,
    rule: guardOrder(plugin, plugins.watch),
  }));
  return ({ config: { order } }: QueueNode): OrderRule => {
    const plugin = own.find(({ name }) => name === order.name);
    if (plugin === undefined) return named(orders, order.name).rule(order);
    return plugin.rule(order, named(orders, defaultOrder.name).rule(order));
  };
}

function named<T extends { readonly name: string }>(entries: readonly T[], name: string): T {
  const found = entries.find((entry) => entry.name === name);
  const near = nearest(
    name,
    entries.map((entry) => entry.name),
  );
  assert(found !== undefined, `no policy is called ${name}${near ? `; ${near}?` : ''}`);
  return found;
}
