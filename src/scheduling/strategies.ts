import {
  defaultOrder,
  defaultScheduling,
  type OrderConfig,
  type QueueConfig,
  type SchedulingConfig,
  type WeightedScorer,
} from '../model/scheduling-config.ts';
import type { OrderName } from './orders/registry.ts';
import type { ScorerName } from './scorers/registry.ts';

/** An order and scorers that go together, under a name that people know. */
export interface Strategy {
  readonly name: string;
  /** One sentence for `docs/policies/packing.md` and `config explain`. */
  readonly what: string;
  readonly order: Partial<OrderConfig> & { readonly name: OrderName };
  readonly scorers: readonly (WeightedScorer & { readonly name: ScorerName })[];
  readonly plan?: 'optimal';
}

const DAY_MS = 86_400_000 as OrderConfig['halfLifeMs'];

/** Every strategy. Adding one = its row here. */
export const strategies = [
  {
    name: 'greedy',
    what: 'The oldest task first, on the first node that fits: the least work per decision.',
    order: { name: 'fifo' },
    scorers: [{ name: 'first-fit', weight: 1 }],
  },
  {
    name: 'optimal',
    what: 'All waiting tasks of a priority planned together to proven optimality; small sites of one queue.',
    order: { name: 'priority' },
    scorers: [{ name: 'fill-plan', weight: 1 }],
    plan: 'optimal',
  },
  {
    name: 'balanced',
    what: 'Waiting, fair share and priority by points; packed, but in proportion and off hot nodes.',
    order: { name: 'multifactor' },
    scorers: [
      { name: 'best-fit', weight: 4 },
      { name: 'tetris', weight: 3 },
      { name: 'spread', weight: 3 },
    ],
  },
  {
    name: 'priority_based',
    what: 'The highest priority first, ageing by ten points an hour so that nobody starves; packed.',
    order: { name: 'priority', ageingPerHour: 10 },
    scorers: [{ name: 'best-fit', weight: 1 }],
  },
  {
    name: 'fair_share',
    what: 'The tenant that used least for its weight, half forgotten after a day; packed.',
    order: { name: 'fair-share', halfLifeMs: DAY_MS },
    scorers: [{ name: 'best-fit', weight: 1 }],
  },
  {
    name: 'adaptive',
    what: 'Spreads, aligns or packs by how full and how broken up the site is now.',
    order: { name: 'multifactor' },
    scorers: [{ name: 'adaptive', weight: 1 }],
  },
  {
    name: 'ml_based',
    what: 'Nodes by a trained model; best fit until there is one.',
    order: { name: 'priority', ageingPerHour: 10 },
    scorers: [{ name: 'learned', weight: 1 }],
  },
] as const satisfies readonly Strategy[];
export type StrategyName = (typeof strategies)[number]['name'];

/**
 * What the strategy says of a site, over the queues of `root`: those that have the default order get that of
 * the strategy. Undefined when there is none of this name.
 */
export function strategyNamed(
  name: string,
  root: QueueConfig = defaultScheduling.root,
): Partial<SchedulingConfig> | undefined {
  const found: Strategy | undefined = strategies.find((strategy) => strategy.name === name);
  if (found === undefined) return undefined;
  const order = { ...defaultOrder, ...found.order };
  return {
    root: withOrder(root, order),
    scorers: found.scorers,
    ...(found.plan !== undefined && { plan: found.plan }),
  };
}

function withOrder(queue: QueueConfig, order: OrderConfig): QueueConfig {
  return {
    ...queue,
    order: queue.order === defaultOrder ? order : queue.order,
    children: queue.children.map((child) => withOrder(child, order)),
  };
}
