import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SystemClock } from '../../src/app/system-clock.ts';
import { spanMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import { Loop } from '../../src/runtime/loop.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { skipSystem } from '../builders/system-suite.ts';
import { node, resources, step, workload } from '../builders/workload.ts';
import { Rig, until } from '../execution/rig.ts';

const options = { skip: skipSystem, timeout: 60_000 };
const HOUR = 3_600_000;
const tenant = 'tester' as TenantId;
const shell = (script: string) => ({ kind: 'shell', script }) as const;

for (const jump of [HOUR, -HOUR]) {
  test(
    `the wall clock is set by ${jump / HOUR} h while tasks run on the real driver`,
    options,
    async (t) => {
      let setBy = 0;
      const clock = new SystemClock(0, {
        wall: () => Date.now() + setBy,
        monotonic: () => performance.now(),
      });
      const engine = new Engine(
        { tasksMax: 100, endedMax: 100 },
        { scheduler: (deps) => new PriorityScheduler(deps, firstFit) },
      );
      const events: Event[] = [];
      const rig = new Rig(t, {
        enforcement: 'unprivileged',
        onReport: (told) => loop.report(told),
      });
      await rig.open();
      const loop: Loop = new Loop(
        { baseEnv: { PATH: '/usr/bin:/bin' }, workRoot: rig.stateDir, nodePath: process.execPath },
        {
          engine,
          clock,
          driver: rig.driver,
          journal: { append: () => Promise.resolve() },
          onBatch: (batch) => events.push(...batch),
          onFatal: (error) => assert.fail(String(error)),
        },
      );
      const submit = (spec: ReturnType<typeof workload>) =>
        loop.send({ kind: 'submit', tenant, spec });
      await loop.send({ kind: 'join-node', node: node('n', { cpu: 3000 }) });
      const usual = step('x');
      const limits = (wallMs: number) => ({ ...usual.limits, wallMs: spanMs(wallMs) });
      const held = { kind: 'held', ttlMs: spanMs(6_000) } as const;
      await submit({ ...workload('lease', step('lease', { run: held })), kind: 'lease' });
      await submit(
        workload('long', step('long', { run: shell('sleep 4'), limits: limits(30_000) })),
      );
      await submit(
        workload('over', step('over', { run: shell('sleep 60'), limits: limits(5_000) })),
      );
      const retry = { ...usual.retry, maxRetries: 1, backoffMs: spanMs(1_000) };
      await submit(
        workload(
          'again',
          step('again', {
            run: shell('test "$BERTH_ATTEMPT" = 2'),
            retry,
            request: resources({ cpu: 1000 }),
          }),
        ),
      );
      await submit({ ...workload('next', step('lease', { run: held })), kind: 'lease' });
      setBy = jump;
      const began = performance.now();
      const ends = () =>
        events.flatMap((e) => (e.kind === 'task-ended' ? [`${e.attempt} ${e.end.cause}`] : []));
      while (performance.now() - began < 9_000) {
        await loop.send({ kind: 'renew-lease', workload: '1' as WorkloadId });
        await loop.send({ kind: 'renew-lease', workload: '5' as WorkloadId });
        await delay(500);
      }
      await until('all ends', () => ends().length >= 4 || undefined);
      assert.deepEqual(ends().sort(), [
        '2.long.0.1 succeeded',
        '3.over.0.1 timed-out',
        '4.again.0.1 failed',
        '4.again.0.2 succeeded',
      ]);
      // Who renews keeps it; who is silent loses it, though the clock was set.
      assert.deepEqual([...engine.state.runningAttempts()].map((a) => a.id).sort(), [
        '1.lease.0.1',
        '5.lease.0.1',
      ]);
      await until('the silent ones to lose it', () => ends().length === 6 || undefined);
      const placed = events.flatMap((e) => (e.kind === 'task-placed' ? [e.attempt] : []));
      assert.equal(new Set(placed).size, placed.length, 'nothing is granted twice');
      const times = events.map((e) => e.at);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
        'time never goes back',
      );
      await loop.close();
      t.diagnostic(`1 of 1 steps of ${jump / HOUR} h survived by 4 tasks and 2 leases`);
    },
  );
}
