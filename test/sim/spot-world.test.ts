import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { type BasisPoints, spanMs, timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { Event } from '../../src/model/messages.ts';
import { defaultScheduling, type SchedulingConfig } from '../../src/model/scheduling-config.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { SpotFeed } from '../../src/runtime/spot-feed.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import { History } from '../../src/simulation/history.ts';
import { SpotMarket } from '../../src/simulation/spot-market.ts';
import { randomPath } from '../../src/simulation/spot-path.ts';
import { drawnTruth } from '../../src/simulation/task-truth.ts';
import { type Witness, World } from '../../src/simulation/world.ts';
import { drawPreemption } from '../builders/draw-tree.ts';
import { money } from '../builders/money.ts';
import { dollars, policy, quote } from '../builders/spot-stage.ts';
import { mood } from '../builders/spot-week.ts';
import { node } from '../builders/workload.ts';
import { MoneyBook } from './money-book.ts';
import { checkReplay, checkSameFuture } from './replay.ts';
import { SpotOracle } from './spot-oracle.ts';
import { eventLine } from './trace.ts';

const SEEDS = 30;
const MINUTE = 60_000;
const prices = money([], {
  prices: {
    rates: [
      {
        validFrom: timeMs(0),
        cpuHour: dollars(1),
        memoryHour: dollars(0),
        gpuHour: {},
        otherGpuHour: dollars(0),
      },
    ],
    models: [],
  },
});

/** Takes everything that asks for CPU and memory only, and is never lost. */
const haven = node('haven', { cpu: 1_000_000, memory: 2 ** 44 });

const isSpotId = (id: string): boolean => Number(/\d+/.exec(id)![0]) % 2 === 0;

/** By its name, whether a drawn workload says of itself that it may be on spot nodes. */
function withWord(spec: WorkloadSpec): WorkloadSpec {
  const number = Number(/\d+/.exec(spec.name)![0]);
  return number % 4 === 3 ? spec : { ...spec, spot: number % 4 !== 2 };
}

function drawScheduling(prng: Prng): Partial<SchedulingConfig> {
  const preemption = prng.chance(50) ? { preemption: drawPreemption(prng) } : {};
  const kind = prng.pick(['none', 'none', 'easy', 'conservative'] as const);
  return { ...preemption, backfill: { kind, depth: 1_000 } };
}

/** A world of faults in which half of the nodes are on a market; what became of it, as lines. */
async function runWorld(seed: number) {
  const prng = new Prng(seed ^ 0x5_907);
  const rule = policy({ percentage: prng.pick([30, 50, 70, 100]) });
  const scheduling = { ...defaultScheduling, ...drawScheduling(prng), spot: rule };
  const fresh = () =>
    new Engine(
      { tasksMax: 10_000, endedMax: 1_000, scheduling, money: prices },
      { scheduler: makeScheduler(scheduling) },
    );
  const specs = new Map<string, WorkloadSpec>();
  const isSuitable = (attempt: string): boolean => {
    const [workload, id] = attempt.split('.');
    const spec = specs.get(workload!)!;
    const { gangMin } = spec.steps.find((one) => one.id === id)!;
    return spec.spot === true && gangMin === undefined;
  };
  const oracle = new SpotOracle(rule, isSuitable, dollars(1));
  const book = new MoneyBook();
  const batches: (readonly Event[])[] = [];
  const lines: string[] = [];
  const look = prng.fork();
  const witness: Witness = {
    durable(events, engine) {
      batches.push([...events]);
      for (const event of events) {
        if (event.kind === 'workload-submitted') specs.set(event.workload, event.spec);
        lines.push(eventLine(event));
        oracle.record(event);
        book.record(event);
      }
      if (look.chance(3)) checkSameFuture(engine, batches, fresh, timeMs(events[0]!.at));
    },
    rebuilt(engine) {
      checkReplay(engine, batches, fresh);
      book.compare(engine);
    },
    acted: () => {},
    answered: () => {},
    note: () => {},
  };
  const world = new World({
    prng: prng.fork(),
    truth: drawnTruth(seed),
    engine: fresh,
    snapshots: prng.pick([0, 1, 10]),
    witness,
  });
  const join = world.join.bind(world);
  world.join = (one) => join(isSpotId(one.id) ? { ...one, labels: { spot: 'true' } } : one);
  const ask = world.ask.bind(world);
  world.ask = (request) =>
    ask(request.kind === 'submit' ? { ...request, spec: withWord(request.spec) } : request);
  const history = new History(world, prng.fork());
  world.driver.powerOn(haven.id);
  join(haven);
  trade(world, history, prng.fork());
  await world.run(history.ends);
  history.heal();
  await world.run(timeMs(history.ends + 10 * MINUTE));
  ask({ kind: 'spot-price', quotes: [quote(0.35, { base: dollars(0.35), onDemand: dollars(1) })] });
  await world.run(timeMs(history.ends + 30 * 86_400_000));
  const { state } = world.engine!;
  checkReplay(world.engine!, batches, fresh);
  book.compare(world.engine!);
  for (const { id, state: is, spec } of state.workloads()) {
    const isPlain = spec.steps.every(
      ({ request, gangMin }) =>
        request.gpu === 0 && request.custom.length === 0 && gangMin === undefined,
    );
    assert.ok(is !== 'active' || !isPlain, `workload ${id} has ended: it had where to go`);
  }
  return { lines, oracle };
}

/** Tells prices and notices of a market, wild ones, as long as the storm goes on. */
function trade(world: World, { cluster, ends }: History, prng: Prng): void {
  const wild = mood({
    stepMs: spanMs(MINUTE),
    tremble: 1_500 as BasisPoints,
    jumpsPerMillion: 100_000,
  });
  const { base, onDemand } = wild;
  const market = new SpotMarket(
    {
      path: randomPath(wild, world.timeline.now, prng.fork()),
      quote: { base, onDemand, source: 'market' },
      nodes: cluster.map(({ id }) => id).filter(isSpotId),
      bid: onDemand,
      noticeMs: spanMs(2 * MINUTE),
      takenPerMillion: 10_000,
      awayMs: spanMs(MINUTE),
    },
    prng,
  );
  const feed = new SpotFeed();
  const tell = (): void => {
    const { now } = world.timeline;
    if (now >= ends) return;
    market.back(now);
    const reading = market.read(now);
    // A daemon looks once it knows how what ran meanwhile has ended, and remembers nothing of former looks.
    const { paused = true } = world.engine?.state.money ?? {};
    if (paused) feed.forget();
    else for (const request of feed.requests(reading, now)) world.ask(request);
    world.timeline.after(spanMs(MINUTE), tell);
  };
  world.timeline.after(spanMs(1), tell);
}

test(`${SEEDS} worlds of faults with spot nodes: who is there may be, at a price that was told, and nothing is lost`, {
  timeout: 300_000,
}, async (t) => {
  const total = { onSpot: 0, elsewhere: 0, notices: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { lines, oracle } = await runWorld(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
    total.onSpot += oracle.placedOnSpot;
    total.elsewhere += oracle.placedElsewhere;
    total.notices += lines.filter((line) => /^spot n/.test(line)).length;
  }
  t.diagnostic(JSON.stringify(total));
  assert.ok(total.onSpot > 100 && total.elsewhere > 100 && total.notices > 20);
});

test('the same seed makes the same world with spot nodes', { timeout: 60_000 }, async () => {
  assert.deepEqual((await runWorld(5)).lines, (await runWorld(5)).lines);
});
