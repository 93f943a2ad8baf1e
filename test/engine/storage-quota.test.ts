import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytes, timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { AttemptId, TaskId, TenantId } from '../../src/model/ids.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import type { Refusal } from '../../src/model/refusal.ts';
import { defaultScheduling, type StorageQuota } from '../../src/model/scheduling-config.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { node, step, workload } from '../builders/workload.ts';
import { checkSameFuture } from '../sim/replay.ts';

const [ada, bo] = ['ada', 'bo'] as TenantId[];
const MIB = 1024 ** 2;
const quotas: readonly StorageQuota[] = [
  { name: 'user bo', tenants: [bo!], each: true, limit: bytes(5 * MIB) },
  { name: 'each user', each: true, except: [bo!], limit: bytes(10 * MIB) },
  { name: 'team lab', tenants: [ada!, bo!], each: false, limit: bytes(14 * MIB) },
];

function open(storageQuotas = quotas) {
  const scheduling = { ...defaultScheduling, storageQuotas };
  const fresh = () =>
    new Engine(
      { tasksMax: 1_000, endedMax: 100, scheduling },
      { scheduler: makeScheduler(scheduling) },
    );
  const engine = fresh();
  const journal: Event[] = [];
  const at = timeMs(0);
  const apply = (event: Event): void => {
    engine.apply(event);
    journal.push(event);
  };
  const send = (command: Command): Event[] => {
    const before = journal.length;
    engine.decide(command).events.forEach(apply);
    for (let event = engine.next(at); event !== undefined; event = engine.next(at)) apply(event);
    return journal.slice(before);
  };
  send({ kind: 'join-node', at, node: node('n', { cpu: 64_000, memory: 2 ** 40 }) });
  const placed = (events: readonly Event[]): string[] =>
    events.flatMap((event) => (event.kind === 'task-placed' ? [event.attempt] : []));
  return {
    engine,
    submit: (tenant: TenantId, count = 1) =>
      placed(send({ kind: 'submit', at, tenant, spec: workload('w', step('a', { count })) })),
    keeps: (used: Readonly<Record<string, number>>) => {
      const uses = Object.entries(used).map(([tenant, mib]) => ({
        tenant: tenant as TenantId,
        bytes: bytes(mib * MIB),
      }));
      const events = send({ kind: 'report-storage', at, used: uses });
      return {
        told: events.some(({ kind }) => kind === 'storage-measured'),
        placed: placed(events),
      };
    },
    ends: (attempt: string) =>
      placed(
        send({
          kind: 'report-ended',
          at,
          attempt: attempt as AttemptId,
          end: endedBy('succeeded'),
        }),
      ),
    why: (task: string): Refusal | undefined =>
      engine.state.scheduler.refusal(engine.state.task(task as TaskId)!),
    check: () => checkSameFuture(engine, [journal], fresh, at),
  };
}

test('who keeps as much as he may starts nothing new until some of it is gone; others go on', () => {
  const b = open();
  assert.deepEqual(b.submit(ada!), ['1.a.0.1'], 'nothing is known of what he keeps');
  b.keeps({ ada: 10 });
  assert.deepEqual(b.submit(ada!), []);
  assert.deepEqual(b.why('2.a.0'), {
    code: 'storage-quota',
    quota: 'each user',
    tenant: 'ada',
    used: 10 * MIB,
    limit: 10 * MIB,
  });
  assert.equal(
    b.engine.state.attempt('1.a.0.1' as AttemptId)?.stop,
    undefined,
    'what runs goes on',
  );
  assert.deepEqual(b.submit('cy' as TenantId), ['3.a.0.1']);
  b.check();
  assert.deepEqual(b.keeps({ ada: 9 }).placed, ['2.a.0.1']);
  b.check();
});

test('a team is counted together, and a user with a quota of his own by that', () => {
  const b = open();
  b.keeps({ ada: 9, bo: 4 });
  assert.equal(b.submit(bo!).length, 1);
  b.keeps({ ada: 9, bo: 5 });
  assert.deepEqual(b.submit(bo!), []);
  const refusal = b.why('2.a.0');
  assert.ok(refusal?.code === 'storage-quota' && refusal.quota === 'user bo');
  assert.deepEqual(b.submit(ada!), []);
  assert.deepEqual(b.why('3.a.0'), {
    code: 'storage-quota',
    quota: 'team lab',
    used: 14 * MIB,
    limit: 14 * MIB,
  });
  b.check();
});

test('a measurement is a fact only where it says something new', () => {
  const b = open([{ name: 'each user', each: true, limit: bytes(1000 * MIB) }]);
  assert.equal(b.keeps({ ada: 500 }).told, true);
  assert.equal(b.keeps({ ada: 505 }).told, false, 'less than a hundredth');
  assert.equal(b.keeps({ ada: 510 }).told, true);
  assert.equal(b.keeps({ ada: 999 }).told, true);
  assert.equal(b.keeps({ ada: 1000 }).told, true, 'another answer');
  assert.equal(b.keeps({}).told, true);
  assert.deepEqual(b.engine.state.storage?.accounts(), []);
});

/** Tasks of two tenants write while they run; somebody measures now and then, and somebody cleans up. */
test('what was let in never goes beyond the quota by more than what ran when it was measured last', () => {
  const action = fc.oneof(
    fc.record({
      kind: fc.constant('submit' as const),
      who: fc.constantFrom(ada!, bo!),
      count: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({
      kind: fc.constant('write' as const),
      index: fc.nat(9),
      mib: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({ kind: fc.constant('end' as const), index: fc.nat(9) }),
    fc.record({ kind: fc.constant('measure' as const) }),
    fc.record({
      kind: fc.constant('clean' as const),
      who: fc.constantFrom(ada!, bo!),
      mib: fc.integer({ min: 1, max: 9 }),
    }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const limit = 8;
      const b = open([{ name: 'each user', each: true, limit: bytes(limit * MIB) }]);
      const keeps: Record<string, number> = { ada: 0, bo: 0 };
      const known: Record<string, number> = { ada: 0, bo: 0 };
      const running: { attempt: string; who: TenantId }[] = [];
      const start = (attempts: readonly string[]): void => {
        for (const attempt of attempts) {
          const who = b.engine.state.attempt(attempt as AttemptId)!.task.tenant;
          assert.ok(known[who]! < limit, `${who} starts with ${known[who]} MiB measured`);
          running.push({ attempt, who });
        }
      };
      for (const one of actions) {
        if (one.kind === 'submit') start(b.submit(one.who, one.count));
        else if (one.kind === 'write' && running.length > 0) {
          keeps[running[one.index % running.length]!.who]! += one.mib;
        } else if (one.kind === 'end' && running.length > 0) {
          const [gone] = running.splice(one.index % running.length, 1);
          start(b.ends(gone!.attempt));
        } else if (one.kind === 'measure') {
          Object.assign(known, keeps);
          start(b.keeps(keeps).placed);
          for (const who of [ada!, bo!]) {
            const waits = [...b.engine.state.workloads()].some(
              (w) => w.tenant === who && w.steps[0]!.tasks.some(({ state }) => state === 'waiting'),
            );
            assert.equal(waits && keeps[who]! < limit, false, `${who} has room, and waits`);
          }
        } else if (one.kind === 'clean') {
          keeps[one.who] = Math.max(0, keeps[one.who]! - one.mib);
        }
      }
      b.check();
    }),
    { numRuns: 200 },
  );
});
