import { nearest } from '../base/nearest.ts';
import { UNLIMITED } from '../base/units.ts';
import { Engine } from '../engine/engine.ts';
import type { EngineOptions } from '../engine/engine-options.ts';
import {
  type BackfillConfig,
  defaultScheduling,
  type OrderConfig,
  type QueueConfig,
  type SchedulingConfig,
} from '../model/scheduling-config.ts';
import { makeScheduler, type SchedulingParts } from '../scheduling/make-scheduler.ts';
import { orders } from '../scheduling/orders/registry.ts';
import type { Plugins } from '../scheduling/plugin.ts';
import { scorers } from '../scheduling/scorers/registry.ts';
import { type Strategy, strategies } from '../scheduling/strategies.ts';
import { ranksAll } from '../scheduling/waiting-order.ts';

/** What a policy that is looked at means: `fair-share+easy+best-fit`. */
export interface Policy {
  readonly name: string;
  readonly config: SchedulingConfig;
}

/** A name that does not mean anything. */
export interface UnknownPolicy {
  /** A sentence. */
  readonly why: string;
}

/** Between the parts of a name. */
const JOINT = '+';
/** As many as wait: who compares policies does not mean them to look at a part of the queue. */
const DEPTH = 1_000_000;
/** So few that they cost nothing: of workloads that ended, whoever observes keeps what he needs. */
const ENDED_MAX = 100;

type Change = (config: SchedulingConfig) => SchedulingConfig;

const backfills: Readonly<Record<string, BackfillConfig['kind']>> = {
  easy: 'easy',
  'easy-sjbf': 'easy-shortest-first',
  conservative: 'conservative',
};

/** First come, first served: nobody overtakes. */
const fcfs: Change = (config) => ({
  ...config,
  backfill: { kind: 'none', depth: DEPTH },
  root: everywhere(config.root, (queue) => ({
    ...queue,
    fifo: 'strict',
    order: { ...queue.order, name: 'fifo' },
  })),
});

/** Every part that a name may have, as people are told. */
export const policyNames: readonly string[] = [
  ...new Set([
    'fcfs',
    ...Object.keys(backfills),
    ...strategies.map(({ name }) => name),
    ...orders.map(({ name }) => name),
    ...scorers.map(({ name }) => name),
  ]),
];

/**
 * What the name says of a site, over what else is said of it: parts that are joined by `+`, of which later ones add to
 * those before. A strategy stands first; a second scorer is added to the first with the same weight.
 */
export function policyNamed(
  name: string,
  base: SchedulingConfig = defaultScheduling,
): Policy | UnknownPolicy {
  let config = base;
  let ownScorers = false;
  for (const [i, part] of name.split(JOINT).entries()) {
    const strategy: Strategy | undefined = strategies.find((one) => one.name === part);
    if (strategy !== undefined && i === 0) {
      config = withStrategy(config, strategy);
      ownScorers = true;
    } else if (scorers.some((scorer) => scorer.name === part)) {
      const scorer = { name: part, weight: 1 };
      config = { ...config, scorers: ownScorers ? [...config.scorers, scorer] : [scorer] };
      ownScorers = true;
    } else {
      const change = changeNamed(part);
      if (change === undefined) return { why: whyUnknown(part, strategy !== undefined) };
      config = change(config);
    }
  }
  const leaves = leavesOf(config.root);
  if (config.backfill.kind !== 'none' && leaves > 1) {
    return { why: `${name}: backfill is for a site of one queue; this one has ${leaves}.` };
  }
  const order = orderOf(config.root);
  const rule = orders.find((one) => one.name === order.name)?.rule(order);
  if (config.backfill.kind !== 'none' && rule !== undefined && !ranksAll(rule)) {
    return { why: `${name}: ${order.name} tells only who is first, and backfill looks beyond.` };
  }
  return { name, config };
}

/** A fresh engine with the policy, each time the same. */
export function engineFor(
  scheduling: SchedulingConfig,
  {
    plugins,
    parts,
    ...options
  }: Omit<EngineOptions, 'tasksMax' | 'endedMax' | 'scheduling'> & {
    readonly plugins?: Plugins;
    readonly parts?: SchedulingParts;
  } = {},
): () => Engine {
  const scheduler = makeScheduler(scheduling, plugins, parts);
  const all = { tasksMax: UNLIMITED, endedMax: ENDED_MAX, ...options, scheduling };
  return () => new Engine(all, { scheduler });
}

function changeNamed(part: string): Change | undefined {
  if (part === 'fcfs') return fcfs;
  const kind = Object.hasOwn(backfills, part) ? backfills[part] : undefined;
  if (kind !== undefined) return (config) => ({ ...config, backfill: { kind, depth: DEPTH } });
  if (!orders.some((order) => order.name === part)) return undefined;
  return (config) => ({ ...config, root: withOrder(config.root, { name: part }) });
}

function withStrategy(
  { plan: _, ...config }: SchedulingConfig,
  { order, scorers: own, plan }: Strategy,
): SchedulingConfig {
  const root = withOrder(config.root, order);
  return { ...config, root, scorers: own, ...(plan !== undefined && { plan }) };
}

const withOrder = (root: QueueConfig, order: Partial<OrderConfig>): QueueConfig =>
  everywhere(root, (queue) => ({ ...queue, order: { ...queue.order, ...order } }));

function everywhere(queue: QueueConfig, change: (queue: QueueConfig) => QueueConfig): QueueConfig {
  const children = queue.children.map((child) => everywhere(child, change));
  return { ...change(queue), children };
}

const leavesOf = ({ children }: QueueConfig): number =>
  children.length === 0 ? 1 : children.reduce((sum, child) => sum + leavesOf(child), 0);

/** Of its first leaf. */
const orderOf = ({ children, order }: QueueConfig): OrderConfig =>
  children[0] === undefined ? order : orderOf(children[0]);

function whyUnknown(part: string, isLate: boolean): string {
  if (isLate) return `${part} is a strategy: it stands first.`;
  const near = nearest(part, policyNames);
  return `No policy is called ${part}${near === undefined ? '.' : `; ${near}?`}`;
}
