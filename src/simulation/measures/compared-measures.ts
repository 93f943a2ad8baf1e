import { completionMs, JOB, type JobColumns, slowdown, waitMs } from './job-columns.ts';
import type { Met, RunDocument } from './run-document.ts';

/** How a figure is written: `times` is without a unit. */
export type MeasureUnit = 's' | 'ratio' | 'times' | 'count' | 'hours' | 'kWh' | 'dollars';

/** One figure by which policies are compared. */
export interface ComparedMeasure {
  /** As in the JSON document. */
  readonly name: string;
  readonly title: string;
  readonly unit: MeasureUnit;
  readonly better: 'lower' | 'higher';
  of(run: RunDocument): number | null;
  /** Where it is a mean over jobs: of one of them; NaN where the job did not come so far. */
  readonly ofJob?: (jobs: JobColumns, job: number) => number;
}

const MS = 1_000;

const whenDone =
  (value: (jobs: JobColumns, job: number) => number) =>
  (jobs: JobColumns, job: number): number =>
    jobs.state[job] === JOB.done ? value(jobs, job) : Number.NaN;

const shareMet = (one: Met | null): number | null =>
  one === null || one.of === 0 ? null : one.met / one.of;

/** In the order in which they are shown. */
export const comparedMeasures: readonly ComparedMeasure[] = [
  {
    name: 'avg_bounded_slowdown',
    title: 'Mean bounded slowdown',
    unit: 'times',
    better: 'lower',
    of: (run) => run.avg_bounded_slowdown,
    ofJob: whenDone(slowdown),
  },
  {
    name: 'mean_wait_s',
    title: 'Mean wait',
    unit: 's',
    better: 'lower',
    of: (run) => run.mean_wait_s,
    ofJob: (jobs, job) => waitMs(jobs, job) / MS,
  },
  {
    name: 'p95_wait_s',
    title: 'Wait of 95 %',
    unit: 's',
    better: 'lower',
    of: (run) => run.p95_wait_s,
  },
  {
    name: 'mean_jct_s',
    title: 'Mean time to completion',
    unit: 's',
    better: 'lower',
    of: (run) => run.mean_jct_s,
    ofJob: whenDone((jobs, job) => completionMs(jobs, job) / MS),
  },
  {
    name: 'makespan_s',
    title: 'Makespan',
    unit: 's',
    better: 'lower',
    of: (run) => run.makespan_s,
  },
  {
    name: 'utilisation.cpu',
    title: 'Utilisation of CPU',
    unit: 'ratio',
    better: 'higher',
    of: (run) => run.utilisation.cpu,
  },
  {
    name: 'utilisation.memory',
    title: 'Utilisation of memory',
    unit: 'ratio',
    better: 'higher',
    of: (run) => run.utilisation.memory,
  },
  {
    name: 'utilisation.gpu',
    title: 'Utilisation of GPU',
    unit: 'ratio',
    better: 'higher',
    of: (run) => run.utilisation.gpu,
  },
  {
    name: 'fragmentation.gpu',
    title: 'Fragmented GPU',
    unit: 'ratio',
    better: 'lower',
    of: (run) => run.fragmentation.gpu,
  },
  {
    name: 'fairness.jain',
    title: 'Jain index of shares',
    unit: 'times',
    better: 'higher',
    of: (run) => run.fairness.jain,
  },
  {
    name: 'fairness.share_error',
    title: 'Share of the site withheld',
    unit: 'ratio',
    better: 'lower',
    of: (run) => run.fairness.share_error,
  },
  {
    name: 'fairness.finish_time.mean',
    title: 'Finish-time fairness, mean',
    unit: 'times',
    better: 'lower',
    of: (run) => run.fairness.finish_time.mean,
    ofJob: whenDone((jobs, job) => jobs.finishRatio[job]!),
  },
  {
    name: 'queue_length.mean',
    title: 'Mean queue length',
    unit: 'count',
    better: 'lower',
    of: (run) => run.queue_length.mean,
  },
  {
    name: 'unfinished',
    title: 'Jobs not finished',
    unit: 'count',
    better: 'lower',
    of: (run) => run.unfinished,
  },
  {
    name: 'lost_jobs',
    title: 'Jobs lost',
    unit: 'count',
    better: 'lower',
    of: (run) => run.lost_jobs,
  },
  {
    name: 'preemptions',
    title: 'Preemptions',
    unit: 'count',
    better: 'lower',
    of: (run) => run.preemptions,
  },
  {
    name: 'lost_work.cpu_hours',
    title: 'CPU-hours lost',
    unit: 'hours',
    better: 'lower',
    of: (run) => run.lost_work.cpu_hours,
  },
  {
    name: 'lost_work.gpu_hours',
    title: 'GPU-hours lost',
    unit: 'hours',
    better: 'lower',
    of: (run) => run.lost_work.gpu_hours,
  },
  {
    name: 'deadlines',
    title: 'Deadlines met',
    unit: 'ratio',
    better: 'higher',
    of: (run) => shareMet(run.deadlines),
  },
  {
    name: 'started_in_time',
    title: 'Started in time',
    unit: 'ratio',
    better: 'higher',
    of: (run) => shareMet(run.started_in_time),
  },
  {
    name: 'energy_kwh',
    title: 'Energy',
    unit: 'kWh',
    better: 'lower',
    of: (run) => run.energy_kwh,
  },
  {
    name: 'money_dollars',
    title: 'Money',
    unit: 'dollars',
    better: 'lower',
    of: (run) => run.money_dollars,
  },
];
