import { parseArgs } from 'node:util';
import { Heap } from '../src/base/heap.ts';
import { Prng } from '../src/base/prng.ts';
import { type SpanMs, type TimeMs, timeMs } from '../src/base/units.ts';
import { Engine } from '../src/engine/engine.ts';
import type { TaskRecord } from '../src/engine/records.ts';
import { IntervalCalibration } from '../src/forecasting/interval-calibration.ts';
import { exactly } from '../src/forecasting/run-time-distribution.ts';
import { RunTimes, type Work } from '../src/forecasting/run-times.ts';
import type { AttemptEnd } from '../src/model/attempt.ts';
import type { AttemptId, TaskId, TenantId } from '../src/model/ids.ts';
import type { Command, Event } from '../src/model/messages.ts';
import { EasyScheduler } from '../src/scheduling/easy-scheduler.ts';
import { firstFit } from '../src/scheduling/scorers/first-fit.ts';
import { forecastStartsNow } from '../src/simulation/start-times.ts';
import { node, resources, step, workload } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';
import { readSwf, type SwfJob } from './swf.ts';

const DEPTH = 1_000_000;
const HORIZON_MS = 60 * 86_400_000;

const ended: AttemptEnd = {
  cause: 'succeeded',
  usage: {},
  enforced: { driver: 'simulated', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
};

/** A job as the predictor may know it: users ask for the same again by processors and time. */
const workOf = (job: SwfJob): Work => ({
  tenant: job.user,
  name: String(job.processors),
  estimateMs: job.requestedMs,
  limitMs: job.requestedMs,
});

/** What was said of one job that did not start at once, and what came. */
interface Said {
  readonly at: number;
  readonly low: number;
  readonly median: number;
  readonly high: number | undefined;
  readonly shown: { readonly low: number; readonly high: number | undefined };
  readonly sumAhead: number;
  readonly byEstimates: number;
  wait: number | undefined;
}

interface Options {
  readonly processors: number;
  readonly samples: number;
  readonly draws: number;
  readonly eventsMax: number;
  readonly seed: number;
}

/** A log replayed under EASY: run times are learnt as jobs end, and starts foretold as jobs of the last third come. */
class Replay {
  readonly calibration = new IntervalCalibration();
  readonly said: Said[] = [];
  startedAtOnce = 0;
  forecastMs = 0;
  readonly #jobs: readonly SwfJob[];
  readonly #options: Options;
  readonly #engine: Engine;
  readonly #runTimes = new RunTimes();
  readonly #ends = new Heap<{ at: number; attempt: AttemptId; job: number }>(
    (a, b) => a.at < b.at || (a.at === b.at && a.job < b.job),
  );
  readonly #open = new Map<number, Said>();
  readonly #started: Uint8Array;
  #arrived = 0;

  constructor(jobs: readonly SwfJob[], options: Options) {
    this.#jobs = jobs;
    this.#options = options;
    this.#started = new Uint8Array(jobs.length);
    this.#engine = new Engine(
      { tasksMax: 10_000_000, endedMax: 1 },
      {
        scheduler: (deps) =>
          new EasyScheduler(deps, firstFit, { backfill: 'queue-order', depth: DEPTH }),
      },
    );
    const { processors } = options;
    const machine = node('machine', { cpu: processors * 1000, memory: 2 ** 50 });
    this.#send({ kind: 'join-node', at: timeMs(0), node: machine });
  }

  run(sampled: ReadonlySet<number>): void {
    const jobs = this.#jobs;
    while (this.#arrived < jobs.length || this.#ends.size > 0) {
      const now = Math.min(
        jobs[this.#arrived]?.submitMs ?? Number.POSITIVE_INFINITY,
        this.#ends.peek()?.at ?? Number.POSITIVE_INFINITY,
      ) as TimeMs;
      while (this.#ends.peek()?.at === now) {
        const { attempt, job } = this.#ends.pop();
        this.#send({ kind: 'report-ended', at: now, attempt, end: ended });
        this.#runTimes.learn(workOf(jobs[job]!), jobs[job]!.runMs);
      }
      const first = this.#arrived;
      while (jobs[this.#arrived]?.submitMs === now) this.#submit(jobs[this.#arrived++]!, now);
      for (let e = this.#engine.next(now); e !== undefined; e = this.#engine.next(now)) {
        this.#apply(e);
      }
      for (let job = first; job < this.#arrived; job++) {
        if (!sampled.has(job)) continue;
        if (this.#started[job] === 1) this.startedAtOnce++;
        else this.#foretell(job, now);
      }
    }
  }

  #submit(job: SwfJob, at: TimeMs): void {
    const request = resources({ cpu: job.processors * 1000, memory: 0 });
    const estimateMs = job.requestedMs as SpanMs;
    const spec = workload('swf', step('s', { request, estimateMs }));
    this.#send({ kind: 'submit', at, tenant: job.user as TenantId, spec });
  }

  #send(command: Command): void {
    for (const event of this.#engine.decide(command).events) this.#apply(event);
  }

  #apply(event: Event): void {
    this.#engine.apply(event);
    if (event.kind !== 'task-placed') return;
    const job = Number.parseInt(event.attempt, 10) - 1;
    this.#started[job] = 1;
    this.#ends.push({ at: event.at + this.#jobs[job]!.runMs, attempt: event.attempt, job });
    const said = this.#open.get(job);
    if (said === undefined) return;
    said.wait = event.at - said.at;
    this.calibration.learn(said, said.shown, said.wait);
  }

  #foretell(job: number, at: TimeMs): void {
    const began = performance.now();
    const fork = (): Engine => this.#engine.fork();
    const id = `${job + 1}.s.0` as TaskId;
    const options = { fork, at, asked: new Set([id]), horizonMs: HORIZON_MS };
    const { eventsMax, seed, draws } = this.#options;
    const found = forecastStartsNow({
      ...options,
      runTimeOf: (task) => this.#runTimes.predict(workOf(this.#jobOf(task))),
      drawsMax: draws,
      eventsMax,
      seed,
    }).get(id)!;
    const byEstimates = forecastStartsNow({
      ...options,
      runTimeOf: (task) => exactly(this.#jobOf(task).requestedMs),
      drawsMax: 1,
      eventsMax: Number.MAX_SAFE_INTEGER,
      seed,
    }).get(id)!;
    this.forecastMs += performance.now() - began;
    const low = (found.low ?? at + HORIZON_MS) - at;
    const high = found.high && found.high - at;
    const said: Said = {
      at,
      low,
      median: (found.median ?? at + HORIZON_MS) - at,
      high,
      shown: this.calibration.correct({ low, high }),
      sumAhead: this.#sumAhead(job, at),
      byEstimates: byEstimates.median! - at,
      wait: undefined,
    };
    this.said.push(said);
    this.#open.set(job, said);
  }

  #jobOf = (task: TaskRecord): SwfJob => this.#jobs[task.step.workload.number - 1]!;

  /** Processor time that those ahead asked for, and that those that run have left of it, on all processors at once. */
  #sumAhead(job: number, at: number): number {
    let sum = 0;
    for (const { task, placedAt } of this.#engine.state.runningAttempts()) {
      const { processors, requestedMs } = this.#jobOf(task);
      sum += processors * Math.max(0, placedAt + requestedMs - at);
    }
    for (let ahead = 0; ahead < job; ahead++) {
      if (this.#started[ahead] === 1) continue;
      const { processors, requestedMs } = this.#jobs[ahead]!;
      sum += processors * requestedMs;
    }
    return sum / this.#options.processors;
  }
}

const median = (of: readonly number[]): number =>
  [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)] ?? Number.NaN;

const mean = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0) / of.length;

const seconds = (ms: number): number => Math.round(ms / 100) / 10;

function errorsOf(said: readonly Said[], of: (one: Said) => number) {
  const errors = said.map((one) => Math.abs(of(one) - one.wait!));
  return { mean_s: seconds(mean(errors)), median_s: seconds(median(errors)) };
}

function coverageOf(said: readonly Said[], of: (one: Said) => Said['shown']) {
  const inside = said.filter((one) => {
    const { low, high = Number.POSITIVE_INFINITY } = of(one);
    return one.wait! >= low && one.wait! <= high;
  });
  const widths = said.map((one) => (of(one).high ?? HORIZON_MS) - of(one).low);
  return {
    inside: Math.round((1000 * inside.length) / said.length) / 1000,
    median_width_s: seconds(median(widths)),
    mean_width_s: seconds(mean(widths)),
  };
}

/** How well run times are foretold as jobs of the last third come: mean pinball loss over five quantiles, seconds. */
function scoreRunTimes(jobs: readonly SwfJob[]) {
  const levels = [0.1, 0.25, 0.5, 0.75, 0.9];
  const loss = (level: number, said: number, came: number): number =>
    came >= said ? level * (came - said) : (1 - level) * (said - came);
  const runTimes = new RunTimes();
  const lastTwo = new Map<string, number[]>();
  const sums = { predicted: 0, user_estimate: 0, last_two: 0 };
  const below = levels.map(() => 0);
  // Waiting is left out here: a job ends its run time after it was submitted.
  const byEnd = [...jobs].sort(
    (a, b) => a.submitMs + a.runMs - b.submitMs - b.runMs || a.id - b.id,
  );
  let learnt = 0;
  let count = 0;
  jobs.forEach((job, i) => {
    for (; byEnd[learnt]!.submitMs + byEnd[learnt]!.runMs <= job.submitMs; learnt++) {
      const done = byEnd[learnt]!;
      runTimes.learn(workOf(done), done.runMs);
      lastTwo.set(done.user, [...(lastTwo.get(done.user) ?? []), done.runMs].slice(-2));
    }
    if (i < (2 * jobs.length) / 3) return;
    count++;
    const said = runTimes.predict(workOf(job))!;
    const two = lastTwo.get(job.user);
    const byTwo = two === undefined ? job.requestedMs : Math.min(job.requestedMs, mean(two));
    levels.forEach((level, k) => {
      const quantile = said.quantile(level);
      if (job.runMs <= quantile) below[k]!++;
      sums.predicted += loss(level, quantile, job.runMs);
      sums.user_estimate += loss(level, job.requestedMs, job.runMs);
      sums.last_two += loss(level, byTwo, job.runMs);
    });
  });
  const per = (sum: number): number => seconds(sum / count / levels.length);
  return {
    jobs: count,
    pinball_s: {
      predicted: per(sums.predicted),
      last_two: per(sums.last_two),
      user_estimate: per(sums.user_estimate),
    },
    share_below: Object.fromEntries(
      levels.map((level, k) => [level, Math.round((1000 * below[k]!) / count) / 1000]),
    ),
  };
}

export const predictBench: Bench = {
  what: 'start times foretold in the last third of a log under EASY, against what came  --log FILE --procs N [--samples N] [--draws N] [--events N] [--limit N] [--seed N]',
  run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        log: { type: 'string' },
        procs: { type: 'string' },
        samples: { type: 'string', default: '500' },
        draws: { type: 'string', default: '19' },
        events: { type: 'string', default: '1000000' },
        limit: { type: 'string', default: '1000000000' },
        seed: { type: 'string', default: '1' },
      },
    });
    const processors = Number(values.procs);
    if (values.log === undefined || !(processors > 0)) throw new Error('needs --log and --procs');
    const jobs = readSwf(values.log, processors, Number(values.limit));
    const first = Math.ceil((2 * jobs.length) / 3);
    const prng = new Prng(Number(values.seed));
    const sampled = new Set<number>();
    const samples = Math.min(Number(values.samples), jobs.length - first);
    while (sampled.size < samples) sampled.add(first + prng.below(jobs.length - first));
    const replay = new Replay(jobs, {
      processors,
      samples,
      draws: Number(values.draws),
      eventsMax: Number(values.events),
      seed: Number(values.seed),
    });
    replay.run(sampled);
    const { said } = replay;
    return {
      jobs: jobs.length,
      sampled: samples,
      started_at_once: replay.startedAtOnce,
      waited: said.length,
      mean_wait_s: seconds(mean(said.map(({ wait }) => wait!))),
      interval_80: {
        drawn: coverageOf(said, (one) => one),
        calibrated: coverageOf(said, ({ shown }) => shown),
      },
      absolute_error: {
        median_of_draws: errorsOf(said, (one) => one.median),
        played_by_estimates: errorsOf(said, (one) => one.byEstimates),
        sum_ahead: errorsOf(said, (one) => one.sumAhead),
      },
      run_times: scoreRunTimes(jobs),
      ms_per_forecast: Math.round(replay.forecastMs / said.length),
    };
  },
};
