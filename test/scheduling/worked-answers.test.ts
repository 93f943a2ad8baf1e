import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BasisPoints, Bytes } from '../../src/base/units.ts';
import { datasheetOf } from '../../src/inventory/datasheets.ts';
import { theoreticalMemoryBytesPerSecond } from '../../src/inventory/formulas.ts';
import type { AttemptId } from '../../src/model/ids.ts';
import { Fragmentation } from '../../src/scheduling/fragmentation.ts';
import { planGang } from '../../src/scheduling/gang.ts';
import { NodeTable } from '../../src/scheduling/node-table.ts';
import { TypicalDemand } from '../../src/scheduling/typical-demand.ts';
import { config, node, queueConfig, Site } from '../builders/site.ts';
import { GIB, resources, step, workload } from '../builders/workload.ts';

/**
 * The worked questions that span rooms, as far as the engine answers them: Q1–Q4 and the first two scenarios,
 * with the answers that `docs/corrections.md` explains. Q5, Q6 and scenario 3: `worked-questions.test.ts`.
 */

const defaultSite = config([queueConfig('default')]);
const gpus = (count: number) => resources({ cpu: 0, memory: 0, gpu: count * 1000 });

test('Q1: which phase takes longest is read from the events, and it may be the wait for a GPU', () => {
  const seconds = { collect: 60, process: 120, train: 7_200, deploy: 30, monitor: 1 };
  const names = Object.keys(seconds) as (keyof typeof seconds)[];
  const phases = names.map((id, i) =>
    step(id, {
      needs: i === 0 ? [] : [names[i - 1]!],
      request: resources({ gpu: id === 'train' ? 1000 : 0 }),
    }),
  );
  const site = new Site(defaultSite, node('n', { gpus: 1 }));
  // Somebody else has the only GPU for three hours.
  site.submit({ gpu: 1, cpu: 1 });
  const [other] = site.pass();
  site.submitSpec(workload('lifecycle', ...phases));
  const spent: Record<string, { wait: number; run: number }> = {};
  let ready = 0;
  for (const id of names) {
    if (site.pass().length === 0) {
      site.now = 3 * 3_600_000;
      site.end(other!);
      site.pass();
    }
    const wait = site.now - ready;
    site.now += seconds[id] * 1_000;
    site.end(`2.${id}.0.1` as AttemptId);
    spent[id] = { wait, run: seconds[id] * 1_000 };
    ready = site.now;
  }
  site.pass();
  const total = Object.values(spent).reduce((sum, { wait, run }) => sum + wait + run, 0);
  assert.equal(site.engine.state.workload('2' as never)!.state, 'succeeded');
  assert.equal(total, site.now, 'waits and runs add up to the whole, nothing twice');
  assert.ok(spent['train']!.wait > spent['train']!.run, 'here the wait is the longest part');
  const longest = names.toSorted((a, b) => spent[b]!.run - spent[a]!.run)[0];
  assert.equal(longest, 'train', 'without anybody else it is the training');
});

test('Q2: 10,000 requests a second of a dense 500 MB model are more than one CPU reads or computes', () => {
  const [perSecond, modelBytes, budgetMs] = [10_000, 500e6, 50];
  // Little: this many requests are under way at the limit, and at 5 ms each this many cores are busy.
  assert.equal((perSecond * budgetMs) / 1000, 500);
  const busyCores = (perSecond * 5) / 1000;
  assert.equal(busyCores, 50);
  // The weights are read once for each batch.
  const batchFor = (bytesPerSecond: number): number =>
    Math.ceil((perSecond * modelBytes) / bytesPerSecond);
  const a100 = datasheetOf('NVIDIA A100-SXM4-80GB')!;
  assert.equal(batchFor(a100.memoryBytesPerSecond!), 3);
  assert.equal(batchFor(theoreticalMemoryBytesPerSecond(8, 3200)), 25, 'eight channels of DDR4');

  // At 70 % of the time 72 workers of one core; each reads its own copy of the model.
  const workers = Math.ceil(busyCores / 0.7);
  assert.equal(workers, 72);
  const site = new Site(
    defaultSite,
    node('xeon', { cpu: 64_000, memory: 32 * GIB }),
    node('gpu', { cpu: 8_000, memory: 64 * GIB, gpus: 1 }),
  );
  site.submit({ cpu: 1, gib: 0.5, count: workers });
  site.leave('gpu');
  assert.equal(site.pass().length, 64, 'what the one CPU of the source holds');
  assert.equal(site.why(1)?.code, 'insufficient');
  const served = new Site(defaultSite, node('gpu', { cpu: 8_000, memory: 64 * GIB, gpus: 1 }));
  served.submit({ cpu: 4, gib: 4, gpu: 1 });
  assert.equal(served.pass().length, 1, 'one GPU does it in batches of three');
});

/** Nodes of 8 GPUs, so many behind each leaf switch. */
function fabric(nodes: number, perLeaf: number): NodeTable {
  const table = new NodeTable();
  for (let i = 0; i < nodes; i++) {
    table.join({ ...node(`n${i}`, { gpus: 8 }), labels: { leaf: `l${Math.floor(i / perLeaf)}` } });
  }
  return table;
}

/** Places gangs of 8 nodes until one finds no room: how many there are, and how many lie behind one leaf. */
function fill(table: NodeTable): { gangs: number; within: number } {
  const topology = { label: 'leaf', required: false };
  let [gangs, within] = [0, 0];
  for (;;) {
    const plan = planGang(table, { ask: gpus(8), members: 8, topology });
    if (plan.kind === 'short') return { gangs, within };
    const leaves = new Set(plan.seats.map(({ row }) => table.node(row)!.labels['leaf']));
    for (const { row } of plan.seats) {
      const ids = table.node(row)!.gpus.map(({ id }) => id);
      table.take(row, gpus(8), ids);
    }
    gangs++;
    if (leaves.size === 1) within++;
  }
}

test('Q3: 125 jobs of 64 GPUs need 100 TB/s of bisection at most, and next to none where they are placed well', () => {
  const perGpu = 25e9;
  const injected = 125 * 64 * perGpu;
  assert.equal(injected, 200e12);
  assert.equal(
    injected / 2,
    100e12,
    'half of it crosses a cut in the worst case, in one direction',
  );
  // The fabric of the source: 25 nodes × 8 ports of 25 GB/s down, 32 ports of 12.5 GB/s up.
  assert.equal((25 * 8 * 25) / (32 * 12.5), 12.5, 'oversubscribed 12.5 : 1, not 2 : 1');
  assert.equal((40 * 32 * 12.5e9) / 2, 8e12);

  assert.deepEqual(fill(fabric(1000, 25)), { gangs: 125, within: 120 });
  assert.deepEqual(fill(fabric(1000, 8)), { gangs: 125, within: 125 }, 'leaves of whole jobs');
});

test('Q4: ten servers of 6.5 kW are 25 kW more than 40 kW of cooling: six start, and the others say why', () => {
  const a100 = datasheetOf('NVIDIA A100-SXM4-40GB')!;
  assert.equal(8 * a100.tdpWatts!, 3_200, 'the GPUs alone are nearly the 3.5 kW of the source');
  const rack = node('rack', { custom: [['heat_watts', 40_000]] });
  const servers = (watts: number) =>
    step('dgx', {
      count: 10,
      request: { ...resources({ cpu: 0, memory: 0 }), custom: [['heat_watts', watts]] },
    });
  const believed = new Site(defaultSite, rack);
  believed.submitSpec(workload('believed', servers(3_500)));
  assert.equal(believed.pass().length, 10, 'by the figure of the source, all would fit');
  const real = new Site(defaultSite, rack);
  real.submitSpec(workload('real', servers(6_500)));
  assert.equal(real.pass().length, 6);
  assert.deepEqual(real.why(1), {
    code: 'insufficient',
    resource: 'heat_watts',
    asked: 6_500,
    free: 1_000,
    node: 'rack',
  });
});

test('Scenario 1: a job that takes its node down takes as many as it has attempts, not fifty', () => {
  const nodes = Array.from({ length: 500 }, (_, i) => node(`n${i}`, { cpu: 1000 }));
  const site = new Site(defaultSite, ...nodes);
  const retry = { ...step('s').retry, maxRetries: 3 };
  site.submitSpec(workload('poison', step('s', { retry })), { tenant: 'poison' });
  site.submitSpec(workload('others', step('s', { count: 400, retry })), { tenant: 'others' });
  site.pass();
  const lostAt: number[] = [];
  while (site.engine.state.workload('1' as never)!.state === 'active') {
    for (const [attempt, { tenant }] of [...site.running]) {
      if (tenant !== 'poison') continue;
      site.leave(site.engine.state.attempt(attempt)!.placement.node);
      lostAt.push(site.now);
    }
    site.now = site.engine.nextTimer() ?? site.now;
    site.pass();
  }
  assert.equal(lostAt.length, 1 + 3);
  // One loss leads to at most one more: a branching ratio below 1 dies out, whatever the intervals look like.
  assert.ok((lostAt.length - 1) / lostAt.length < 1);
  const gaps = lostAt.slice(1).map((at, i) => at - lostAt[i]!);
  assert.deepEqual(gaps, [1_000, 2_000, 4_000], 'and each comes later than the one before');
  assert.equal(site.held('tenant')['others'], 400, 'nobody else lost a place');
});

test('Scenario 1: out of memory is the end of a task, which gets more; it makes no storm', () => {
  const site = new Site(defaultSite, node('n', { cpu: 64_000, memory: 64 * GIB }));
  const memoryGrowth = 20_000 as BasisPoints;
  const hungry = step('s', {
    count: 50,
    limits: { ...step('s').limits, memory: GIB as Bytes },
    retry: { ...step('s').retry, maxRetries: 5, memoryGrowth },
  });
  site.submitSpec(workload('hungry', hungry));
  let attempts = 0;
  while (site.engine.state.workload('1' as never)!.state === 'active') {
    for (const id of site.pass()) {
      attempts++;
      const { memory } = site.engine.state.attempt(id)!.placement.held;
      site.end(id, memory < 3 * GIB ? 'oom-killed' : 'succeeded');
    }
    site.now = site.engine.nextTimer() ?? site.now;
  }
  assert.equal(site.engine.state.workload('1' as never)!.state, 'succeeded');
  assert.equal(attempts, 50 * 3, '1, 2 and 4 GiB: three attempts each, and no more');
});

test('Scenario 2: the largest free block falls with load alone; fragments are what demand cannot use', () => {
  /** Idle GPUs by node, of eight each: the largest block, and the part of what is idle that is of no use. */
  const measure = (idle: readonly number[], asked: number) => {
    const table = new NodeTable();
    idle.forEach((free, i) => {
      const made = node(`n${i}`, { gpus: 8 });
      table.join(made);
      const held = made.gpus.slice(free).map(({ id }) => id);
      if (held.length > 0) table.take(i, gpus(8 - free), held);
    });
    const typical = TypicalDemand.of([gpus(asked)]).typical(1);
    const fragmentation = new Fragmentation(typical, table.node(0)!.gpus[0]!);
    const free = idle.reduce((sum, count) => sum + count, 0) * 1000;
    const usable = idle.reduce((sum, _, row) => sum + fragmentation.usable(table, row, 2000), 0);
    return { largest: Math.max(...idle), fragments: (free - usable) / free };
  };
  const baseline = measure([8, 8, 8, 8], 1);
  const busy = measure([0, 0, 0, 4], 1);
  assert.ok(busy.largest <= 0.7 * baseline.largest, 'the source would call this fragmented');
  assert.equal(busy.fragments, 0);
  const before = measure([4, 4, 4, 4], 4);
  const broken = measure([4, 3, 3, 3, 3], 4);
  assert.equal(broken.largest, before.largest, 'and this as good as ever');
  assert.equal(broken.fragments, 12 / 16);
});
