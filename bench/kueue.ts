import { parseArgs } from 'node:util';
import { spanMs, type TimeMs } from '../src/base/units.ts';
import type { WorkloadId } from '../src/model/ids.ts';
import { defaultScheduling } from '../src/model/scheduling-config.ts';
import type { Observer } from '../src/simulation/observer.ts';
import { engineFor } from '../src/simulation/policies.ts';
import { simulate } from '../src/simulation/simulate.ts';
import type { TraceJob } from '../src/simulation/trace.ts';
import { kueueGenerator } from '../src/simulation/traces/kueue-generator.ts';
import { baselineGenerator } from '../test/builders/kueue-generator.ts';
import type { Bench } from './bench.ts';
import { cpuOf, rounded } from './cpu-time.ts';

/** Of 1,320 CPU-seconds a queue on 20 CPUs. */
const BOUND_S = 66;
/** What Kueue's own runner needs on real time, for the figures beside ours: reference/scheduling.md, section 3. */
const KUEUE = { wall_s: 351.1, admitted_after_s: { small: 215.5, medium: 76.8, large: 16.5 } };

/** Whoever is entitled to more may stop others at once. */
const preemption = { minRunMs: spanMs(0), perQueueHour: 1_000_000 };

/** From its creation until it was first admitted, as Kueue counts; how often one was stopped for another. */
class Admissions implements Observer {
  readonly #waiting = new Map<string, { readonly name: string; readonly at: TimeMs }>();
  readonly #waited = new Map<string, { sum: number; count: number }>();
  preempted = 0;
  endedAt = 0;

  accepted(job: TraceJob, id: WorkloadId, at: TimeMs): void {
    this.#waiting.set(id, { name: job.spec.name, at });
  }

  happened(event: Parameters<NonNullable<Observer['happened']>>[0]): void {
    if (event.kind === 'workload-ended') this.endedAt = event.at;
    if (event.kind === 'task-ended' && event.end.cause === 'preempted') this.preempted++;
    if (event.kind !== 'task-placed') return;
    const id = event.attempt.slice(0, event.attempt.indexOf('.'));
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    const known = this.#waited.get(waiting.name) ?? { sum: 0, count: 0 };
    known.sum += event.at - waiting.at;
    known.count++;
    this.#waited.set(waiting.name, known);
  }

  /** In seconds, by class. */
  meansOf(): Readonly<Record<string, number>> {
    const means = [...this.#waited].map(([name, { sum, count }]) => {
      return [name, rounded(sum / count / 1000)] as const;
    });
    return Object.fromEntries(means);
  }
}

function run() {
  const read = kueueGenerator.read([{ file: 'generator.yaml', text: baselineGenerator }], {});
  if (!read.ok) throw new Error(read.issues[0]!.message);
  const { trace } = read;
  const admissions = new Admissions();
  const startedAt = performance.now();
  const cpuMs = cpuOf(() => {
    simulate({
      trace,
      nodes: trace.nodes!,
      engine: engineFor({ ...defaultScheduling, root: trace.root!, preemption }),
      seed: 1,
      observers: [admissions],
    });
  });
  const [first] = trace.jobs;
  const makespan = (admissions.endedAt - first!.at) / 1000;
  return {
    workloads: trace.count,
    makespan_s: makespan,
    over_bound_percent: rounded((makespan / BOUND_S - 1) * 100),
    admitted_after_s: admissions.meansOf(),
    preempted: admissions.preempted,
    seconds: rounded((performance.now() - startedAt) / 1000),
    cpu_seconds: rounded(cpuMs / 1000),
  };
}

export const kueueBench: Bench = {
  what: "Kueue's baseline generator in virtual time: 15,000 workloads in 30 queues of 5 cohorts",
  run(args) {
    parseArgs({ args: [...args], options: {} });
    return { work_bound_s: BOUND_S, ...run(), kueue_on_real_time: KUEUE };
  },
};
