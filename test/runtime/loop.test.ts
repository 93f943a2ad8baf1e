import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { OperationError } from '../../src/model/errors.ts';
import type { TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import { Loop } from '../../src/runtime/loop.ts';
import type { AttemptStart, Driver, KnownAttempt, Report } from '../../src/runtime/ports.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { node, type step, workload } from '../builders/workload.ts';

const tenant = 'tester' as TenantId;
const limit = { timeout: 5_000 };

/** A loop between a disk, a clock and a driver that the test holds in its hands. */
function bench() {
  const engine = new Engine({ tasksMax: 100, endedMax: 100 }, { scorer: firstFit });
  const journal: Event[][] = [];
  const acts: string[] = [];
  const fatal: unknown[] = [];
  const clock = { now: 0, at: undefined as number | undefined, ring: () => {} };
  const disk = {
    error: undefined as Error | undefined,
    held: undefined as Promise<void> | undefined,
  };
  let known: Promise<readonly KnownAttempt[]> = Promise.resolve([]);
  const driver: Driver = {
    enforcement: { driver: 'simulated', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
    start: (start: AttemptStart) => acts.push(`start ${start.attempt}`),
    stop: (attempt, reason) => acts.push(`stop ${attempt} ${reason}`),
    known: () => known,
    settle: (attempt) => acts.push(`settle ${attempt}`),
    close: () => Promise.resolve(),
  };
  const loop = new Loop(
    { baseEnv: {}, workRoot: '/work', nodePath: '/node' },
    {
      engine,
      clock: {
        now: () => timeMs(clock.now),
        alarm: (at, ring) => {
          clock.at = at;
          clock.ring = ring;
        },
      },
      journal: {
        append: async (events) => {
          await disk.held;
          if (disk.error !== undefined) throw disk.error;
          journal.push([...events]);
        },
      },
      driver,
      onBatch: () => {},
      onFatal: (error) => fatal.push(error),
    },
  );
  return {
    engine,
    journal,
    acts,
    fatal,
    clock,
    disk,
    loop,
    submit: (...steps: ReturnType<typeof step>[]) =>
      loop.send({ kind: 'submit', tenant, spec: workload('w', ...steps) }),
    knows: (answer: Promise<readonly KnownAttempt[]>) => {
      known = answer;
    },
    ring: (now: number) => {
      clock.now = now;
      clock.ring();
    },
  };
}

const ended = (attempt: string, cause: 'succeeded' | 'failed' = 'succeeded'): Report => ({
  kind: 'ended',
  attempt: attempt as never,
  end: {
    cause,
    usage: {},
    enforced: { driver: 'simulated', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
  },
});

const full = () => new OperationError('STATE_FULL', 'no space left');

test('a command without events does not keep the next one waiting', limit, async () => {
  const b = bench();
  assert.deepEqual(await b.loop.send({ kind: 'tick' }), { kind: 'done' });
  assert.deepEqual(await b.loop.send({ kind: 'tick' }), { kind: 'done' });
});
