import { parseArgs } from 'node:util';
import { timeMs } from '../src/base/units.ts';
import { Engine } from '../src/engine/engine.ts';
import type { MakeScheduler } from '../src/engine/engine-options.ts';
import type { QueueName, TenantId } from '../src/model/ids.ts';
import type { Event } from '../src/model/messages.ts';
import { defaultOrder, defaultScheduling, queueConfig } from '../src/model/scheduling-config.ts';
import type { WorkloadSpec } from '../src/model/workload.ts';
import { makeScheduler } from '../src/scheduling/make-scheduler.ts';
import { PriorityScheduler } from '../src/scheduling/priority-scheduler.ts';
import { bestFit } from '../src/scheduling/scorers/best-fit.ts';
import { GIB, node, resources, step, workload } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';
import { cpuOf, load } from './cpu-time.ts';

interface Size {
  readonly jobs: number;
  readonly nodes: number;
  readonly shapes: number;
  readonly queues: number;
  readonly tenants: number;
  readonly order: string;
}

function drive(engine: Engine, at: number): Event[] {
  const events: Event[] = [];
  for (let e = engine.next(timeMs(at)); e !== undefined; e = engine.next(timeMs(at))) {
    engine.apply(e);
    events.push(e);
  }
  return events;
}

/** `queues` leaves side by side; one is called `default`, so that a scheduler without queues takes part. */
function treeOf({ queues, order }: Size): MakeScheduler {
  const children = Array.from({ length: queues }, (_, i) =>
    queueConfig(i === 0 ? 'default' : `q${i}`, {
      weight: 1 + (i % 4),
      order: { ...defaultOrder, name: order },
    }),
  );
  return makeScheduler({ ...defaultScheduling, root: queueConfig('root', { children }) });
}

const specs = new Map<string, WorkloadSpec>();

/** The documents of one shape and queue share one parsed form, so that what is measured is the engine's. */
function specOf(shape: number, queue: number): WorkloadSpec {
  const key = `${shape} ${queue}`;
  const known = specs.get(key);
  if (known !== undefined) return known;
  const request = resources({ cpu: 1000 + (shape % 8) * 500, memory: (1 + (shape % 13)) * GIB });
  const name = (queue === 0 ? 'default' : `q${queue}`) as QueueName;
  const spec = { ...workload('bench', step('s', { request })), queue: name };
  specs.set(key, spec);
  return spec;
}

function submit(engine: Engine, size: Size, i: number, at: number): void {
  const shape = i % size.shapes;
  const queue = Math.floor(i / size.shapes) % size.queues;
  const tenant = `t${Math.floor(i / (size.shapes * size.queues)) % size.tenants}` as TenantId;
  const spec = specOf(shape, queue);
  const decision = engine.decide({ kind: 'submit', at: timeMs(at), tenant, spec });
  for (const event of decision.events) engine.apply(event);
}

function join(engine: Engine, nodes: number): void {
  for (let i = 0; i < nodes; i++) {
    const joined = node(`n${i}`, { cpu: 64_000, memory: 256 * GIB });
    engine.apply({ kind: 'node-joined', at: timeMs(0), node: joined });
  }
}

const engineWith = (scheduler: MakeScheduler): Engine =>
  new Engine({ tasksMax: 10_000_000, endedMax: 1_000 }, { scheduler });

/** Jobs come one by one, and each is placed at once. */
function arrivals(size: Size, scheduler: MakeScheduler): number {
  const engine = engineWith(scheduler);
  join(engine, size.nodes);
  let placed = 0;
  globalThis.gc?.();
  const ms = cpuOf(() => {
    for (let i = 0; i < size.jobs; i++) {
      submit(engine, size, i, i);
      placed += drive(engine, i).length;
    }
  });
  return Math.round((placed * 1000) / ms);
}

/** All wait before the nodes join; then one pass places what fits. */
function backlog(size: Size, scheduler: MakeScheduler): number {
  const engine = engineWith(scheduler);
  for (let i = 0; i < size.jobs; i++) submit(engine, size, i, 0);
  join(engine, size.nodes);
  globalThis.gc?.();
  let placed = 0;
  const ms = cpuOf(() => {
    placed = drive(engine, 1).length;
  });
  return Math.round((placed * 1000) / ms);
}

/** A full site before which `waiting` tasks wait: a pass of which nothing changed, and what one task costs. */
function pending(size: Size, scheduler: MakeScheduler, waiting: number) {
  const engine = engineWith(scheduler);
  join(engine, 10);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < waiting; i++) submit(engine, size, i, 0);
  drive(engine, 0);
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / waiting;
  let worst = 0;
  for (let i = 1; i <= 5; i++) {
    worst = Math.max(
      worst,
      cpuOf(() => drive(engine, i)),
    );
  }
  return { idlePassMs: worst, bytes: Math.round(bytes) };
}

export const queuesBench: Bench = {
  what: 'the tree of queues beside the plain scheduler: decisions per second of CPU  [--jobs N] [--nodes N] [--queues N] [--tenants N] [--shapes N] [--order NAME] [--pending N]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        jobs: { type: 'string', default: '100000' },
        nodes: { type: 'string', default: '10000' },
        shapes: { type: 'string', default: '50' },
        queues: { type: 'string', default: '20' },
        tenants: { type: 'string', default: '10' },
        order: { type: 'string', default: 'fair-share' },
        pending: { type: 'string', default: '0' },
      },
    });
    const size: Size = {
      jobs: Number(values.jobs),
      nodes: Number(values.nodes),
      shapes: Number(values.shapes),
      queues: Number(values.queues),
      tenants: Number(values.tenants),
      order: values.order,
    };
    const plain: MakeScheduler = (deps) => new PriorityScheduler(deps, bestFit);
    const one = { ...size, queues: 1, tenants: 1, order: 'priority' };
    const result = {
      ...size,
      load: load(),
      plain_per_s: arrivals(one, plain),
      one_queue_per_s: arrivals(one, treeOf(one)),
      queues_per_s: arrivals(size, treeOf(size)),
      plain_backlog_per_s: backlog(one, plain),
      queues_backlog_per_s: backlog(size, treeOf(size)),
    };
    const waiting = Number(values.pending);
    if (waiting === 0) return result;
    const { idlePassMs, bytes } = pending(size, treeOf(size), waiting);
    return { ...result, idle_pass_ms: idlePassMs, heap_bytes_per_pending_job: bytes };
  },
};
