import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { timeMs } from '../src/base/units.ts';
import { Engine } from '../src/engine/engine.ts';
import type { MakeScheduler } from '../src/engine/engine-options.ts';
import type { QueueName, TenantId } from '../src/model/ids.ts';
import {
  defaultOrder,
  defaultScheduling,
  type QueueConfig,
  queueConfig,
} from '../src/model/scheduling-config.ts';
import type { WorkloadSpec } from '../src/model/workload.ts';
import { makeScheduler } from '../src/scheduling/make-scheduler.ts';
import { orders } from '../src/scheduling/orders/registry.ts';
import { Outlook } from '../src/scheduling/outlook.ts';
import { findPlace } from '../src/scheduling/place.ts';
import { PriorityScheduler } from '../src/scheduling/priority-scheduler.ts';
import type { Scorer } from '../src/scheduling/scorer.ts';
import { bestFit } from '../src/scheduling/scorers/best-fit.ts';
import { fgd } from '../src/scheduling/scorers/fgd.ts';
import { TreeScheduler } from '../src/scheduling/tree-scheduler.ts';
import { TypicalDemand } from '../src/scheduling/typical-demand.ts';
import { GIB, node, resources, step, workload } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';
import { cpuOf, load, median, rounded } from './cpu-time.ts';
import { gangOf64 } from './preemption.ts';

const JOBS = 100_000;
const NODES = 10_000;
const SHAPES = 50;
const QUEUES = 20;
const TENANTS = 10;
const PENDING = 1_000_000;
const GPU_ASKS = [470, 320, 650, 230, 1000, 810, 1000, 500, 2000, 1000, 160, 8000, 1000, 4000];

const children = Array.from({ length: QUEUES }, (_, i) =>
  queueConfig(i === 0 ? 'default' : `q${i}`, {
    weight: 1 + (i % 4),
    order: { ...defaultOrder, name: 'fair-share' },
  }),
);
const config = { ...defaultScheduling, root: queueConfig('root', { children }) };
const ruleOf = ({ config: { order } }: { readonly config: QueueConfig }) =>
  orders.find(({ name }) => name === order.name)!.rule(order);

const plain =
  (scorer: Scorer): MakeScheduler =>
  (deps) =>
    new PriorityScheduler(deps, scorer);
const tree: MakeScheduler = (deps) => new TreeScheduler(deps, bestFit, config, ruleOf);
/** What a site runs: the tree below gangs, reservations and preemption. */
const site = makeScheduler(config);

/** The documents of one shape and queue share one parsed form, so that what is measured is the engine's. */
function specsOf(gpus: boolean): WorkloadSpec[] {
  return Array.from({ length: SHAPES * QUEUES }, (_, i) => {
    const shape = i % SHAPES;
    const queue = Math.floor(i / SHAPES);
    const request = resources({
      cpu: 1000 + (shape % 8) * 500,
      memory: (1 + (shape % 13)) * GIB,
      gpu: gpus ? GPU_ASKS[shape % GPU_ASKS.length]! : 0,
    });
    const name = (queue === 0 ? 'default' : `q${queue}`) as QueueName;
    return { ...workload('bench', step('s', { request })), queue: name };
  });
}
const specs = specsOf(false);
const gpuSpecs = specsOf(true);
const tenants = Array.from({ length: TENANTS }, (_, i) => `t${i}` as TenantId);

function engineWith(scheduler: MakeScheduler, nodes: number, gpus = 0): Engine {
  const engine = new Engine({ tasksMax: 10_000_000, endedMax: 1_000 }, { scheduler });
  for (let i = 0; i < nodes; i++) {
    const joined = node(`n${i}`, { cpu: 64_000, memory: 256 * GIB, gpus });
    engine.apply({ kind: 'node-joined', at: timeMs(0), node: joined });
  }
  return engine;
}

function submit(engine: Engine, i: number, at: number, from = specs): void {
  const spec = from[i % from.length]!;
  const tenant = tenants[Math.floor(i / from.length) % TENANTS]!;
  const { events } = engine.decide({ kind: 'submit', at: timeMs(at), tenant, spec });
  for (const event of events) engine.apply(event);
}

function settle(engine: Engine, at: number): number {
  let count = 0;
  for (let e = engine.next(timeMs(at)); e !== undefined; e = engine.next(timeMs(at))) {
    engine.apply(e);
    count++;
  }
  return count;
}

/** Placements per second of CPU: of jobs that come one by one, and of a backlog that one pass places. */
function rates(scheduler: MakeScheduler) {
  const arriving = engineWith(scheduler, NODES);
  globalThis.gc?.();
  let placed = 0;
  const arrivalsMs = cpuOf(() => {
    for (let i = 0; i < JOBS; i++) {
      submit(arriving, i, i);
      placed += settle(arriving, i);
    }
  });
  const waiting = engineWith(scheduler, 0);
  for (let i = 0; i < JOBS; i++) submit(waiting, i, 0);
  for (const joined of arriving.state.nodes()) {
    waiting.apply({ kind: 'node-joined', at: timeMs(0), node: joined });
  }
  globalThis.gc?.();
  let passed = 0;
  const passMs = cpuOf(() => {
    passed = settle(waiting, 1);
  });
  return { arrivals: (placed * 1000) / arrivalsMs, pass: (passed * 1000) / passMs };
}

function fgdRate(): number {
  const engine = engineWith(plain(fgd), NODES, 8);
  let placed = 0;
  const ms = cpuOf(() => {
    for (let i = 0; i < JOBS / 2; i++) {
      submit(engine, i, i, gpuSpecs);
      placed += settle(engine, i);
    }
  });
  return (placed * 1000) / ms;
}

/** Every node is looked at for every task, as a scheduler without an index does; and no engine around it. */
function naiveRate(): number {
  const { table, shapes } = engineWith(plain(bestFit), NODES).state;
  const outlook = new Outlook(table, new TypicalDemand());
  const placements = 1_000;
  const ms = cpuOf(() => {
    for (let i = 0; i < placements; i++) {
      const { request } = specs[i % specs.length]!.steps[0]!;
      const verdict = findPlace(table, shapes.ask(shapes.intern(request)), bestFit, outlook);
      if (verdict.kind === 'place') table.take(verdict.row, request, []);
    }
  });
  return (placements * 1000) / ms;
}

/** Microseconds of CPU for a placement after the first thousand, which build what is kept per node. */
function costAt(nodes: number): number {
  const engine = engineWith(site, nodes);
  let i = 0;
  for (; i < 2_000; i++) {
    submit(engine, i, i);
    settle(engine, i);
  }
  globalThis.gc?.();
  // Few enough for the smallest site to have room for all.
  const placements = 12_000;
  const ms = cpuOf(() => {
    for (const end = i + placements; i < end; i++) {
      submit(engine, i, i);
      settle(engine, i);
    }
  });
  return (ms * 1000) / placements;
}

/** A full site before which a million tasks wait: a pass of which nothing changed, and what one task costs. */
function pending(scheduler: MakeScheduler) {
  const engine = engineWith(scheduler, 10);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < PENDING; i++) submit(engine, i, 0);
  settle(engine, 0);
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / PENDING;
  const passes = [1, 2, 3, 4, 5].map((at) => cpuOf(() => settle(engine, at)));
  return { bytes, passMs: Math.max(...passes) };
}

const least = (aim: number, value: number) => ({ value: rounded(value), aim, met: value >= aim });
const most = (aim: number, value: number) => ({ value: rounded(value), aim, met: value <= aim });

type Figures = Readonly<Record<string, number>>;

/** Median of `rounds` of what comes after a first, which compiles the code. */
function repeated(rounds: number, measure: () => Figures): Figures {
  measure();
  const all = Array.from({ length: rounds }, measure);
  return Object.fromEntries(
    Object.keys(all[0]!).map((name) => [name, median(all.map((figures) => figures[name]!))]),
  );
}

/** Each in a process of its own: a site has one scheduler, and code that saw several is slower. */
const parts: Readonly<Record<string, (rounds: number) => Figures>> = {
  site: (rounds) => repeated(rounds, () => rates(site)),
  tree: (rounds) => repeated(rounds, () => rates(tree)),
  plain: (rounds) => repeated(rounds, () => rates(plain(bestFit))),
  fgd: (rounds) => repeated(rounds, () => ({ rate: fgdRate() })),
  naive: (rounds) => repeated(rounds, () => ({ rate: naiveRate() })),
  growth: (rounds) =>
    repeated(rounds, () => {
      const small = costAt(1_000);
      return { ratio: costAt(100_000) / small };
    }),
  pending: () => pending(site),
  gang: () => ({ ms: gangOf64(NODES, 50).decideMs }),
};

function partOf(name: string, rounds: string): Figures {
  const main = process.argv[1]!;
  const args = ['--expose-gc', main, 'speed', '--part', name, '--rounds', rounds];
  const done = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 300_000 });
  if (done.status !== 0) throw new Error(`${name}: ${done.stderr}`);
  return JSON.parse(done.stdout) as Figures;
}

export const speedBench: Bench = {
  what: 'every aim of speed that the pure engine has, in seconds of CPU  [--rounds N] [--part NAME]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: { rounds: { type: 'string', default: '3' }, part: { type: 'string' } },
    });
    if (values.part !== undefined) return parts[values.part]!(Number(values.rounds));
    const loadBefore = load();
    const of = Object.fromEntries(
      Object.keys(parts).map((name) => [name, partOf(name, values.rounds)]),
    );
    const figure = (part: string, name: string): number => of[part]![name]!;
    const pass = figure('site', 'pass');
    return {
      jobs: JOBS,
      nodes: NODES,
      shapes: SHAPES,
      queues: QUEUES,
      tenants: TENANTS,
      load_before: loadBefore,
      load_after: load(),
      plain_arrivals_per_s: rounded(figure('plain', 'arrivals')),
      tree_arrivals_per_s: rounded(figure('tree', 'arrivals')),
      plain_pass_per_s: rounded(figure('plain', 'pass')),
      tree_pass_per_s: rounded(figure('tree', 'pass')),
      naive_per_s: rounded(figure('naive', 'rate')),
      times_the_naive_scan: rounded(pass / figure('naive', 'rate')),
      aims: {
        arrivals_per_s: least(100_000, figure('site', 'arrivals')),
        pass_placements_per_s: least(100_000, pass),
        gang_wrapper_time_ratio: most(1.05, figure('tree', 'pass') / pass),
        fgd_shares_per_s: least(20_000, figure('fgd', 'rate')),
        cost_100000_nodes_to_1000: most(2, figure('growth', 'ratio')),
        idle_pass_of_a_million_ms: most(50, figure('pending', 'passMs')),
        heap_bytes_per_pending_job: most(1024, figure('pending', 'bytes')),
        preempt_64_gpus_ms: most(20, figure('gang', 'ms')),
      },
    };
  },
};
