import { type SpanMs, UNLIMITED } from '../../src/base/units.ts';
import type { QueueName, TenantId } from '../../src/model/ids.ts';
import { UTC } from '../../src/model/reservation.ts';
import { config, guarantee, limit, node, queueConfig, Site } from './site.ts';
import { GIB, resources } from './workload.ts';

const HOUR = 3_600_000;
/** 2026-11-20 14:00 UTC. */
export const SCENE_START = Date.parse('2026-11-20T14:00:00Z');

/** A site in full use: a guarantee, a limit, teams, a quota, a reservation and a preemption, each with somebody who waits for it. */
export function queueScene(): Site {
  const production = queueConfig('production', {
    weight: 60,
    guaranteed: guarantee({ cpu: 8 }),
    children: [queueConfig('serving', { weight: 70 }), queueConfig('batch', { weight: 30 })],
  });
  const research = queueConfig('research', {
    weight: 30,
    limit: limit({ cpu: 6 }),
    teams: [{ name: 'vision', weight: 2, members: ['ada'] as TenantId[] }],
  });
  const best = queueConfig('best_effort', { weight: 10, reclaim: 'always', runningMax: 2 });
  const scheduling = config([production, research, best], {
    quotas: [
      {
        name: 'cpu-week',
        queue: 'research' as QueueName,
        each: true,
        limit: { cpu: 20 * HOUR, memory: UNLIMITED, gpu: UNLIMITED },
        window: { kind: 'rolling', lengthMs: (7 * 24 * HOUR) as SpanMs },
        whenExhausted: 'wait',
      },
    ],
    reservations: [
      {
        name: 'nightly',
        selector: { pipelines: ['production_*'] },
        amount: resources({ cpu: 2000, memory: 4 * GIB }),
        parts: 1,
        duration: { kind: 'daily', startMs: 22 * HOUR, endMs: 6 * HOUR, zone: UTC },
      },
    ],
    preemption: { minRunMs: 0 as SpanMs, perQueueHour: 100 },
  });
  const site = new Site(scheduling, node('lab-3', { cpu: 16_000, memory: 64 * GIB, gpus: 2 }));
  site.now = SCENE_START;
  const ask = (queue: string, tenant: string, cpu: number, runMs: number, more = {}): void => {
    site.submit({ queue, tenant, cpu, runMs, gib: 1, ...more });
    site.pass();
  };
  ask('best_effort', 'eve', 5, 8 * HOUR);
  ask('best_effort', 'eve', 5, 8 * HOUR);
  ask('best_effort', 'eve', 1, HOUR);
  ask('research', 'ada', 4, 2 * HOUR);
  site.now += 600_000;
  ask('serving', 'prod', 4, 4 * HOUR, { priority: 100 });
  ask('research', 'ben', 4, 3 * HOUR);
  ask('research', 'ada', 4, 4 * HOUR);
  ask('batch', 'prod', 9, HOUR, { gib: 60 });
  return site;
}
