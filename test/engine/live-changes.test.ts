import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, milliCpu, spanMs, timeMs, UNLIMITED } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import type { EndCause } from '../../src/model/attempt.ts';
import type { AttemptId, NodeId, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import { defaultScheduling } from '../../src/model/scheduling-config.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import { endedBy } from '../builders/engine-bench.ts';
import { GIB, node, resources, step, workload } from '../builders/workload.ts';
import { eventLine } from '../sim/trace.ts';

const by = 'tester' as TenantId;
const eviction = {
  thresholds: { 'best-effort': 'memory > 80%', burstable: 'memory > 90%' },
  settleMs: spanMs(10_000),
};

type Asked = Command extends infer C ? (C extends Command ? Omit<C, 'at'> : never) : never;

/** An engine as a site has it, on a clock that is set by hand. */
function stage(...nodes: ReturnType<typeof node>[]) {
  const scheduling = { ...defaultScheduling, eviction };
  const fresh = () =>
    new Engine(
      { tasksMax: 100, endedMax: 10, scheduling },
      { scheduler: makeScheduler(scheduling) },
    );
  const engine = fresh();
  const journal: Event[] = [];
  let now = 0;
  const send = (asked: Asked): string[] => {
    const { events, answer } = engine.decide({ ...asked, at: timeMs(now) } as Command);
    const seen = [...events];
    for (const event of events) engine.apply(event);
    for (let e = engine.next(timeMs(now)); e !== undefined; e = engine.next(timeMs(now))) {
      engine.apply(e);
      seen.push(e);
    }
    journal.push(...seen);
    checkCopies();
    const refused = answer.kind === 'refused' ? [`refused ${answer.refusal.code}`] : [];
    return [...refused, ...seen.map(eventLine)];
  };
  /** A replay and a snapshot come to the same state. */
  function checkCopies(): void {
    const want = takeSnapshot(engine.state);
    const replayed = fresh();
    for (const event of journal) replayed.apply(event);
    assert.equal(takeSnapshot(replayed.state), want);
    const restored = fresh();
    restoreSnapshot(restored.state, want);
    assert.equal(takeSnapshot(restored.state), want);
    for (let row = 0; row < engine.state.table.rows; row++) {
      assert.equal(restored.state.table.freeCpu(row), engine.state.table.freeCpu(row));
      assert.equal(restored.state.table.freeMemory(row), engine.state.table.freeMemory(row));
    }
    for (const one of engine.state.workloads()) {
      assert.deepEqual(restored.state.workload(one.id)!.attained, one.attained);
    }
  }
  for (const one of nodes) send({ kind: 'join-node', node: one });
  return {
    engine,
    send,
    submit: (cpu: number, changes: Parameters<typeof step>[1] = {}) =>
      send({
        kind: 'submit',
        tenant: by,
        spec: workload('w', step('s', { request: resources({ cpu }), ...changes })),
      }),
    adjust: (id: string, changes: object) =>
      send({ kind: 'adjust', workload: id as WorkloadId, by, ...changes }),
    pause: (kind: 'pause' | 'unpause', id: string) =>
      send({ kind, workload: id as WorkloadId, by }),
    start: (attempt: string) =>
      send({ kind: 'report-started', attempt: attempt as AttemptId, pid: 1 }),
    end: (attempt: string, cause: Parameters<typeof endedBy>[0] = 'succeeded') =>
      send({ kind: 'report-ended', attempt: attempt as AttemptId, end: endedBy(cause) }),
    press: (memoryUsed: number, use: Record<string, number> = {}) =>
      send({
        kind: 'report-pressure',
        node: 'n' as NodeId,
        pressure: { memoryUsed },
        use: Object.entries(use).map(([id, memory]) => ({
          attempt: id as AttemptId,
          memory: bytes(memory),
        })),
      }),
    wait: (ms: number) => {
      now += ms;
      return send({ kind: 'tick' });
    },
  };
}

test('growing needs room; shrinking gives room to who waits', () => {
  const { submit, adjust, engine } = stage(node('n', { cpu: 2000 }));
  submit(1000);
  submit(1500);
  assert.deepEqual(adjust('1', { cpu: milliCpu(3000) }), ['refused insufficient']);
  assert.deepEqual(adjust('1', { cpu: milliCpu(500) }), [
    'adjust 1.s.0.1 to cpu=0.5 memory=1Gi',
    'placed 2.s.0.1 on n',
  ]);
  assert.deepEqual(adjust('1', { cpu: milliCpu(501) }), ['refused insufficient']);
  assert.equal(engine.state.table.freeCpu(0), 0);
});

test('a limit follows the request, and what has no limit keeps none', () => {
  const { submit, adjust, engine } = stage(node('n', { cpu: 4000 }));
  const limits = { ...step('x').limits, cpu: milliCpu(1000), memory: bytes(GIB) };
  submit(1000, { limits });
  submit(1000);
  adjust('1', { cpu: milliCpu(2000), memory: bytes(2 * GIB), pids: 9 });
  adjust('2', { cpu: milliCpu(500) });
  const [first, second] = [...engine.state.runningAttempts()];
  assert.deepEqual(first!.live!.limits, { cpu: 2000, memory: 2 * GIB, pids: 9 });
  assert.equal(first!.placement.memoryLimit, 2 * GIB);
  assert.equal(second!.live!.limits!.cpu, UNLIMITED);
});

test('the service of a workload is what it held at each time', () => {
  const { submit, adjust, end, wait, engine } = stage(node('n', { cpu: 4000 }));
  submit(1000);
  wait(10_000);
  adjust('1', { cpu: milliCpu(3000) });
  wait(10_000);
  end('1.s.0.1');
  assert.equal(engine.state.workload('1' as WorkloadId)!.attained.cpu, 10 * 1000 + 10 * 3000);
  assert.equal(engine.state.table.freeCpu(0), 4000);
});

test('what waits goes first once its priority is raised', () => {
  const { submit, adjust, end } = stage(node('n', { cpu: 1000 }));
  submit(1000);
  submit(1000);
  submit(1000);
  assert.deepEqual(adjust('3', { priority: 5 }), ['priority 3 5']);
  assert.ok(end('1.s.0.1').includes('placed 3.s.0.1 on n'));
});

test('those whose priority is raised keep their order, whoever left the queue before', () => {
  const { submit, adjust, end, engine } = stage(node('n', { cpu: 1000 }));
  submit(1000);
  submit(1000, { count: 10 });
  submit(1000, { count: 10 });
  adjust('3', { priority: 5 });
  const started: string[] = [];
  for (let i = 0; i < 20; i++) {
    const [running] = engine.state.runningAttempts();
    end(running!.id);
    started.push([...engine.state.runningAttempts()][0]!.task.id);
  }
  const all = ['3', '2'].flatMap((id) => Array.from({ length: 10 }, (_, i) => `${id}.s.${i}`));
  assert.deepEqual(started, all);
});

test('a paused task keeps what it holds, is paused once, and goes on', () => {
  const { submit, pause, engine } = stage(node('n', { cpu: 1000 }));
  assert.deepEqual(pause('pause', '1'), ['refused no-such-workload']);
  submit(1000);
  assert.deepEqual(pause('pause', '1'), ['pause 1.s.0.1']);
  assert.deepEqual(pause('pause', '1'), []);
  assert.equal(engine.state.table.freeCpu(0), 0);
  assert.deepEqual(pause('unpause', '1'), ['resume 1.s.0.1']);
  submit(1000);
  assert.deepEqual(pause('pause', '2'), ['refused nothing-runs']);
});

test('under pressure the lowest class goes first, one at a time, and a guaranteed task never', () => {
  const { submit, press, wait, end } = stage(node('n', { cpu: 4000 }));
  const limits = { ...step('x').limits, cpu: milliCpu(500), memory: bytes(GIB) };
  submit(500, { limits });
  submit(500);
  submit(0, { request: resources({ cpu: 0, memory: 0 }) });
  assert.deepEqual(press(7_900), []);
  const use = { '1.s.0.1': 3 * GIB, '2.s.0.1': 2 * GIB, '3.s.0.1': GIB };
  assert.deepEqual(press(9_500, use), [
    'evict 3.s.0.1 (best-effort, memory > 80%)',
    'stop 3.s.0.1',
  ]);
  assert.deepEqual(press(9_900, use), [], 'it is not gone yet');
  assert.ok(end('3.s.0.1', 'preempted').includes('ended 3.s.0.1 preempted, again in 0s'));
  assert.deepEqual(press(9_500, use), [], 'what it freed shows only later');
  wait(10_000);
  const second = press(9_500, use);
  // The best-effort task came back, and is the first again.
  assert.equal(second[0], 'evict 3.s.0.2 (best-effort, memory > 80%)');
});

test('a node that is noticed stops its tasks, takes none, and takes them again when it stays', () => {
  const { submit, send, end, wait } = stage(node('n'));
  submit(1000);
  const deadline = timeMs(60_000);
  assert.deepEqual(send({ kind: 'spot-notice', node: 'n' as NodeId, deadline }), [
    'spot n',
    'stop 1.s.0.1',
  ]);
  assert.deepEqual(end('1.s.0.1', 'preempted'), [
    'ended 1.s.0.1 preempted, again in 0s',
    'due 1.s.0',
  ]);
  assert.deepEqual(wait(60_000), ['joined n', 'placed 1.s.0.2 on n']);
});

test('who was asked to save his work and ends by himself is preempted; any other end is what it was', () => {
  const checkpoint = { execution: { checkpoint: { timeoutMs: spanMs(10_000) } } };
  const ends: readonly [told: EndCause, changes: object, known: EndCause][] = [
    ['failed', checkpoint, 'preempted'],
    ['signalled', checkpoint, 'preempted'],
    ['oom-killed', checkpoint, 'oom-killed'],
    ['succeeded', checkpoint, 'succeeded'],
    ['failed', {}, 'failed'],
  ];
  for (const [told, changes, known] of ends) {
    const { submit, send, end } = stage(node('n'));
    submit(1000, changes);
    send({ kind: 'spot-notice', node: 'n' as NodeId, deadline: timeMs(60_000) });
    assert.match(end('1.s.0.1', told)[0]!, new RegExp(`^ended 1\\.s\\.0\\.1 ${known}`), told);
  }
});

test('the tasks of a node go to another on its notice', () => {
  const { submit, send, end } = stage(node('n'), node('m'));
  const [, placed] = submit(1000);
  const from = placed!.slice(-1);
  const to = from === 'n' ? 'm' : 'n';
  send({ kind: 'spot-notice', node: from as NodeId, deadline: timeMs(60_000) });
  assert.ok(end('1.s.0.1', 'preempted').includes(`placed 1.s.0.2 on ${to}`));
});

/** Two nodes that are half full each with tasks that would fit on one. */
function halves() {
  const site = stage(node('a', { cpu: 4000 }), node('b', { cpu: 4000 }));
  // One that fills a up, so that the next goes to b.
  site.submit(3000);
  site.submit(2000);
  site.submit(1000);
  site.end('1.s.0.1');
  return site;
}

const rebalance = { kind: 'rebalance', movesMax: 4, settleMs: spanMs(5_000) } as const;

test('a move is a stop, a start on the other node, and a time in which nothing may fail', () => {
  const { send, end, start, wait, engine } = halves();
  const before = [...engine.state.runningAttempts()].map(({ placement }) => placement.node);
  assert.equal(new Set(before).size, 2, 'both nodes are used');
  const [plan, move, stop] = send(rebalance);
  assert.match(plan!, /^rebalance [ab]: 1 moves$/);
  const { current } = engine.state.live.rebalance!;
  assert.deepEqual(
    [move, stop],
    [`move ${current!.move.attempt} to ${current!.move.to}`, `stop ${current!.move.attempt}`],
  );
  assert.ok(engine.state.live.rebalance!.plan.gained > engine.state.live.rebalance!.plan.moved);
  assert.deepEqual(send(rebalance), ['refused rebalancing']);
  const moved = current!.move.attempt.replace(/\.1$/, '.2');
  assert.ok(
    end(current!.move.attempt, 'preempted').includes(`placed ${moved} on ${current!.move.to}`),
  );
  start(moved);
  assert.deepEqual(wait(4_999), []);
  assert.deepEqual(wait(1), [`moved ${current!.move.attempt} stable`]);
  assert.equal(engine.state.live.rebalance, undefined);
});

test('a share of a GPU beside nobody else is beside nobody where it was moved to, either', () => {
  const { submit, send, end, engine } = stage(
    node('a', { cpu: 4000, gpus: 1 }),
    node('b', { cpu: 4000, gpus: 1 }),
  );
  const share = { request: resources({ cpu: 1000, gpu: 500 }) };
  const alone = { gpuModels: [], gpuMemory: bytes(0), labels: [], gpuAlone: true } as const;
  submit(3000);
  submit(2000);
  submit(1000, { ...share, constraints: alone });
  end('1.s.0.1');
  send(rebalance);
  const { attempt, to } = engine.state.live.rebalance!.current!.move;
  assert.equal(attempt, '3.s.0.1');
  const moved = end(attempt, 'preempted');
  assert.match(moved.join(), new RegExp(`placed 3.s.0.2 on ${to}`));
  assert.equal(engine.state.attempt('3.s.0.2' as AttemptId)!.placement.held.gpuFor, '3');
  assert.deepEqual(engine.state.table.freeGpu(engine.state.table.rowOf(to)!), [0]);
});

test('where a neighbour fails meanwhile, the task goes back', () => {
  const { send, end, start, engine } = halves();
  send(rebalance);
  const { attempt, to, from } = engine.state.live.rebalance!.current!.move;
  end(attempt, 'preempted');
  const moved = attempt.replace(/\.1$/, '.2');
  start(moved);
  const beside = [...engine.state.runningAttempts()].find(
    ({ id, placement }) => id !== moved && placement.node === to,
  )!;
  const told = end(beside.id, 'failed');
  assert.ok(told.includes(`stop ${moved}`), told.join());
  const back = end(moved, 'preempted');
  assert.ok(back.includes(`placed ${attempt.replace(/\.1$/, '.3')} on ${from}`), back.join());
  assert.ok(back.includes(`moved ${attempt} rolled-back`), back.join());
});

const cpus = [0, 1, 2, 3].map((id) => ({ id, core: id, numa: id < 2 ? 0 : 1 }));
const exclusive = { execution: { process: { cores: 'exclusive' } } } as const;

test('one with cores of its own gets others with its CPU, and gives them back', () => {
  const { submit, adjust, engine } = stage({ ...node('n', { cpu: 4000 }), cpus });
  const coresOf = (id: string) =>
    [...engine.state.runningAttempts()].find((one) => one.id === `${id}.s.0.1`)!.placement.cores;
  submit(1000, exclusive);
  submit(1000, exclusive);
  const [first, second] = [coresOf('1')!, coresOf('2')!];
  assert.deepEqual([first.length, second.length], [1, 1]);
  adjust('1', { cpu: milliCpu(3000) });
  assert.equal(coresOf('1')!.length, 3);
  assert.ok(coresOf('1')!.includes(first[0]!), 'it keeps what it has');
  assert.ok(!coresOf('1')!.includes(second[0]!));
  assert.deepEqual(adjust('2', { cpu: milliCpu(2000) }), ['refused insufficient']);
  assert.deepEqual(adjust('1', { cpu: milliCpu(1500) }), ['refused cores-short']);
  adjust('1', { cpu: milliCpu(1000) });
  assert.equal(coresOf('1')!.length, 1);
  adjust('2', { cpu: milliCpu(3000) });
  assert.deepEqual([...coresOf('1')!, ...coresOf('2')!].sort(), [0, 1, 2, 3]);
});

test('one with cores of its own has cores of its own on the node that it was moved to', () => {
  const nodes = ['a', 'b'].map((id) => ({ ...node(id, { cpu: 4000 }), cpus }));
  const { submit, send, end, engine } = stage(...nodes);
  submit(3000);
  submit(2000, exclusive);
  submit(1000, exclusive);
  end('1.s.0.1');
  send(rebalance);
  const { attempt, to } = engine.state.live.rebalance!.current!.move;
  end(attempt, 'preempted');
  const [stayed, moved] = ['2.s.0.1', '3.s.0.2'].map(
    (id) => engine.state.attempt(id as AttemptId)!.placement,
  );
  assert.deepEqual([moved!.node, stayed!.node, moved!.cores?.length], [to, to, 1]);
  assert.ok(!stayed!.cores!.includes(moved!.cores![0]!));
});

/** One that runs on any CPU, then one with cores of its own beside it. */
function crowded() {
  const site = stage({ ...node('n', { cpu: 4000 }), cpus });
  site.submit(500);
  site.submit(2000, exclusive);
  site.submit(500);
  for (const id of ['1', '2', '3']) site.start(`${id}.s.0.1`);
  const attempt = (id: string) => site.engine.state.attempt(`${id}.s.0.1` as AttemptId)!;
  return { ...site, attempt, coresOf: (id: string) => attempt(id).placement.cores };
}

test('who runs on CPUs that belong to another is no matter of rebalancing: he is kept off them as he runs', () => {
  const { send, coresOf } = crowded();
  const own = coresOf('2')!;
  assert.equal(coresOf('1'), undefined, 'it may run on any');
  assert.deepEqual(
    coresOf('3')!.filter((core) => own.includes(core)),
    [],
  );
  assert.deepEqual(send(rebalance), ['refused no-gain']);
});

test('cores of its own that are far apart come together once there is room', () => {
  const { submit, start, end, send, engine } = stage({ ...node('n', { cpu: 4000 }), cpus });
  const coresOf = (id: string) =>
    engine.state.attempt(`${id}.s.0.1` as AttemptId)!.placement.cores!;
  for (let i = 0; i < 3; i++) submit(1000, exclusive);
  const [a, b, c] = ['1', '2', '3'].map((id) => coresOf(id)[0]!);
  assert.deepEqual([a! < 2, b! < 2, c! < 2], [true, true, false]);
  end('1.s.0.1');
  submit(2000, exclusive);
  start('4.s.0.1');
  const numa = (cores: readonly number[]) => new Set(cores.map((id) => (id < 2 ? 0 : 1))).size;
  assert.equal(numa(coresOf('4')), 2);
  assert.deepEqual(send(rebalance), ['refused no-gain']);
  end('3.s.0.1');
  assert.equal(send(rebalance)[0], 'rebalance n: 1 moves');
  assert.equal(numa(coresOf('4')), 1);
  // Where a neighbour fails meanwhile, its CPUs are what they were.
  const told = end('2.s.0.1', 'failed');
  assert.ok(told.includes('moved 4.s.0.1 rolled-back'), told.join());
  assert.equal(numa(coresOf('4')), 2);
  assert.equal(engine.state.live.rebalance, undefined);
});
