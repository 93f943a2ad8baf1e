import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../../src/base/prng.ts';
import { spanMs, type TimeMs, timeMs } from '../../src/base/units.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { AttemptRecord } from '../../src/engine/records.ts';
import { takeSnapshot } from '../../src/engine/snapshot.ts';
import type { NodeId, TenantId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import { drawCluster } from '../../src/simulation/draw-cluster.ts';
import { drawRequests, drawWorkload } from '../../src/simulation/draw-workload.ts';
import { simulate } from '../../src/simulation/simulate.ts';
import type { ModelledSite, SiteModel } from '../../src/simulation/site-model.ts';
import type { TaskOfTrace, TraceJob } from '../../src/simulation/trace.ts';
import { engineNamed, traceOf } from '../builders/simulation.ts';
import { Books } from '../sim/books.ts';
import { compareTable } from '../sim/node-book.ts';

const HOUR_MS = 3_600_000;
/** What is done to a site, in this time. */
const CHAOS_MS = 2 * HOUR_MS;

/** The truth of one attempt, drawn by its name alone. */
function truthOf(seed: number, { step, index, attempt }: TaskOfTrace) {
  let mixed = seed;
  for (const char of `${step}.${index}.${attempt}`) {
    mixed = Math.imul(mixed ^ char.charCodeAt(0), 0x01000193) >>> 0;
  }
  const prng = new Prng(mixed);
  const outcome = prng.chance(80) ? ('succeeded' as const) : ('failed' as const);
  return { runMs: spanMs(prng.chance(10) ? 0 : prng.below(600_000)), outcome };
}

function drawJobs(prng: Prng, cluster: ReturnType<typeof drawCluster>): TraceJob[] {
  const requests = drawRequests(prng, cluster);
  const count = prng.between(1, 25);
  const jobs = Array.from({ length: count }, (_, i) => {
    const seed = prng.next();
    return {
      id: `j${i}`,
      at: timeMs(prng.below(HOUR_MS / 1000) * 1000),
      tenant: prng.pick(['ann', 'bob']) as TenantId,
      spec: drawWorkload(prng, `j${i}`, requests),
      runMs: spanMs(0),
      truth: (task: TaskOfTrace) => truthOf(seed, task),
    };
  });
  return jobs.sort((a, b) => a.at - b.at);
}

/** One stretch of time in which a node had one pace. */
interface Pace {
  readonly from: number;
  readonly pace: number;
}

/** Kills, cancels, pauses, takes nodes away for a while, and makes them slow. */
class Chaos implements SiteModel {
  readonly paces = new Map<NodeId, Pace[]>();
  readonly startups = new Map<string, number>();
  readonly saved = new Map<string, number>();
  #site!: ModelledSite;
  #prng!: Prng;

  begin(site: ModelledSite, prng: Prng): void {
    this.#site = site;
    this.#prng = prng;
    for (const { id } of site.engine.state.nodes()) this.paces.set(id, [{ from: 0, pace: 1 }]);
    const count = prng.between(0, 40);
    for (let i = 0; i < count; i++) {
      site.at(timeMs(site.now + prng.below(CHAOS_MS)), () => this.#act());
    }
  }

  pace({ placement }: AttemptRecord): number {
    return this.paces.get(placement.node)!.at(-1)!.pace;
  }

  startupMs({ id }: AttemptRecord) {
    const startup = this.#prng.chance(50) ? 0 : this.#prng.below(20_000);
    this.startups.set(id, startup);
    return spanMs(startup);
  }

  savedMs({ id }: AttemptRecord, workedMs: number) {
    const saved = this.#prng.chance(50) ? 0 : Math.floor(workedMs / 2);
    this.saved.set(id, saved);
    return spanMs(saved);
  }

  #act(): void {
    const prng = this.#prng;
    const site = this.#site;
    const running = [...site.engine.state.runningAttempts()];
    const nodes = site.engine.state.nodes();
    const node = prng.pick(nodes);
    switch (prng.below(5)) {
      case 0:
        if (running.length > 0) site.kill(prng.pick(running), prng.pick(['failed', 'lost']));
        return;
      case 1: {
        if (running.length === 0) return;
        const { id, tenant } = prng.pick(running).task.step.workload;
        site.send({ kind: 'cancel', at: site.now, workload: id, by: tenant });
        return;
      }
      case 2: {
        if (nodes.length === 1) return;
        site.send({ kind: 'leave-node', at: site.now, node: node.id });
        site.at(timeMs(site.now + prng.below(HOUR_MS)), () => {
          site.send({ kind: 'join-node', at: site.now, node });
        });
        return;
      }
      default:
        this.#slow(node.id, prng.pick([0, 0.1, 0.5, 1, 3]));
    }
  }

  /** What stands still goes on some time later. */
  #slow(node: NodeId, pace: number): void {
    const site = this.#site;
    this.paces.get(node)!.push({ from: site.now, pace });
    const there = [...site.engine.state.runningAttempts()];
    site.paceChanged(there.filter(({ placement }) => placement.node === node));
    if (pace === 0) site.at(timeMs(site.now + 60_000), () => this.#slow(node, 1));
  }

  /** Work that is done on the node between two times. */
  work(node: NodeId, from: number, to: number): number {
    const stretches = this.paces.get(node)!;
    return stretches.reduce((sum, { from: begins, pace }, i) => {
      const ends = stretches[i + 1]?.from ?? Number.POSITIVE_INFINITY;
      return sum + Math.max(0, Math.min(to, ends) - Math.max(from, begins)) * pace;
    }, 0);
  }
}

interface Run {
  readonly jobs: readonly TraceJob[];
  readonly events: readonly Event[];
  readonly engine: Engine;
  readonly chaos: Chaos;
  readonly unended: number;
  /** Job by workload. */
  readonly accepted: ReadonlyMap<string, TraceJob>;
}

function play(seed: number, policy: string, watch?: (event: Event) => void): Run {
  const prng = new Prng(seed);
  const nodes = drawCluster(prng);
  const jobs = drawJobs(prng, nodes);
  const events: Event[] = [];
  const accepted = new Map<string, TraceJob>();
  const chaos = new Chaos();
  let engine: Engine | undefined;
  const settled = (_: TimeMs, now: Engine): void => {
    engine = now;
  };
  const { unended } = simulate({
    trace: traceOf(jobs),
    nodes,
    engine: engineNamed(policy),
    seed,
    models: [chaos],
    observers: [
      {
        accepted: (job, id) => accepted.set(id, job),
        happened: (event) => {
          events.push(event);
          watch?.(event);
        },
        settled,
      },
    ],
  });
  return { jobs, events, engine: engine!, chaos, unended, accepted };
}

const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const policies = fc.constantFrom(
  'best-fit',
  'fcfs',
  'easy',
  'easy-sjbf',
  'conservative',
  'drf',
  'fair-share+easy',
  'stride+conservative',
);

test('two runs with one seed are the same, byte by byte', () => {
  fc.assert(
    fc.property(seeds, policies, (seed, policy) => {
      const once = play(seed, policy);
      assert.equal(JSON.stringify(play(seed, policy).events), JSON.stringify(once.events));
    }),
    { numRuns: 60 },
  );
});

test('whatever happens to a site, every job that it accepted ends, and ends once', () => {
  fc.assert(
    fc.property(seeds, policies, (seed, policy) => {
      const { events, accepted, unended } = play(seed, policy);
      const ended = events.flatMap((e) => (e.kind === 'workload-ended' ? [e.workload] : []));
      assert.equal(unended, 0);
      assert.deepEqual(ended.toSorted(), [...accepted.keys()].toSorted());
    }),
    { numRuns: 150 },
  );
});

test('no node ever holds more than it has, by books that are kept from the events alone', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const books = new Books();
      const { engine } = play(seed, 'best-fit', (event) => books.record(event));
      compareTable(books.nodes, engine);
      for (const node of books.nodes.values()) assert.equal(node.held.size, 0);
    }),
    { numRuns: 150 },
  );
});

test('the events are all that an engine needs to know as much', () => {
  fc.assert(
    fc.property(seeds, policies, (seed, policy) => {
      const { events, engine } = play(seed, policy);
      const again = engine.empty();
      for (const event of events) again.apply(event);
      assert.equal(takeSnapshot(again.state), takeSnapshot(engine.state));
    }),
    { numRuns: 60 },
  );
});

test('who ends by himself has done his work, at whatever pace it went, and nothing of it twice', () => {
  let checked = 0;
  let resumed = 0;
  fc.assert(
    fc.property(seeds, policies, (seed, policy) => {
      const { events, chaos, accepted } = play(seed, policy);
      const placed = new Map<string, { node: NodeId; at: number }>();
      const savedOf = new Map<string, number>();
      for (const event of events) {
        if (event.kind === 'task-placed') {
          placed.set(event.attempt, { node: event.placement.node, at: event.at });
        }
        if (event.kind !== 'task-ended') continue;
        const { attempt: id, at, end, retry } = event;
        const [workload, step, index, number] = id.split('.') as [string, string, string, string];
        const task = `${workload}.${step}.${index}`;
        const before = savedOf.get(task) ?? 0;
        if (retry !== undefined) savedOf.set(task, before + (chaos.saved.get(id) ?? 0));
        const which = { step, index: Number(index), attempt: Number(number) };
        const truth = accepted.get(workload)!.truth!(which);
        const { node, at: from } = placed.get(id)!;
        const worksFrom = from + chaos.startups.get(id)!;
        const worked = chaos.work(node, worksFrom, at);
        const toDo = Math.max(0, truth.runMs - before);
        // One that was told to stop, was killed or ran out of time has done less.
        if (end.cause !== truth.outcome) {
          if (end.cause !== 'failed') assert.ok(worked <= toDo + 1e-6, `${id} had done it`);
          continue;
        }
        // A model that kills it as failed is not told apart from its own end.
        if (end.cause === 'failed' && chaos.saved.has(id)) continue;
        if (end.cause === 'failed' && retry === undefined && worked < toDo) continue;
        // The end is the first whole millisecond after it.
        const aMillisecondBefore = chaos.work(node, worksFrom, at - 1);
        assert.ok(worked >= toDo - 1e-3, `${id}: ${worked} of ${toDo}`);
        assert.ok(toDo === 0 || aMillisecondBefore < toDo + 1e-3, `${id} was done before`);
        checked++;
        if (before > 0) resumed++;
      }
    }),
    { numRuns: 150 },
  );
  assert.ok(checked > 1_000 && resumed > 20, `${checked} ends, ${resumed} of resumed tasks`);
});
