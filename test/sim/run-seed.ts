import assert from 'node:assert/strict';
import { Prng } from '../../src/base/prng.ts';
import {
  type BasisPoints,
  type MicroDollars,
  milliCpu,
  milliGpu,
  spanMs,
  type TimeMs,
  timeMs,
  UNLIMITED,
} from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { QueueName, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { MoneyConfig } from '../../src/model/money.ts';
import type { PriorityClass } from '../../src/model/priority-class.ts';
import type { QosTerms } from '../../src/model/qos.ts';
import { UTC } from '../../src/model/reservation.ts';
import {
  defaultScheduling,
  type QueueConfig,
  type SchedulingConfig,
} from '../../src/model/scheduling-config.ts';
import { GangScheduler } from '../../src/scheduling/gang-scheduler.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { scorers } from '../../src/scheduling/scorers/registry.ts';
import type { MarkCounts } from '../../src/simulation/faults.ts';
import { History } from '../../src/simulation/history.ts';
import { drawnTruth } from '../../src/simulation/task-truth.ts';
import { World } from '../../src/simulation/world.ts';
import { withFlow } from '../builders/draw-flow.ts';
import { type DrawnTree, drawPreemption, drawTree } from '../builders/draw-tree.ts';
import { Checker } from './checker.ts';
import { QueueBook } from './queue-book.ts';

export interface SeedOptions {
  /** Lines of what happens, for a person who replays a seed. */
  readonly trace?: (line: string) => void;
  /** The engine to test, when it is not the real one. */
  readonly engine?: (...args: ConstructorParameters<typeof Engine>) => Engine;
}

export interface SeedResult {
  readonly counts: MarkCounts;
  readonly events: number;
  readonly workloads: number;
  readonly attempts: number;
}

/** Years, if every task ran alone; the queue is over long before. */
const LIVENESS_SLACK_MS = 3_600_000;
const RUN_MAX_MS = 800_000;
const QUOTA_PERIOD_MS = 600_000;
const RETRIES_ASKED = 12;
const RETRY_WITHIN_MS = 2_400_000;
/** Of a list that is not known yet. */
const ITEMS_EXPECTED = 10;

/** One world from its first to its last event; throws when a promise is broken. */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const prng = new Prng(seed);
  const engineOptions = {
    tasksMax: prng.chance(80) ? 10_000 : prng.between(20, 100),
    endedMax: prng.chance(50) ? 1_000 : prng.between(0, 5),
    // Drawn apart, so that the worlds stay what they were; long enough for what is drawn to be short.
    lineMs: new Prng(seed ^ 0x11_7e).pick([0, 100, 10_000_000]),
    ...drawMoney(new Prng(seed ^ 0x3_0e)),
  };
  const scorer = prng.pick(scorers);
  const preemption = {
    minRunMs: spanMs(prng.pick([0, 0, 60_000])),
    perQueueHour: prng.pick([1, 5, 1_000]),
  };
  const policy = prng.chance(50) ? { preemption } : {};
  const make = options.engine ?? ((...args) => new Engine(...args));
  const classes = drawClasses(seed);
  const policyDrawn = drawPolicy(seed);
  const drawn = policyDrawn && {
    ...policyDrawn,
    scheduling: { ...policyDrawn.scheduling, ...classes },
  };
  const engine = () =>
    drawn === undefined
      ? make(engineOptions, {
          scheduler: (deps) => new GangScheduler(deps, new PriorityScheduler(deps, scorer), policy),
        })
      : make(
          { ...engineOptions, scheduling: drawn.scheduling },
          { scheduler: makeScheduler(drawn.scheduling) },
        );
  const queued = drawn !== undefined && drawn.scheduling.backfill.kind === 'none';
  const rules = queued ? new QueueBook(drawn.scheduling) : undefined;
  const promises = drawn !== undefined && !queued;
  const checker = new Checker(prng.fork(), engine, options.trace, {
    rules,
    promises,
    root: drawn?.scheduling.root,
  });
  const world = new World({
    prng: prng.fork(),
    truth: drawnTruth(seed),
    engine,
    snapshots: prng.pick([0, 1, 10]),
    witness: checker,
  });
  checker.world = world;
  // What is asked is changed by the last of these first.
  const flows = new Prng(seed ^ 0xf1_0e);
  if (flows.chance(40)) makeFlows(world, flows);
  if (drawn !== undefined) {
    sendToQueues(world, drawn.queues);
    makeWait(world, new Prng(seed ^ 0x3a_17));
  }
  if (drawn !== undefined && classes !== undefined) nameClasses(world, classes.classes);
  if (engineOptions.lineMs > 100) makeArrays(world);
  const history = new History(world, prng.fork());

  await world.run(history.ends);
  history.heal();
  assert.ok(!(await world.run(bound(world, checker))), 'the world comes to rest');
  checker.checkRest();

  for (const workload of checker.books.active.keys()) {
    world.ask({ kind: 'cancel', workload: workload as WorkloadId, by: 'sweeper' as TenantId });
  }
  assert.ok(!(await world.run(bound(world, checker))), 'the world comes to rest again');
  checker.checkEmpty();
  return {
    counts: {
      ...world.counts,
      'finished despite a stop': checker.books.finishedDespiteStop,
      'stood in line': checker.books.linedUp,
      'took over': checker.books.takenOver,
      preempted: checker.books.preemptions,
      'gang placed': checker.books.gangsPlaced,
      'gang broken': checker.books.gangsBroken,
      'waited on purpose': checker.books.waiting.counts.waited,
      'batch begun': checker.books.waiting.counts.batches,
    },
    events: world.journal.batches.reduce((sum, batch) => sum + batch.length, 0),
    workloads: checker.books.specs.size,
    attempts: checker.books.attempts.size,
  };
}

/** In half of the worlds things have prices; what says nothing of its time is paid for every minute or hour. */
function drawMoney(prng: Prng): { readonly money?: MoneyConfig } {
  if (prng.chance(50)) return {};
  const price = () => prng.between(0, 1_000_000_000) as MicroDollars;
  const rates = {
    validFrom: timeMs(0),
    cpuHour: price(),
    ...(prng.chance(80) && { memoryHour: price() }),
    gpuHour: { modelled: price() },
  };
  const sliceMs = spanMs(prng.pick([60_000, 3_600_000]));
  return { money: { prices: { rates: [rates], models: [] }, budgets: [], sliceMs } };
}

/** Half of the worlds have a tree of queues, a sixth backfill; drawn apart, so that the others stay what they were. */
function drawPolicy(seed: number): DrawnTree | undefined {
  const prng = new Prng(seed ^ 0x51_7e);
  if (prng.chance(50)) return withBatches(drawTree(prng), new Prng(seed ^ 0xba_7c));
  if (!prng.chance(33)) return undefined;
  const kind = prng.pick(['easy', 'easy-shortest-first', 'conservative'] as const);
  const preemption = prng.chance(50) ? { preemption: drawPreemption(prng) } : {};
  // With less depth, what cannot run any more keeps out what is behind it.
  const backfill = { kind, depth: 1_000 };
  return { scheduling: { ...defaultScheduling, backfill, ...preemption }, queues: ['default'] };
}

/** Half of the trees have queues that start work in batches. */
function withBatches(tree: DrawnTree, prng: Prng): DrawnTree {
  if (prng.chance(50)) return tree;
  const draw = (queue: QueueConfig): QueueConfig => {
    const batch = {
      size: prng.pick([1, 2, 5, 20, UNLIMITED]),
      intervalMs: spanMs(prng.pick([1_000, 30_000, 120_000])),
    };
    const children = queue.children.map(draw);
    return { ...queue, children, ...(prng.chance(40) && { batch }) };
  };
  const { scheduling } = tree;
  const children = scheduling.root.children.map(draw);
  return { ...tree, scheduling: { ...scheduling, root: { ...scheduling.root, children } } };
}

/** In a third of the worlds some workloads prefer hours, or wait for others like them. */
function makeWait(world: World, prng: Prng): void {
  if (!prng.chance(33)) return;
  const ask = world.ask.bind(world);
  const minute = 60_000;
  world.ask = (request) => {
    if (request.kind !== 'submit') return ask(request);
    const startMs = prng.below(24 * 60) * minute;
    const endMs = (startMs + prng.between(1, 23 * 60) * minute) % (24 * 60 * minute);
    const hours = { kind: 'daily', startMs, endMs, zone: UTC } as const;
    const preferred = { hours, maxWaitMs: spanMs(prng.between(0, 10) * minute) };
    const gather = {
      alike: 'alike',
      waitMs: spanMs(prng.pick([1_000, 60_000])),
      max: prng.pick([1, 3, 30]),
    };
    const [prefers, gathers] = [prng.chance(30), prng.chance(30)];
    const steps = request.spec.steps.map((step) => ({ ...step, ...(gathers && { gather }) }));
    return ask({ ...request, spec: { ...request.spec, ...(prefers && { preferred }), steps } });
  };
}

/** Every workload goes to a queue that follows from its name. */
function sendToQueues(world: World, queues: readonly string[]): void {
  const ask = world.ask.bind(world);
  world.ask = (request) => {
    if (request.kind !== 'submit') return ask(request);
    const queue = queues[Number(/\d+/.exec(request.spec.name)?.[0] ?? 0) % queues.length];
    return ask({ ...request, spec: { ...request.spec, queue: queue as QueueName } });
  };
}

/**
 * Of the worlds with a policy every eighth has classes. None of those whose seeds once found a bug is among them:
 * they stay what they were.
 */
function drawClasses(
  seed: number,
): (Pick<SchedulingConfig, 'qos'> & { readonly classes: readonly PriorityClass[] }) | undefined {
  if (seed % 8 !== 5) return undefined;
  const prng = new Prng(seed ^ 0xc1_a5);
  const classes = ['a', 'b', 'c'].map((name) => ({
    name,
    priority: prng.between(-2, 2),
    ...(prng.chance(60) && { preemptible: prng.chance(60) }),
    ...(prng.chance(50) && { multiplier: prng.pick([2_500, 20_000]) as BasisPoints }),
  }));
  const terms = (): QosTerms => ({
    ...(prng.chance(50) && { guarantee: prng.pick([0, 5_000, 10_000]) as BasisPoints }),
    ...(prng.chance(50) && { burst: prng.pick([10_100, 20_000]) as BasisPoints }),
    preemptionPriority: prng.between(0, 3),
  });
  return { classes, qos: { guaranteed: terms(), burstable: terms(), 'best-effort': terms() } };
}

/** Most workloads name a class, some of them one that there is not, or more than theirs. */
function nameClasses(world: World, classes: readonly PriorityClass[]): void {
  const names = [...classes.map(({ name }) => name), 'd', undefined];
  const ask = world.ask.bind(world);
  world.ask = (request) => {
    if (request.kind !== 'submit') return ask(request);
    const { spec } = request;
    const number = Number(/\d+/.exec(spec.name)?.[0] ?? 0);
    const name = names[number % names.length];
    if (name === undefined) return ask(request);
    const priority = number % 3 === 0 ? { priority: spec.priority } : {};
    return ask({ ...request, spec: { ...spec, class: { name, ...priority } } });
  };
}

/** Every fourth workload becomes an array of small tasks, so that there are lines to stand in. */
function makeArrays(world: World): void {
  const ask = world.ask.bind(world);
  world.ask = (request) => {
    if (request.kind !== 'submit') return ask(request);
    const number = Number(/\d+/.exec(request.spec.name)?.[0] ?? 0);
    if (number % 4 !== 0) return ask(request);
    const steps = request.spec.steps
      .slice(0, 2)
      .map(({ gangMin: _, topology: __, ...step }, i) => ({
        ...step,
        needs: [],
        count: 20 + (number % 7) + i,
        request: {
          cpu: milliCpu(Math.ceil(step.request.cpu / 4)),
          memory: step.request.memory,
          gpu: milliGpu(0),
          custom: step.request.custom,
        },
      }));
    return ask({ ...request, spec: { ...request.spec, steps } });
  };
}

/** Workloads get conditions, lists, groups and limits, and people run those that ended again. */
function makeFlows(world: World, prng: Prng): void {
  const ask = world.ask.bind(world);
  world.ask = (request) => {
    if (request.kind !== 'submit') return ask(request);
    return ask({ ...request, spec: withFlow(prng, request.spec) });
  };
  for (let i = 0; i < RETRIES_ASKED; i++) {
    world.timeline.after(spanMs(prng.below(RETRY_WITHIN_MS)), () => {
      const ever = world.engine?.state.workloadsEver ?? 0;
      const workload = String(prng.between(1, ever + 1)) as WorkloadId;
      ask({ kind: 'retry', workload, afresh: prng.chance(20) });
    });
  }
}

/** By then all is done, even if only one task ran at a time. */
function bound(world: World, checker: Checker): TimeMs {
  let ms = LIVENESS_SLACK_MS;
  for (const { spec } of checker.books.active.values()) {
    for (const { count, retry } of spec.steps) {
      ms +=
        Math.max(count, ITEMS_EXPECTED) *
        (1 + retry.maxRetries) *
        (RUN_MAX_MS + retry.backoffMaxMs + QUOTA_PERIOD_MS);
    }
  }
  return (world.timeline.now + ms) as TimeMs;
}
