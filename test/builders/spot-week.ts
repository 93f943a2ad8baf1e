import assert from 'node:assert/strict';
import { Prng } from '../../src/base/prng.ts';
import { type BasisPoints, spanMs, timeMs } from '../../src/base/units.ts';
import type { AttemptId, NodeId, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import type { MoneyConfig } from '../../src/model/money.ts';
import type { SpotPolicy } from '../../src/model/spot.ts';
import { SpotFeed } from '../../src/runtime/spot-feed.ts';
import { NOTICE_MS, SpotMarket } from '../../src/simulation/spot-market.ts';
import { type MarketMood, type PricePath, randomPath } from '../../src/simulation/spot-path.ts';
import { MoneyBook } from '../sim/money-book.ts';
import { SpotOracle } from '../sim/spot-oracle.ts';
import { endedBy } from './engine-bench.ts';
import { HOUR, money } from './money.ts';
import { dollars, plainNode, type SpotStageOptions, spotNode, spotStage } from './spot-stage.ts';
import { resources, step, workload } from './workload.ts';

const MINUTE = 60_000;
/** From the order to stop until the work is saved. */
const SAVE_MS = 20_000;
/** From a start until it goes on where it was. */
const RESTART_MS = 30_000;

export interface SpotWeekOptions {
  readonly seed: number;
  readonly policy: SpotPolicy;
  readonly onDemandNodes: number;
  readonly spotNodes: number;
  readonly jobs: number;
  /** In which they come. */
  readonly arriveMs: number;
  /** Of 100 jobs, how many may be on spot nodes. */
  readonly suitable: number;
  readonly mood: MarketMood;
  readonly takenPerMillion: number;
  /** Instead of a path by the mood. */
  readonly path?: PricePath;
  readonly scheduling?: SpotStageOptions['scheduling'];
  readonly checkEveryMs?: number;
}

/** A core on demand costs a dollar an hour. */
const prices: MoneyConfig = money([], {
  prices: {
    rates: [{ validFrom: timeMs(0), cpuHour: dollars(1), memoryHour: dollars(0), gpuHour: {} }],
    models: [],
  },
  sliceMs: spanMs(6 * HOUR),
});

/** In which a third of the price on demand is usual, and the ceiling of twice the base is passed at times. */
export const mood = (changes: Partial<MarketMood> = {}): MarketMood => ({
  base: dollars(0.35),
  onDemand: dollars(1),
  stepMs: spanMs(5 * MINUTE),
  reversion: 200 as BasisPoints,
  tremble: 150 as BasisPoints,
  jumpsPerMillion: 2_000,
  jumpMax: 20_000 as BasisPoints,
  ...changes,
});

export interface SpotWeek {
  readonly journal: readonly Event[];
  readonly charged: number;
  /** What the same work costs on demand, where nothing stops it. */
  readonly onDemand: number;
  readonly interruptions: number;
  readonly placedOnSpot: number;
  readonly placedElsewhere: number;
  readonly pricesTold: number;
}

/** A site with spot nodes of a made-up market, until all its jobs have ended; every event is checked. */
export function runSpotWeek(options: SpotWeekOptions): SpotWeek {
  const { policy, mood: market } = options;
  const prng = new Prng(options.seed);
  const spotIds = Array.from({ length: options.spotNodes }, (_, i) => `s${i}` as NodeId);
  const s = spotStage(
    { spot: policy, money: prices, ...(options.scheduling && { scheduling: options.scheduling }) },
    ...Array.from({ length: options.onDemandNodes }, (_, i) => plainNode(`d${i}`)),
    ...spotIds.map((id) => spotNode(id)),
  );
  const { base, onDemand } = market;
  const cloud = new SpotMarket(
    {
      path: options.path ?? randomPath(market, timeMs(0), prng.fork()),
      quote: { base, onDemand, source: 'market' },
      nodes: spotIds,
      bid: onDemand,
      noticeMs: NOTICE_MS,
      takenPerMillion: options.takenPerMillion,
      awayMs: spanMs(10 * MINUTE),
    },
    prng.fork(),
  );
  const feed = new SpotFeed();
  const jobs = drawJobs(options, prng.fork());
  const truth = new Truth(jobs);
  const suits = (attempt: string) => jobs[Number(attempt.split('.')[0]) - 1]!.isSuitable;
  const oracle = new SpotOracle(policy, suits, dollars(1));
  const book = new MoneyBook();
  let seen = 0;
  const hear = (): void => {
    for (const event of s.journal.slice(seen)) {
      oracle.record(event);
      book.record(event);
      truth.record(event);
    }
    seen = s.journal.length;
  };
  hear();
  const end = (until: number): void => {
    for (let due = truth.due(until); due !== undefined; due = truth.due(until)) {
      s.now = due.at;
      const { attempt, cause } = due;
      s.send({ kind: 'report-ended', attempt: attempt as AttemptId, end: endedBy(cause) });
      hear();
    }
  };
  let next = 0;
  for (let look = 0; next < jobs.length || truth.left > 0; look += MINUTE) {
    assert.ok(look < 10 * options.arriveMs, 'it comes to an end');
    end(look - 1);
    // A node is gone when its deadline comes, so that nobody takes the notice for a false alarm.
    for (const id of cloud.gone(timeMs(look))) {
      s.now = look - 1;
      s.send({ kind: 'leave-node', node: id });
      hear();
    }
    end(look);
    s.now = look;
    for (const id of cloud.back(s.at)) s.send({ kind: 'join-node', node: spotNode(id) });
    for (const request of feed.requests(cloud.read(s.at), s.at)) s.send(request);
    for (; next < jobs.length && jobs[next]!.at <= look; next++) {
      const { cpu, isSuitable, priority } = jobs[next]!;
      const id = isSuitable ? 'batch_processing' : 'training';
      const spec = { ...workload('w', step(id, { request: resources({ cpu }) })), priority };
      s.send({ kind: 'submit', tenant: 'tester' as TenantId, spec });
    }
    s.send({ kind: 'tick' });
    hear();
    // Who was restored at any time has nothing to add, so that nobody sleeps on.
    if (options.checkEveryMs !== undefined && look % options.checkEveryMs === 0) s.checkCopies();
  }
  s.checkCopies();
  book.compare(s.engine);
  let charged = 0;
  for (const [i, job] of jobs.entries()) {
    const one = s.engine.state.workload(String(i + 1) as WorkloadId)!;
    assert.equal(one.state, 'succeeded');
    assert.equal(one.retried, 0, 'no retry is charged for an interruption');
    assert.equal(truth.worked(one.id), job.workMs, 'all of its work was done, and none twice');
    charged += one.spent.charged;
    assert.equal(one.spent.reserved, 0);
  }
  assert.equal(charged, oracle.charged, 'the ledger is the sum of all that was settled');
  return {
    journal: s.journal,
    charged,
    onDemand: jobs.reduce((sum, { workMs, cpu }) => sum + Math.ceil((workMs * cpu) / 3_600), 0),
    interruptions: truth.interruptions,
    placedOnSpot: oracle.placedOnSpot,
    placedElsewhere: oracle.placedElsewhere,
    pricesTold: s.journal.filter(({ kind }) => kind === 'spot-priced').length,
  };
}

interface Job {
  readonly at: number;
  readonly cpu: number;
  readonly workMs: number;
  readonly isSuitable: boolean;
  readonly priority: number;
}

function drawJobs({ jobs, arriveMs, suitable }: SpotWeekOptions, prng: Prng): Job[] {
  const times = Array.from({ length: jobs }, () => prng.below(arriveMs)).sort((a, b) => a - b);
  return times.map((at) => ({
    at,
    cpu: prng.between(1, 4) * 500,
    workMs: prng.between(10, 600) * MINUTE,
    isSuitable: prng.chance(suitable),
    priority: prng.pick([0, 0, 10]),
  }));
}

interface Due {
  readonly at: number;
  readonly attempt: string;
  readonly cause: 'succeeded' | 'preempted';
}

/** What tasks do: work, save what they did when they are asked to, and go on from there. */
class Truth {
  readonly #jobs: readonly Job[];
  readonly #running = new Map<string, { readonly since: number; due: Due }>();
  readonly #saved = new Map<string, number>();
  #ended = 0;
  interruptions = 0;

  constructor(jobs: readonly Job[]) {
    this.#jobs = jobs;
  }

  get left(): number {
    return this.#jobs.length - this.#ended;
  }

  worked(workload: string): number {
    return this.#saved.get(workload) ?? 0;
  }

  due(until: number): Due | undefined {
    let first: Due | undefined;
    for (const { due } of this.#running.values()) {
      if (due.at <= until && (first === undefined || due.at < first.at)) first = due;
    }
    return first;
  }

  record(event: Event): void {
    if (event.kind === 'task-placed') {
      const workload = event.attempt.split('.')[0]!;
      const saved = this.worked(workload);
      const rest = this.#jobs[Number(workload) - 1]!.workMs - saved;
      const restart = saved > 0 ? RESTART_MS : 0;
      const at = event.at + restart + rest;
      const due = { at, attempt: event.attempt, cause: 'succeeded' } as const;
      this.#running.set(event.attempt, { since: event.at + restart, due });
    } else if (event.kind === 'stop-ordered') {
      const running = this.#running.get(event.attempt)!;
      if (running.due.at <= event.at + SAVE_MS) return;
      const at = event.at + SAVE_MS;
      running.due = { at, attempt: event.attempt, cause: 'preempted' };
      this.interruptions++;
    } else if (event.kind === 'task-ended') {
      const workload = event.attempt.split('.')[0]!;
      const { since } = this.#running.get(event.attempt)!;
      this.#running.delete(event.attempt);
      const worked = Math.max(0, event.at - since);
      this.#saved.set(workload, this.worked(workload) + worked);
      if (event.end.cause === 'succeeded') this.#ended++;
      else assert.equal(event.end.cause, 'preempted');
    }
  }
}
