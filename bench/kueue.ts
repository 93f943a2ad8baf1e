import { parseArgs } from 'node:util';
import { spanMs, type TimeMs, timeMs } from '../src/base/units.ts';
import type { QueueName, TenantId, WorkloadId } from '../src/model/ids.ts';
import {
  defaultScheduling,
  queueConfig,
  type SchedulingConfig,
  UNLIMITED_AMOUNTS,
} from '../src/model/scheduling-config.ts';
import type { Observer } from '../src/simulation/observer.ts';
import { engineFor } from '../src/simulation/policies.ts';
import { simulate } from '../src/simulation/simulate.ts';
import type { TraceJob } from '../src/simulation/trace.ts';
import { node, resources, step, workload } from '../test/builders/workload.ts';
import type { Bench } from './bench.ts';
import { cpuOf, rounded } from './cpu-time.ts';

/** kubernetes-sigs/kueue, test/performance/scheduler/configs/baseline/generator.yaml. */
const COHORTS = 5;
const QUEUES = 6;
const NOMINAL = 20;
const BORROWING = 100;
const CLASSES = [
  { name: 'small', count: 350, everyMs: 100, runMs: 200, priority: 50, cpu: 1 },
  { name: 'medium', count: 100, everyMs: 500, runMs: 500, priority: 100, cpu: 5 },
  { name: 'large', count: 50, everyMs: 1_200, runMs: 1_000, priority: 200, cpu: 20 },
] as const;
/** Of 1,320 CPU-seconds a queue on 20 CPUs. */
const BOUND_S =
  CLASSES.reduce((sum, { count, runMs, cpu }) => sum + count * runMs * cpu, 0) / 20_000;
/** What Kueue's own runner needs on real time, for the figures beside ours: reference/scheduling.md, section 3. */
const KUEUE = { wall_s: 351.1, admitted_after_s: { small: 215.5, medium: 76.8, large: 16.5 } };

const cpus = (count: number) => ({
  ...UNLIMITED_AMOUNTS,
  cpu: resources({ cpu: count * 1000 }).cpu,
});
const share = (count: number) => resources({ cpu: count * 1000, memory: 0 });

const queueName = (cohort: number, queue: number) => `cq-${cohort}-${queue}` as QueueName;

/** Cohorts lend nothing to each other; within one, each queue may have all of it, and takes back what is its own. */
function site(): SchedulingConfig {
  const cohorts = Array.from({ length: COHORTS }, (_, cohort) =>
    queueConfig(`cohort-${cohort}`, {
      guaranteed: share(NOMINAL * QUEUES),
      limit: cpus(NOMINAL * QUEUES),
      children: Array.from({ length: QUEUES }, (__, queue) =>
        queueConfig(queueName(cohort, queue), {
          guaranteed: share(NOMINAL),
          borrowingLimit: cpus(BORROWING),
          reclaim: 'always',
        }),
      ),
    }),
  );
  return {
    ...defaultScheduling,
    root: queueConfig('root', { children: cohorts }),
    preemption: { minRunMs: spanMs(0), perQueueHour: 1_000_000 },
  };
}

/** The generator waits for the interval before each creation; queues and classes create side by side. */
function jobs(): TraceJob[] {
  const made: TraceJob[] = [];
  for (let cohort = 0; cohort < COHORTS; cohort++) {
    for (let queue = 0; queue < QUEUES; queue++) {
      for (const { name, count, everyMs, runMs, priority, cpu } of CLASSES) {
        const stops = { preemptible: true, restartMs: spanMs(0), minRunMs: spanMs(0) };
        const limits = { ...step('s').limits, graceMs: spanMs(0) };
        const request = share(cpu);
        const one = step('s', { request, estimateMs: spanMs(runMs), stops, limits });
        const spec = { ...workload(name, one), queue: queueName(cohort, queue), priority };
        for (let i = 1; i <= count; i++) {
          made.push({
            id: `${name}-${cohort}-${queue}-${i}`,
            at: timeMs(i * everyMs),
            tenant: 'kueue' as TenantId,
            spec,
            runMs: spanMs(runMs),
          });
        }
      }
    }
  }
  return made.sort((a, b) => a.at - b.at);
}

/** From its creation until it was first admitted, as Kueue counts; how often one was stopped for another. */
class Admissions implements Observer {
  readonly #waiting = new Map<string, { readonly name: string; readonly at: TimeMs }>();
  readonly waited = new Map<string, number>();
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
    this.waited.set(waiting.name, (this.waited.get(waiting.name) ?? 0) + event.at - waiting.at);
  }
}

function run() {
  const made = jobs();
  const admissions = new Admissions();
  const startedAt = performance.now();
  const cpuMs = cpuOf(() => {
    simulate({
      trace: { name: 'kueue', format: 'kueue', jobs: made, count: made.length, skipped: [] },
      nodes: [node('site', { cpu: COHORTS * QUEUES * NOMINAL * 1000, memory: 0 })],
      engine: engineFor(site()),
      seed: 1,
      observers: [admissions],
    });
  });
  const makespan = (admissions.endedAt - made[0]!.at) / 1000;
  const perClass = CLASSES.map(({ name, count }) => {
    const all = count * COHORTS * QUEUES;
    return [name, rounded(admissions.waited.get(name)! / all / 1000)];
  });
  return {
    workloads: made.length,
    makespan_s: makespan,
    over_bound_percent: rounded((makespan / BOUND_S - 1) * 100),
    admitted_after_s: Object.fromEntries(perClass),
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
