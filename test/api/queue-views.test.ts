import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QueueList } from '../../src/api/contract/queue-documents.ts';
import { explaining, explainWorkload } from '../../src/api/views/explain.ts';
import { preemptionList, preemptionsOf } from '../../src/api/views/preemptions.ts';
import { queueList, queuesBelow } from '../../src/api/views/queues.ts';
import { quotaList } from '../../src/api/views/quotas.ts';
import { reservationList } from '../../src/api/views/reservations.ts';
import { timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import { Verdicts } from '../../src/engine/verdicts.ts';
import type { QueueName, WorkloadId } from '../../src/model/ids.ts';
import type { Preemption } from '../../src/model/preemption.ts';
import { refusalMeaning } from '../../src/model/refusal.ts';
import { ConservativeScheduler } from '../../src/scheduling/conservative-scheduler.ts';
import { EasyScheduler } from '../../src/scheduling/easy-scheduler.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import type { Scheduler, SchedulerDeps } from '../../src/scheduling/scheduler.ts';
import { bestFit } from '../../src/scheduling/scorers/best-fit.ts';
import { bench } from '../builders/engine-bench.ts';
import { queueScene, SCENE_START } from '../builders/queue-scene.ts';
import { config, node, queueConfig, Site } from '../builders/site.ts';
import { resources, step, workload } from '../builders/workload.ts';

const HOUR = 3_600_000;

function named(list: QueueList, name: string) {
  const found = list.queues.find((queue) => queue.name === name);
  assert.ok(found !== undefined, `queue ${name}`);
  return found;
}

test('what waits in a queue is what waits below it, by reason and in order of precedence', () => {
  const site = queueScene();
  const list = queueList(site.engine.state, site.at);
  const order = Object.keys(refusalMeaning);
  for (const queue of list.queues) {
    const codes = queue.waiting_for.map(({ code }) => order.indexOf(code));
    assert.deepEqual(
      codes,
      codes.toSorted((a, b) => a - b),
      `precedence in ${queue.name}`,
    );
    assert.equal(
      queue.waiting,
      queue.waiting_for.reduce((sum, { tasks }) => sum + tasks, 0),
    );
    const children = list.queues.filter(({ parent }) => parent === queue.name);
    if (children.length === 0) continue;
    for (const count of ['waiting', 'running'] as const) {
      const below = children.reduce((sum, child) => sum + child[count], 0);
      assert.equal(queue[count], below, `${count} in ${queue.name}`);
    }
    const held = children.reduce((sum, child) => sum + child.held.cpu_milli, 0);
    assert.equal(queue.held.cpu_milli, held);
  }
  assert.deepEqual(
    named(list, 'research').waiting_for.map(({ code, first }) => [code, first!.task]),
    [
      ['quota', '7.s.0'],
      ['queue-limit', '6.s.0'],
    ],
  );
});

test('a queue says its guarantee, its limit, its rules and who holds what in it', () => {
  const site = queueScene();
  const list = queueList(site.engine.state, site.at);
  const production = named(list, 'production');
  assert.equal(production.guaranteed.cpu_milli, 8_000);
  assert.equal(production.limit.cpu_milli, null);
  assert.deepEqual([production.kind, production.depth], ['inner', 1]);
  // 60 of 60 + 30 + 10, then 70 of 70 + 30.
  assert.deepEqual([production.entitled_ratio, named(list, 'serving').entitled_ratio], [0.6, 0.42]);
  const best = named(list, 'best_effort');
  assert.deepEqual([best.running_max, best.reclaim, best.active], [2, 'always', 3]);
  assert.deepEqual([best.share_ratio, best.borrowed.cpu_milli], [0.625, 10_000]);
  const [ada] = named(list, 'research/vision').tenants;
  // 4 CPUs for 10 minutes.
  assert.deepEqual(
    [ada?.tenant, ada?.running, ada?.held.cpu_milli, ada?.usage.cpu_milli_seconds],
    ['ada', 1, 4_000, 4_000 * 600],
  );
  assert.equal(named(list, 'research').limit.cpu_milli, 6_000);
  assert.equal(named(list, 'research/vision').active, null, 'a team is not told apart there');
});

test('the queue by name takes those below it along; teams are asked for by their queue', () => {
  const { engine, at } = queueScene();
  const below = (name: string) => [...(queuesBelow(engine.state, name, at) ?? [])];
  assert.deepEqual(below('production'), ['production', 'serving', 'batch']);
  assert.deepEqual(below('research'), ['research']);
  assert.deepEqual(below('research/vision'), ['research']);
  assert.deepEqual(below('nobody'), []);
});

type Make = (deps: SchedulerDeps) => Scheduler;
const single: Record<string, Make> = {
  priority: (deps) => new PriorityScheduler(deps, bestFit),
  easy: (deps) => new EasyScheduler(deps, bestFit, { backfill: 'queue-order', depth: 9 }),
  conservative: (deps) => new ConservativeScheduler(deps, bestFit, { depth: 9 }),
};
for (const [name, make] of Object.entries(single)) {
  test(`a ${name} scheduler has one queue`, () => {
    const options = { tasksMax: 100, endedMax: 5 };
    const engine = new Engine(options, { scheduler: make as never });
    const at = timeMs(1_000);
    const send = (command: Parameters<Engine['decide']>[0]): void => {
      for (const event of engine.decide(command).events) engine.apply(event);
      for (let e = engine.next(at); e !== undefined; e = engine.next(at)) engine.apply(e);
    };
    send({ kind: 'join-node', at, node: node('n', { cpu: 3000 }) });
    const two = step('s', { count: 2, request: resources({ cpu: 2000 }) });
    const spec = { ...workload('w', two), queue: 'whatever' as QueueName };
    send({ kind: 'submit', at, tenant: 'ada' as never, spec });
    const { queues, capacity } = queueList(engine.state, at);
    assert.equal(capacity.cpu_milli, 3_000);
    const [only] = queues;
    assert.deepEqual(
      [queues.length, only?.name, only?.running, only?.waiting],
      [1, 'default', 1, 1],
    );
    assert.deepEqual([only?.held.cpu_milli, only?.active], [2_000, 2]);
    assert.deepEqual(
      only?.tenants.map(({ tenant, running }) => [tenant, running]),
      [['ada', 1]],
    );
    assert.equal(only?.waiting_for[0]?.code, 'insufficient');
  });
}

test('who waits for an earlier step, to retry or behind `parallel` is counted, too', () => {
  const b = bench(node('n', { cpu: 4000 }));
  const retry = { ...step('a').retry, maxRetries: 1 };
  b.submit(workload('p', step('a', { retry }), step('b', { needs: ['a'], count: 5 })));
  b.submit(workload('q', step('c', { count: 3, maxParallel: 1 })));
  b.end('1.a.0.1', 'failed');
  const { waiting, waiting_for } = queueList(b.engine.state, timeMs(0)).queues[0]!;
  assert.deepEqual(
    waiting_for.map(({ code, tasks, first }) => [code, tasks, first!.task, first!.workload]),
    [
      ['waits-for-steps', 5, null, '1'],
      ['waits-to-retry', 1, '1.a.0', '1'],
      ['step-parallelism', 2, '2.c.1', '2'],
    ],
  );
  assert.equal(waiting, 8);
});

test('a task that outlived its node can never start, and is told so before anything else', () => {
  const b = bench(node('small', { cpu: 2000 }), node('big', { cpu: 9000 }));
  b.submit(workload('w', step('s', { request: resources({ cpu: 8000 }) })));
  b.submit(workload('w', step('s', { request: resources({ cpu: 8000 }) })));
  b.leave('big');
  const { state } = b.engine;
  const [reason] = explainWorkload(explaining(state, timeMs(0)), state.workload('2' as never)!)
    .steps[0]!.reasons;
  assert.equal(reason?.code, 'never-fits');
  assert.match(reason?.sentence ?? '', /asks for 8 CPUs, and the node .* small, has 2 CPUs/);
  assert.equal(reason?.change, 'never, unless a larger node joins');
});

test('the scheduler is asked once for twenty thousand tasks that it cannot tell apart', () => {
  const site = new Site(config([queueConfig('default')]), node('n', { cpu: 1000 }));
  for (let i = 0; i < 20; i++) site.submit({ count: 1_000 });
  site.pass();
  const { scheduler } = site.engine.state;
  const refusal = scheduler.refusal.bind(scheduler);
  let asked = 0;
  scheduler.refusal = (task) => {
    asked++;
    return refusal(task);
  };
  const [root] = queueList(site.engine.state, site.at).queues;
  assert.equal(root?.waiting, 19_999);
  assert.equal(asked, 1);
  const verdicts = new Verdicts(site.engine.state, site.at);
  const tasks = site.engine.state.workload('9' as WorkloadId)!.steps[0]!.tasks;
  assert.equal(verdicts.of(tasks[0]!), verdicts.of(tasks[999]!), 'the very same value');
});

test('preemptions are told newest first, and survive a snapshot and a replay', () => {
  const site = queueScene();
  const list = preemptionList(site.engine.state, 100);
  assert.equal(list.total, 1);
  const [one] = list.preemptions;
  assert.deepEqual(
    [one?.preemptor.task, one?.victims[0]?.attempt, one?.inequality, one?.chosen],
    ['5.s.0', '4.s.0.1', '0% < 0.83% and 0% ≤ 0%', 'least-cost'],
  );
  const replayed = site.engine.empty();
  for (const event of site.journal) replayed.apply(event);
  assert.deepEqual(preemptionList(replayed.state, 100), list);
  site.restart();
  assert.deepEqual(preemptionList(site.engine.state, 100), list);
  const told = (id: string) => preemptionsOf(site.engine.state, id as WorkloadId).length;
  assert.deepEqual(['4', '5', '1'].map(told), [1, 1, 0]);
});

test('a thousand preemptions are kept, and as many told as are asked for', () => {
  const site = queueScene();
  const { state } = site.engine;
  const { preemption } = state.preemptions[0]!;
  for (let i = 1; i <= 1_200; i++) {
    const at = timeMs(SCENE_START + HOUR + i);
    site.engine.apply({ kind: 'preemption-ordered', at, preemption });
  }
  const list = preemptionList(state, 2);
  assert.equal(list.total, 1_000);
  assert.deepEqual(
    list.preemptions.map(({ at }) => at - SCENE_START - HOUR),
    [1_200, 1_199],
  );
  assert.deepEqual(preemptionList(state, 0).preemptions, []);
});

test('a move between queues is told with the shares before and after', () => {
  const site = queueScene();
  const { preemption } = site.engine.state.preemptions[0]!;
  const shares: Preemption['rule'] = {
    kind: 'share',
    taker: 'serving' as QueueName,
    giver: 'best_effort' as QueueName,
    takerBefore: 0,
    takerAfter: 120_000_000,
    giverBefore: 620_000_000,
    giverAfter: 310_000_000,
  };
  const moved = { ...preemption, rule: shares, options: [] };
  site.engine.apply({ kind: 'preemption-ordered', at: site.at, preemption: moved });
  const [first] = preemptionList(site.engine.state, 1).preemptions;
  assert.equal(first?.inequality, '12% < 62% and 12% ≤ 31%');
  assert.match(first?.sentence ?? '', /queue serving goes from 0% of the site to 12%/);
});

test('a reservation is open from its hour on, and says until when', () => {
  const site = queueScene();
  const at = (hours: number) => timeMs(SCENE_START + hours * HOUR);
  const [before] = reservationList(site.engine.state, at(0)).reservations;
  assert.deepEqual([before?.open, before?.changes_at], [false, at(8)]);
  const [during] = reservationList(site.engine.state, at(9)).reservations;
  assert.deepEqual([during?.open, during?.changes_at], [true, at(16)]);
  assert.deepEqual(
    during?.nodes.map(({ node: where }) => where),
    ['lab-3'],
  );
  assert.deepEqual([during?.unbound, during?.for.pipelines], [0, ['production_*']]);
});

test('a quota that nobody used yet is told with what it allows', () => {
  const used = queueScene();
  const fresh = new Site(used.config);
  fresh.now = SCENE_START;
  const [quota] = quotaList(fresh.engine.state, fresh.at).quotas;
  assert.deepEqual(
    [quota?.tenant, quota?.each, quota?.used.cpu_milli_seconds, quota?.limit.cpu_milli_seconds],
    [null, true, 0, 20 * HOUR],
  );
});
