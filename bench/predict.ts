import { parseArgs } from 'node:util';
import { Prng } from '../src/base/prng.ts';
import type { TimeMs } from '../src/base/units.ts';
import type { Engine } from '../src/engine/engine.ts';
import type { TaskRecord } from '../src/engine/records.ts';
import { Arrivals } from '../src/forecasting/arrivals.ts';
import { IntervalCalibration } from '../src/forecasting/interval-calibration.ts';
import { exactly } from '../src/forecasting/run-time-distribution.ts';
import { RunTimes, type Work } from '../src/forecasting/run-times.ts';
import type { WorkloadId } from '../src/model/ids.ts';
import type { Event } from '../src/model/messages.ts';
import type { Observer } from '../src/simulation/observer.ts';
import { engineFor, policyNamed } from '../src/simulation/policies.ts';
import { simulate } from '../src/simulation/simulate.ts';
import { forecastStartsNow } from '../src/simulation/start-times.ts';
import type { TraceJob } from '../src/simulation/trace.ts';
import { workOf } from '../src/simulation/work-of.ts';
import { node } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';
import { readLog } from './swf.ts';

const HORIZON_MS = 60 * 86_400_000;

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
  readonly draws: number;
  readonly eventsMax: number;
  readonly seed: number;
  /** Whether later arrivals are drawn, too. */
  readonly arrivals: boolean;
  readonly grain: number;
  /** Places in the trace. */
  readonly sampled: ReadonlySet<number>;
}

/** Whoever runs for longer than he asked for is ended: logs say so by the requested time. */
const limited = (task: TaskRecord): Work => ({ ...workOf(task), limitMs: task.estimateMs! });

/** Learns run times as jobs end, and foretells starts as sampled jobs come and do not start at once. */
class Foretelling implements Observer {
  readonly calibration = new IntervalCalibration();
  readonly said: Said[] = [];
  startedAtOnce = 0;
  forecastMs = 0;
  readonly #options: Options;
  readonly #runTimes = new RunTimes();
  readonly #arrivals = new Arrivals();
  readonly #open = new Map<WorkloadId, Said>();
  /** Of this instant. */
  #fresh: WorkloadId[] = [];
  #count = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  accepted({ tenant, spec }: TraceJob, workload: WorkloadId, at: TimeMs): void {
    this.#arrivals.note({ at, tenant, spec });
    if (this.#options.sampled.has(this.#count++)) this.#fresh.push(workload);
  }

  happened(event: Event, { state }: Engine): void {
    if (event.kind === 'task-ended') {
      const { task, placedAt } = state.attempt(event.attempt)!;
      this.#runTimes.learn(limited(task), event.at - placedAt);
    } else if (event.kind === 'task-placed') {
      const { workload } = state.attempt(event.attempt)!.task.step;
      const said = this.#open.get(workload.id);
      if (said === undefined) return;
      this.#open.delete(workload.id);
      said.wait = event.at - said.at;
      this.calibration.learn(said, said.shown, said.wait);
    }
  }

  settled(at: TimeMs, engine: Engine): void {
    for (const id of this.#fresh) {
      if (engine.state.workload(id)?.startedAt !== undefined) this.startedAtOnce++;
      else this.#foretell(id, at, engine);
    }
    this.#fresh = [];
  }

  #foretell(workload: WorkloadId, at: TimeMs, engine: Engine): void {
    const began = performance.now();
    const task = engine.state.workload(workload)!.steps[0]!.tasks[0]!;
    const { eventsMax, seed, draws, arrivals, grain } = this.#options;
    const options = { fork: () => engine.fork(), at, asked: new Set([task.id]), seed };
    const found = forecastStartsNow({
      ...options,
      runTimeOf: (one) => this.#runTimes.predict(limited(one)),
      drawsMax: draws,
      eventsMax,
      ...(grain > 0 && { grain }),
      horizonMs: HORIZON_MS,
      ...(arrivals && { arrivals: (draw) => this.#later(seed + 7919 * draw, at) }),
    }).get(task.id)!;
    const byEstimates = forecastStartsNow({
      ...options,
      runTimeOf: ({ estimateMs }) => exactly(estimateMs!),
      drawsMax: 1,
      eventsMax: Number.MAX_SAFE_INTEGER,
      horizonMs: 100 * HORIZON_MS,
    }).get(task.id)!;
    this.forecastMs += performance.now() - began;
    const low = (found.low ?? at + HORIZON_MS) - at;
    const high = found.high && found.high - at;
    const said: Said = {
      at,
      low,
      median: (found.median ?? at + HORIZON_MS) - at,
      high,
      shown: this.calibration.correct({ low, high }),
      sumAhead: sumAhead(engine, workload, at) / this.#options.processors,
      byEstimates: byEstimates.median! - at,
      wait: undefined,
    };
    this.said.push(said);
    this.#open.set(workload, said);
  }

  *#later(seed: number, at: TimeMs) {
    for (const arrival of this.#arrivals.draw(new Prng(seed), at)) {
      yield { kind: 'submit' as const, ...arrival };
    }
  }
}

/** Processor time that those ahead asked for, and that those that run have left of it by what they asked for. */
function sumAhead({ state }: Engine, workload: WorkloadId, at: number): number {
  let sum = 0;
  const processors = ({ step }: TaskRecord): number => step.spec.request.cpu / 1000;
  for (const { task, placedAt } of state.runningAttempts()) {
    sum += processors(task) * Math.max(0, placedAt + task.estimateMs! - at);
  }
  for (const { id, state: now, startedAt, steps } of state.workloads()) {
    if (now !== 'active' || startedAt !== undefined || Number(id) >= Number(workload)) continue;
    const [task] = steps[0]!.tasks;
    sum += processors(task!) * task!.estimateMs!;
  }
  return sum;
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

const estimateOf = ({ spec }: TraceJob): number => spec.steps[0]!.estimateMs!;

function workOfJob({ tenant, spec }: TraceJob): Work {
  const estimateMs = spec.steps[0]!.estimateMs!;
  const name = `${spec.name} ${spec.steps[0]!.request.cpu}`;
  return { tenant, name, estimateMs, limitMs: estimateMs };
}

/** How well run times are foretold as jobs of the last third come: mean pinball loss over five quantiles, seconds. */
function scoreRunTimes(jobs: readonly TraceJob[]) {
  const levels = [0.1, 0.25, 0.5, 0.75, 0.9];
  const loss = (level: number, said: number, came: number): number =>
    came >= said ? level * (came - said) : (1 - level) * (said - came);
  const runTimes = new RunTimes();
  const lastTwo = new Map<string, number[]>();
  const sums = { predicted: 0, user_estimate: 0, last_two: 0 };
  const below = levels.map(() => 0);
  // Waiting is left out here: a job ends its run time after it was submitted.
  const byEnd = [...jobs].sort((a, b) => a.at + a.runMs - b.at - b.runMs);
  const first = Math.ceil((2 * jobs.length) / 3);
  let learnt = 0;
  jobs.forEach((job, i) => {
    for (; byEnd[learnt]!.at + byEnd[learnt]!.runMs <= job.at; learnt++) {
      const done = byEnd[learnt]!;
      runTimes.learn(workOfJob(done), done.runMs);
      lastTwo.set(done.tenant, [...(lastTwo.get(done.tenant) ?? []), done.runMs].slice(-2));
    }
    if (i < first) return;
    const said = runTimes.predict(workOfJob(job))!;
    const two = lastTwo.get(job.tenant);
    const byTwo = two === undefined ? estimateOf(job) : Math.min(estimateOf(job), mean(two));
    levels.forEach((level, k) => {
      const quantile = said.quantile(level);
      if (job.runMs <= quantile) below[k]!++;
      sums.predicted += loss(level, quantile, job.runMs);
      sums.user_estimate += loss(level, estimateOf(job), job.runMs);
      sums.last_two += loss(level, byTwo, job.runMs);
    });
  });
  const count = jobs.length - first;
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
  what: 'start times foretold in the last third of a log under EASY, against what came  --log FILE --procs N [--samples N] [--draws N] [--events N] [--limit N] [--seed N] [--grain N] [--arrivals]',
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
        grain: { type: 'string', default: '0' },
        arrivals: { type: 'boolean', default: false },
      },
    });
    const processors = Number(values.procs);
    if (values.log === undefined || !(processors > 0)) throw new Error('needs --log and --procs');
    const trace = readLog(values.log, processors, Number(values.limit));
    const jobs = [...trace.jobs];
    const first = Math.ceil((2 * jobs.length) / 3);
    const prng = new Prng(Number(values.seed));
    const sampled = new Set<number>();
    const samples = Math.min(Number(values.samples), jobs.length - first);
    while (sampled.size < samples) sampled.add(first + prng.below(jobs.length - first));
    const foretelling = new Foretelling({
      processors,
      draws: Number(values.draws),
      eventsMax: Number(values.events),
      seed: Number(values.seed),
      arrivals: values.arrivals,
      grain: Number(values.grain),
      sampled,
    });
    const easy = policyNamed('easy');
    if ('why' in easy) throw new Error(easy.why);
    simulate({
      trace,
      nodes: [node('machine', { cpu: processors * 1000, memory: 2 ** 50 })],
      engine: engineFor(easy.config),
      seed: 1,
      observers: [foretelling],
    });
    const { said } = foretelling;
    return {
      jobs: jobs.length,
      sampled: samples,
      started_at_once: foretelling.startedAtOnce,
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
      ms_per_forecast: Math.round(foretelling.forecastMs / said.length),
    };
  },
};
