import type { Prng } from '../../src/base/prng.ts';
import { type SpanMs, spanMs, type TimeMs, UNLIMITED } from '../../src/base/units.ts';
import type { TenantId } from '../../src/model/ids.ts';
import {
  NO_AMOUNTS,
  type PreemptionConfig,
  type QueueConfig,
  type QuotaConfig,
  queueConfig,
  type SchedulingConfig,
  UNLIMITED_AMOUNTS,
} from '../../src/model/scheduling-config.ts';
import { orders } from '../../src/scheduling/orders/registry.ts';
import { scorers } from '../../src/scheduling/scorers/registry.ts';
import { bp } from './seed-tree.ts';
import { config, order } from './site.ts';

export interface DrawnTree {
  readonly scheduling: SchedulingConfig;
  /** Queues to which workloads may be submitted. */
  readonly queues: readonly string[];
}

/** A random tree of queues with random limits, orders and quotas. A leaf is always called `default`. */
export function drawTree(prng: Prng): DrawnTree {
  const queues: string[] = [];
  const draw = (name: string, depth: number): QueueConfig => {
    const inner = depth < 2 && prng.chance(35);
    if (!inner) queues.push(name);
    const children = inner
      ? Array.from({ length: prng.between(1, 3) }, (_, i) => draw(`${name}.${i}`, depth + 1))
      : [];
    return drawQueue(prng, name, children);
  };
  const drawn = Array.from({ length: prng.between(0, 3) }, (_, i) => draw(`q${i}`, 0));
  queues.push('default');
  const children = [drawQueue(prng, 'default', []), ...drawn];
  const root = queueConfig('root', { children, childOrder: drawChildOrder(prng) });
  const scheduling = config([], {
    root,
    scorers: [{ name: prng.pick(scorers).name, weight: 1 }],
    seed: prng.below(1000),
    quotas: prng.chance(40) ? [drawQuota(prng, queues)] : [],
  });
  const keeping = { ...scheduling, keepAfterMs: spanMs(prng.pick([10_000, 60_000, 3_600_000])) };
  if (!prng.chance(60)) return { scheduling: keeping, queues };
  return { scheduling: { ...keeping, preemption: drawPreemption(prng) }, queues };
}

export function drawPreemption(prng: Prng): PreemptionConfig {
  const minRunMs = spanMs(prng.pick([0, 0, 60_000]));
  return { minRunMs, perQueueHour: prng.pick([1, 5, 1_000]) };
}

const drawChildOrder = (prng: Prng) => prng.pick(['weighted', 'priority', 'usage'] as const);

function drawQueue(prng: Prng, name: string, children: readonly QueueConfig[]): QueueConfig {
  const cpu = (low: number, high: number) => (prng.between(low, high) * 1000) as never;
  const limited = prng.chance(25) ? { ...UNLIMITED_AMOUNTS, cpu: cpu(4, 12) } : UNLIMITED_AMOUNTS;
  const guaranteed = prng.chance(30) ? { ...NO_AMOUNTS, cpu: cpu(1, 3) } : NO_AMOUNTS;
  const lending = prng.chance(30) ? NO_AMOUNTS : UNLIMITED_AMOUNTS;
  const teams = children.length === 0 && prng.chance(15);
  return queueConfig(name, {
    children,
    weight: prng.between(1, 5),
    priority: prng.between(0, 3),
    childOrder: drawChildOrder(prng),
    limit: limited,
    guaranteed,
    lendingLimit: lending,
    reclaim: prng.pick(['enabled', 'enabled', 'enabled', 'disabled', 'always'] as const),
    fifo: prng.chance(20) ? 'strict' : 'best-effort',
    runningMax: prng.chance(15) ? prng.between(1, 4) : UNLIMITED,
    oversubscription: bp(prng.chance(15) ? 15_000 : 10_000),
    order: order(prng.pick(orders).name, {
      ageingPerHour: prng.pick([0, 1, 60]),
      halfLifeMs: prng.pick([60_000, 3_600_000, UNLIMITED]) as SpanMs,
      levelsAtSeconds: [30, 300],
      starvationFactor: prng.pick([0, 2]),
    }),
    tenants: {
      byDefault: {
        weight: 1,
        limit: UNLIMITED_AMOUNTS,
        runningMax: prng.chance(15) ? prng.between(1, 3) : UNLIMITED,
        activeMax: UNLIMITED,
      },
      byName: {},
    },
    teams: teams ? [{ name: 'team', weight: 2, members: ['ada', 'ben'] as TenantId[] }] : [],
  });
}

/** Ten minutes in which an hour of eight CPUs cannot be used up at once. */
function drawQuota(prng: Prng, queues: readonly string[]): QuotaConfig {
  const lengthMs = 600_000;
  const first = 1_767_225_600_000;
  const starts = Array.from({ length: 2_000 }, (_, i) => (first + i * lengthMs) as TimeMs);
  return {
    name: 'cpu',
    each: prng.chance(50),
    ...(prng.chance(40) ? { queue: prng.pick(queues) as never } : {}),
    limit: { cpu: prng.between(2_000, 8_000) * 1000, memory: UNLIMITED, gpu: UNLIMITED },
    window: prng.chance(50)
      ? { kind: 'periods', starts }
      : { kind: 'rolling', lengthMs: lengthMs as SpanMs },
    whenExhausted: 'wait',
  };
}
