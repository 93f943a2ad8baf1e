import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BasisPoints, milliCpu, timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { EndCause, Enforcement } from '../../src/model/attempt.ts';
import { OperationError } from '../../src/model/errors.ts';
import type { AttemptId, NodeId, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import { Loop } from '../../src/runtime/loop.ts';
import type { AttemptStart, Driver, KnownAttempt } from '../../src/runtime/ports.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { node, step, workload } from '../builders/workload.ts';

const tenant = 'tester' as TenantId;
const enforced: Enforcement = {
  driver: 'simulated',
  cpu: 'none',
  memory: 'none',
  pids: 'none',
  notes: [],
};
const limit = { timeout: 5_000 };

/** A loop between a disk, a clock and a driver that the test holds in its hands. */
function bench() {
  const engine = new Engine(
    { tasksMax: 100, endedMax: 100 },
    { scheduler: (deps) => new PriorityScheduler(deps, firstFit) },
  );
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
    enforcement: enforced,
    adjust: (attempt, { weight }) => acts.push(`adjust ${attempt} to weigh ${weight}`),
    pin: (attempt, cores) => acts.push(`pin ${attempt} ${cores.join()}`),
    pause: (attempt) => acts.push(`pause ${attempt}`),
    resume: (attempt) => acts.push(`resume ${attempt}`),
    adopt: () => {},
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

/** Something that happens when the test says so. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** Everything that waits for nothing but promises has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const ended = (attempt: string, cause: EndCause = 'succeeded') => ({
  kind: 'ended' as const,
  attempt: attempt as AttemptId,
  end: { cause, usage: {}, enforced },
});

const full = () => new OperationError('STATE_FULL', 'no space left');

test('a command without events does not keep the next one waiting', limit, async () => {
  const b = bench();
  assert.deepEqual(await b.loop.send({ kind: 'tick' }), { kind: 'done' });
  assert.deepEqual(await b.loop.send({ kind: 'tick' }), { kind: 'done' });
});

test(
  'nothing is done before the batch is durable, and no answer comes earlier',
  limit,
  async () => {
    const b = bench();
    await b.loop.send({ kind: 'join-node', node: node('n') });
    const disk = gate();
    b.disk.held = disk.opened;
    let answered = false;
    const answer = b.submit(step('a')).then(() => {
      answered = true;
    });
    await settled();
    assert.deepEqual([b.acts, answered, b.journal.length], [[], false, 1]);
    disk.open();
    await answer;
    assert.deepEqual(b.acts, ['start 1.a.0.1']);
  },
);

test('reconciling starts nothing that is not durable yet', limit, async () => {
  const b = bench();
  await b.loop.send({ kind: 'join-node', node: node('n') });
  const driver = gate();
  b.knows(driver.opened.then(() => []));
  const reconciled = b.loop.reconcile();
  const disk = gate();
  b.disk.held = disk.opened;
  const answer = b.submit(step('a'));
  await settled();
  driver.open();
  await settled();
  assert.deepEqual(b.acts, []);
  disk.open();
  await Promise.all([answer, reconciled]);
  assert.deepEqual(b.acts, ['start 1.a.0.1']);
});

test('reconciling waits for the batch that is on its way to the disk', limit, async () => {
  const b = bench();
  await b.loop.send({ kind: 'join-node', node: node('n') });
  const disk = gate();
  b.disk.held = disk.opened;
  const answer = b.submit(step('a'));
  await settled();
  const reconciled = b.loop.reconcile();
  await settled();
  assert.deepEqual(b.acts, []);
  disk.open();
  await Promise.all([answer, reconciled]);
  assert.deepEqual(new Set(b.acts), new Set(['start 1.a.0.1']));
});

test('a driver that cannot tell what it knows leaves the loop working', limit, async () => {
  const b = bench();
  b.knows(Promise.reject(new OperationError('LAUNCHER_FAILED', 'no launcher')));
  await assert.rejects(b.loop.reconcile(), { code: 'LAUNCHER_FAILED' });
  assert.deepEqual(await b.loop.send({ kind: 'tick' }), { kind: 'done' });
});

test(
  'reconciling adopts what runs, settles what ended, starts what was not begun, stops strangers',
  limit,
  async () => {
    const b = bench();
    await b.loop.send({ kind: 'join-node', node: node('n', { cpu: 8000 }) });
    for (let i = 0; i < 3; i++) await b.submit(step('a'));
    b.acts.length = 0;
    b.knows(
      Promise.resolve([
        { attempt: '1.a.0.1' as AttemptId, state: 'running', pid: 7 },
        { attempt: '2.a.0.1' as AttemptId, state: 'ended', end: ended('2.a.0.1').end },
        { attempt: '9.a.0.1' as AttemptId, state: 'running', pid: 9 },
        { attempt: '8.a.0.1' as AttemptId, state: 'ended', end: ended('8.a.0.1').end },
      ]),
    );
    await b.loop.reconcile();
    assert.deepEqual(b.acts, [
      'start 3.a.0.1',
      'stop 9.a.0.1 cancelled',
      'settle 8.a.0.1',
      'settle 2.a.0.1',
    ]);
    assert.equal(b.engine.state.attempt('1.a.0.1' as AttemptId)?.pid, 7);
    assert.equal(b.engine.state.attempt('2.a.0.1' as AttemptId)?.end?.cause, 'succeeded');
  },
);

test(
  'a full disk stalls the loop: people are refused, reports wait, and nothing is lost',
  limit,
  async () => {
    const b = bench();
    await b.loop.send({ kind: 'join-node', node: node('n') });
    await b.submit(step('a'));
    b.disk.error = full();
    const early = b.submit(step('b'));
    await settled();
    b.loop.report(ended('1.a.0.1'));
    await assert.rejects(b.submit(step('c')), { code: 'STATE_FULL' });
    assert.equal(b.loop.stalled?.code, 'STATE_FULL');
    b.ring(1_000);
    await settled();
    assert.deepEqual(b.acts, ['start 1.a.0.1'], 'it tried again in vain, and did nothing');
    b.disk.error = undefined;
    b.ring(2_000);
    assert.deepEqual(await early, { kind: 'accepted', workload: '2' });
    await settled();
    assert.equal(b.loop.stalled, undefined);
    assert.deepEqual(b.acts, ['start 1.a.0.1', 'start 2.b.0.1', 'settle 1.a.0.1']);
    assert.deepEqual(await b.submit(step('d')), { kind: 'accepted', workload: '3' });
  },
);

test('people who wait behind the batch that stalls are told at once', limit, async () => {
  const b = bench();
  const disk = gate();
  b.disk.held = disk.opened;
  b.disk.error = full();
  const first = b.loop.send({ kind: 'join-node', node: node('n') });
  await settled();
  const second = b.submit(step('a'));
  disk.open();
  await assert.rejects(second, { code: 'STATE_FULL' });
  b.disk.error = undefined;
  b.ring(1_000);
  assert.deepEqual(await first, { kind: 'done' });
});

test('the alarm rings for retries that are due', limit, async () => {
  const b = bench();
  await b.loop.send({ kind: 'join-node', node: node('n') });
  await b.submit(step('a', { retry: { ...step('x').retry, maxRetries: 1 } }));
  b.loop.report(ended('1.a.0.1', 'failed'));
  await settled();
  assert.equal(b.clock.at, 1_000);
  b.ring(1_000);
  await settled();
  assert.deepEqual(b.acts, ['start 1.a.0.1', 'settle 1.a.0.1', 'start 1.a.0.2']);
  assert.equal(b.clock.at, undefined);
});

test('closing waits for what was taken, and takes no more', limit, async () => {
  const b = bench();
  const disk = gate();
  b.disk.held = disk.opened;
  const answer = b.loop.send({ kind: 'join-node', node: node('n') });
  await settled();
  const queued = b.loop.send({ kind: 'tick' });
  let closed = false;
  const closing = b.loop.close().then(() => {
    closed = true;
  });
  await assert.rejects(b.submit(step('a')), { code: 'DAEMON_DOWN' });
  assert.equal(closed, false);
  disk.open();
  await closing;
  assert.deepEqual(await answer, { kind: 'done' });
  assert.deepEqual(await queued, { kind: 'done' });
  assert.equal(b.clock.at, undefined);
});

test(
  'closing while the disk is full gives up what is not durable, after one last try',
  limit,
  async () => {
    const b = bench();
    b.disk.error = full();
    const answer = b.loop.send({ kind: 'join-node', node: node('n') });
    const rejected = assert.rejects(answer, { code: 'STATE_FULL' });
    await settled();
    await b.loop.close();
    await rejected;
    assert.deepEqual([b.journal, b.fatal], [[], []]);
  },
);

test('closing when the disk has just recovered loses nothing', limit, async () => {
  const b = bench();
  b.disk.error = full();
  const answer = b.loop.send({ kind: 'join-node', node: node('n') });
  await settled();
  b.disk.error = undefined;
  await b.loop.close();
  assert.deepEqual(await answer, { kind: 'done' });
});

test(
  'a failure of the journal that does not pass ends all deciding, and everybody is told',
  limit,
  async () => {
    const b = bench();
    await b.loop.send({ kind: 'join-node', node: node('n') });
    b.disk.error = new OperationError('STATE_CORRUPT', 'not a database');
    const taken = assert.rejects(b.submit(step('a')), { code: 'STATE_CORRUPT' });
    await settled();
    await taken;
    assert.deepEqual(b.fatal, [b.disk.error]);
    assert.deepEqual(b.acts, []);
    b.disk.error = undefined;
    await assert.rejects(b.submit(step('a')), { code: 'DAEMON_DOWN' });
    b.loop.report(ended('1.a.0.1'));
    await settled();
    assert.equal(b.journal.length, 1);
  },
);

test(
  'a task that is lost with its node is stopped, in case the node was only out of reach',
  limit,
  async () => {
    const b = bench();
    await b.loop.send({ kind: 'join-node', node: node('n') });
    await b.submit(step('a'));
    await b.loop.send({ kind: 'leave-node', node: 'n' as NodeId });
    assert.deepEqual(b.acts, ['start 1.a.0.1', 'stop 1.a.0.1 cancelled']);
  },
);

test(
  'a task that is adjusted weighs what its classes make of what it asks for now',
  limit,
  async () => {
    const { loop, submit, acts } = bench();
    await loop.send({ kind: 'join-node', node: node('n') });
    const half = { process: { cpuShare: 5_000 as BasisPoints } };
    await submit(step('s', { execution: half }));
    await settled();
    const workload = '1' as WorkloadId;
    await loop.send({ kind: 'adjust', workload, by: tenant, cpu: milliCpu(2_000) });
    await settled();
    assert.deepEqual(acts, ['start 1.s.0.1', 'adjust 1.s.0.1 to weigh 1000']);
  },
);
