import { quantile } from '../../statistics/robust.ts';
import type { InterruptionKind } from './attempt-book.ts';
import type { BoundedSeries } from './bounded-series.ts';
import { type GroupBook, type Grouping, type GroupSums, sizeClasses } from './group-book.ts';
import { completionMs, JOB, type JobColumns, slowdown, waitMs } from './job-columns.ts';
import { FIGURE, type Figure } from './run-figures.ts';
import type { TenantShares } from './tenant-shares.ts';

/** Of the resources that are shared out. Null where the site has none, or nobody knows. */
export interface PerResource {
  readonly cpu: number | null;
  readonly memory: number | null;
  readonly gpu: number | null;
}

/** Hours of one CPU, one GiB and one GPU. */
export interface ResourceHours {
  readonly cpu_hours: number;
  readonly memory_gib_hours: number;
  readonly gpu_hours: number;
}

/** What people feel, of some jobs. Null where no job came so far. */
export interface JobFigures {
  readonly jobs: number;
  /** Over jobs that came to their own end: max(1, (wait + run) / max(run, 10 s)), run as it is undisturbed. */
  readonly avg_bounded_slowdown: number | null;
  /** From submission to the first start, over jobs that started. */
  readonly mean_wait_s: number | null;
  readonly p50_wait_s: number | null;
  readonly p95_wait_s: number | null;
  readonly p99_wait_s: number | null;
  /** From submission to end. */
  readonly mean_jct_s: number | null;
  /** Finish-time fairness (Themis' ρ): see `finish_time`. */
  readonly mean_finish_ratio: number | null;
}

export interface GroupRow extends JobFigures {
  readonly name: string;
  /** So many groups with fewer jobs are taken together here. */
  readonly groups?: number;
  readonly held: ResourceHours;
  readonly lost_work: ResourceHours;
  readonly interruptions: number;
  readonly mean_queue_length: number;
  readonly max_queue_length: number;
  readonly deadlines: Met;
  readonly money_dollars: number | null;
  /** Beyond what idle nodes draw. */
  readonly energy_kwh: number | null;
  /** Mean dominant share of the site, held and entitled to; of tenants. */
  readonly held_share?: number;
  readonly entitled_share?: number;
}

export interface Met {
  readonly of: number;
  readonly met: number;
}

/** Means over steps of time; null where nothing is known of a step. */
export interface RunSeries {
  /** Seconds since the first submission, of the beginning of the first step and of each one's length. */
  readonly step_s: number;
  readonly cpu: readonly (number | null)[];
  readonly memory: readonly (number | null)[];
  readonly gpu: readonly (number | null)[];
  readonly jobs_waiting: readonly (number | null)[];
  readonly tasks_waiting: readonly (number | null)[];
  readonly tasks_running: readonly (number | null)[];
  readonly jain: readonly (number | null)[];
  readonly share_error: readonly (number | null)[];
  /** Of all GPU. */
  readonly gpu_fragmented: readonly (number | null)[];
  readonly broken: readonly (number | null)[];
  readonly watts: readonly (number | null)[];
}

/** One simulation under one policy. Unknown is null. */
export interface RunDocument extends JobFigures {
  readonly policy: string;
  readonly seed: number;
  readonly refused: number;
  /** Had not ended when the simulation did: in no mean of what has. */
  readonly unfinished: number;
  readonly never_started: number;
  /** Ended otherwise than the trace says: given up after failures of the site, or cancelled. */
  readonly lost_jobs: number;
  readonly makespan_s: number | null;
  /** Held, of what there was, over the makespan. */
  readonly allocation: PerResource;
  /** The same without what was lost, and without what was held but did not get the work on. */
  readonly utilisation: PerResource;
  readonly fragmentation: {
    /** Idle GPU that typical demand cannot use (Weng et al., ATC'23), of all GPU. */
    readonly gpu: number | null;
    /** The same, of idle GPU. */
    readonly gpu_of_idle: number | null;
    /** Of what is free of the scarcer of CPU and GPU, the part on nodes in use. */
    readonly broken: number | null;
  };
  readonly fairness: {
    /** Mean over time, and over the whole time, of Jain's index of what tenants hold for what they are entitled to. */
    readonly jain: number | null;
    readonly jain_overall: number | null;
    /** Of the site: what tenants were entitled to and wanted and did not hold; mean over time. */
    readonly share_error: number | null;
    /** Of each job: time to its end, of that on its tenant's part of the site (at least 10 s). Above 1: it lost. */
    readonly finish_time: {
      readonly mean: number | null;
      readonly p95: number | null;
      readonly max: number | null;
      readonly above_1: number | null;
    };
  };
  readonly queue_length: { readonly mean: number | null; readonly max: number };
  readonly interruptions: Readonly<Record<InterruptionKind, number>>;
  readonly preemptions: number;
  readonly evictions: number;
  readonly lost_work: ResourceHours;
  /** Held beyond what the work takes by itself: starting, fetching, slowed down by others. */
  readonly overhead: ResourceHours;
  readonly deadlines: Met;
  readonly started_in_time: (Met & { readonly within_s: number }) | null;
  readonly energy_kwh: number | null;
  readonly money_dollars: number | null;
  readonly by: Readonly<Record<Grouping, readonly GroupRow[]>>;
  readonly series: RunSeries;
  /** Values below which these parts of all jobs lie. */
  readonly distributions: {
    readonly parts: readonly number[];
    readonly wait_s: readonly number[];
    readonly slowdown: readonly number[];
  };
}

export interface RunResult {
  readonly document: RunDocument;
  readonly jobs: JobColumns;
}

/** What `RunMeasures` counted. */
export interface RunFacts {
  readonly options: {
    readonly policy: string;
    readonly seed: number;
    readonly startWithinMs?: number;
  };
  readonly jobs: JobColumns;
  readonly refused: number;
  readonly series: BoundedSeries;
  /** The end of the last job, or of the simulation where some had not ended. */
  readonly until: number;
  /** How long it was looked at what tenants are entitled to. */
  readonly sampledMs: number;
  readonly integrals: ArrayLike<number>;
  readonly groups: Readonly<Record<Grouping, GroupBook>>;
  readonly tenants: TenantShares;
  readonly interruptions: Readonly<Record<InterruptionKind, number>>;
  readonly lost: Readonly<ResourceMs>;
  readonly overhead: Readonly<ResourceMs>;
  readonly microDollars: number | undefined;
  readonly isEnergyKnown: boolean;
  readonly waitingMax: number;
}

type ResourceMs = readonly [cpu: number, memory: number, gpu: number];

/** More groups of one kind are taken together. */
export const GROUPS_MAX = 50;
const PARTS = [
  ...Array.from({ length: 100 }, (_, i) => i / 100),
  ...[0.992, 0.994, 0.996, 0.998, 0.999, 1],
];

export function runDocument(facts: RunFacts): RunDocument {
  const { options, jobs, until, series, integrals } = facts;
  const spanMs = until - series.from;
  const over = (figure: Figure): number => integrals[FIGURE[figure]]!;
  const mean = (figure: Figure): number | null => ratio(over(figure), spanMs);
  const held: ResourceMs = [over('cpuHeld'), over('memoryHeld'), over('gpuHeld')];
  const capacity: ResourceMs = [over('cpuCapacity'), over('memoryCapacity'), over('gpuCapacity')];
  const useful = held.map((all, r) => Math.max(0, all - facts.lost[r]! - facts.overhead[r]!));
  const all = indexes(jobs.count, (job) => jobs.state[job] !== JOB.refused);
  const rows = facts.groups.queue.rows();
  const { interruptions } = facts;
  return {
    policy: options.policy,
    seed: options.seed,
    ...jobFigures(jobs, all),
    refused: facts.refused,
    unfinished: countOf(jobs, ({ state }, job) => state[job] === JOB.active),
    never_started: countOf(
      jobs,
      ({ state, startedAt }, job) => state[job] === JOB.active && Number.isNaN(startedAt[job]),
    ),
    lost_jobs: countOf(jobs, ({ state }, job) => state[job] === JOB.lost),
    makespan_s: jobs.count === 0 ? null : spanMs / 1_000,
    allocation: perResource(held, capacity),
    utilisation: perResource(useful, capacity),
    fragmentation: {
      gpu: ratio(over('gpuFragmented'), over('gpuCapacity')),
      gpu_of_idle: ratio(over('gpuFragmented'), over('gpuIdle')),
      broken: mean('broken'),
    },
    fairness: fairness(facts, all),
    queue_length: { mean: mean('jobsWaiting'), max: facts.waitingMax },
    interruptions,
    preemptions: interruptions.preempted,
    evictions: interruptions.evicted,
    lost_work: hours(facts.lost),
    overhead: hours(facts.overhead),
    deadlines: deadlinesOf(rows),
    started_in_time: startedInTime(facts, all),
    energy_kwh: facts.isEnergyKnown ? kilowattHours(over('watts') / 1_000) : null,
    money_dollars: dollars(facts.microDollars),
    by: {
      queue: groupRows(facts, 'queue'),
      tenant: groupRows(facts, 'tenant'),
      size: groupRows(facts, 'size'),
    },
    series: seriesOf(facts),
    distributions: distributionsOf(jobs, all),
  };
}

const ratio = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);

const perResource = (part: readonly number[], whole: ResourceMs): PerResource => ({
  cpu: ratio(part[0]!, whole[0]),
  memory: ratio(part[1]!, whole[1]),
  gpu: ratio(part[2]!, whole[2]),
});

const HOUR_MS = 3_600_000;

const hours = ([cpu, memory, gpu]: ResourceMs): ResourceHours => ({
  cpu_hours: cpu / 1_000 / HOUR_MS,
  memory_gib_hours: memory / 1_024 / HOUR_MS,
  gpu_hours: gpu / 1_000 / HOUR_MS,
});

const kilowattHours = (joules: number): number => joules / 3_600_000;

const dollars = (micro: number | undefined): number | null =>
  micro === undefined ? null : micro / 1_000_000;

function indexes(count: number, keep: (job: number) => boolean): number[] {
  const kept: number[] = [];
  for (let job = 0; job < count; job++) if (keep(job)) kept.push(job);
  return kept;
}

function countOf(jobs: JobColumns, is: (jobs: JobColumns, job: number) => boolean): number {
  let count = 0;
  for (let job = 0; job < jobs.count; job++) if (is(jobs, job)) count++;
  return count;
}

export const hasStarted = ({ startedAt }: JobColumns, job: number): boolean =>
  !Number.isNaN(startedAt[job]);
export const isDone = ({ state }: JobColumns, job: number): boolean => state[job] === JOB.done;

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000);

function jobFigures(jobs: JobColumns, of: readonly number[]): JobFigures {
  const started = of.filter((job) => hasStarted(jobs, job));
  const done = of.filter((job) => isDone(jobs, job));
  const waits = Float64Array.from(started, (job) => waitMs(jobs, job)).sort();
  const wait = (q: number): number | null =>
    waits.length === 0 ? null : quantile(waits, q) / 1_000;
  return {
    jobs: of.length,
    avg_bounded_slowdown: meanOf(done, (job) => slowdown(jobs, job)),
    mean_wait_s: seconds(meanOf(started, (job) => waitMs(jobs, job))),
    p50_wait_s: wait(0.5),
    p95_wait_s: wait(0.95),
    p99_wait_s: wait(0.99),
    mean_jct_s: seconds(meanOf(done, (job) => completionMs(jobs, job))),
    mean_finish_ratio: meanOf(done, (job) => jobs.finishRatio[job]!),
  };
}

function meanOf(of: readonly number[], value: (job: number) => number): number | null {
  let sum = 0;
  for (const job of of) sum += value(job);
  return of.length === 0 ? null : sum / of.length;
}

function fairness(facts: RunFacts, all: readonly number[]): RunDocument['fairness'] {
  const { jobs, integrals, tenants, until, series } = facts;
  const done = all.filter((job) => isDone(jobs, job));
  const ratios = Float64Array.from(done, (job) => jobs.finishRatio[job]!).sort();
  const above = done.filter((job) => jobs.finishRatio[job]! > 1).length;
  const known = integrals[FIGURE.jainKnown]!;
  return {
    jain: ratio(integrals[FIGURE.jain]!, known),
    jain_overall: tenants.jainOverall(until) ?? null,
    share_error: ratio(integrals[FIGURE.shareError]!, until - series.from),
    finish_time: {
      mean: meanOf(done, (job) => jobs.finishRatio[job]!),
      p95: ratios.length === 0 ? null : quantile(ratios, 0.95),
      max: ratios.at(-1) ?? null,
      above_1: ratio(above, done.length),
    },
  };
}

function deadlinesOf(rows: readonly GroupSums[]): Met {
  return rows.reduce(
    (sum, { deadlines, deadlinesMet }) => ({
      of: sum.of + deadlines,
      met: sum.met + deadlinesMet,
    }),
    { of: 0, met: 0 },
  );
}

/** Whoever has not started yet counts once that was too late. */
function startedInTime(facts: RunFacts, all: readonly number[]): RunDocument['started_in_time'] {
  const { options, jobs, until } = facts;
  const { startWithinMs } = options;
  if (startWithinMs === undefined) return null;
  let [of, met] = [0, 0];
  for (const job of all) {
    const started = hasStarted(jobs, job);
    if (!started && until - jobs.submittedAt[job]! <= startWithinMs) continue;
    of++;
    if (started && waitMs(jobs, job) <= startWithinMs) met++;
  }
  return { of, met, within_s: startWithinMs / 1_000 };
}

/** The groups with most jobs, by name where they have as many; classes of size by their size. */
function groupRows(facts: RunFacts, grouping: Grouping): GroupRow[] {
  const { jobs, groups } = facts;
  const rows = groups[grouping].rows();
  const members: number[][] = rows.map(() => []);
  const column = jobs[grouping];
  for (let job = 0; job < jobs.count; job++) {
    if (jobs.state[job] !== JOB.refused) members[column[job]!]!.push(job);
  }
  const order = [...rows].sort(
    (a, b) =>
      (grouping === 'size'
        ? sizeClasses.indexOf(a.name) - sizeClasses.indexOf(b.name)
        : members[b.index]!.length - members[a.index]!.length) || (a.name < b.name ? -1 : 1),
  );
  const shown = order.slice(0, order.length > GROUPS_MAX ? GROUPS_MAX - 1 : GROUPS_MAX);
  const rest = order.slice(shown.length);
  const made = shown.map((row) => groupRow(facts, [row], members[row.index]!, grouping));
  if (rest.length === 0) return made;
  const others = rest.flatMap(({ index }) => members[index]!);
  const name = `${rest.length} others`;
  return [...made, { ...groupRow(facts, rest, others, grouping), name, groups: rest.length }];
}

function groupRow(
  facts: RunFacts,
  rows: readonly GroupSums[],
  of: readonly number[],
  grouping: Grouping,
): GroupRow {
  const { until, series, microDollars, isEnergyKnown } = facts;
  const spanMs = Math.max(1, until - series.from);
  const sum = (value: (row: GroupSums) => number): number =>
    rows.reduce((total, row) => total + value(row), 0);
  const amounts = (which: 'held' | 'lost'): ResourceMs => [
    sum((row) => row[which][0]),
    sum((row) => row[which][1]),
    sum((row) => row[which][2]),
  ];
  return {
    name: rows[0]!.name,
    ...jobFigures(facts.jobs, of),
    held: hours(amounts('held')),
    lost_work: hours(amounts('lost')),
    interruptions: sum(({ interruptions }) => interruptions),
    mean_queue_length:
      sum(({ waited, waiting, since }) => waited + waiting * Math.max(0, until - since)) / spanMs,
    max_queue_length: rows.reduce((most, { waitingMax }) => Math.max(most, waitingMax), 0),
    deadlines: deadlinesOf(rows),
    money_dollars: microDollars === undefined ? null : dollars(sum((row) => row.microDollars)),
    energy_kwh: isEnergyKnown ? kilowattHours(sum(({ joules }) => joules)) : null,
    ...(grouping === 'tenant' && sharesOf(facts, rows)),
  };
}

function sharesOf(facts: RunFacts, rows: readonly GroupSums[]) {
  const { tenants, until, series, sampledMs } = facts;
  const names = new Set(rows.map(({ name }) => name));
  const accounts = tenants.accounts().filter(({ name }) => names.has(name));
  const received = accounts.reduce((sum, one) => sum + tenants.receivedBy(one, until), 0);
  const entitled = accounts.reduce((sum, one) => sum + one.entitled, 0);
  return {
    held_share: received / Math.max(1, until - series.from),
    entitled_share: entitled / Math.max(1, sampledMs),
  };
}

function seriesOf({ series, until, isEnergyKnown }: RunFacts): RunSeries {
  const { stepMs, from } = series;
  const spans = series.spans().slice(0, Math.max(1, Math.ceil((until - from) / stepMs)));
  const per = (figure: Figure, whole?: Figure): (number | null)[] => {
    const parts = series.integrals(FIGURE[figure]);
    const wholes = whole === undefined ? spans : series.integrals(FIGURE[whole]);
    return spans.map((_, i) => rounded(ratio(parts[i]!, wholes[i]!)));
  };
  return {
    step_s: stepMs / 1_000,
    cpu: per('cpuHeld', 'cpuCapacity'),
    memory: per('memoryHeld', 'memoryCapacity'),
    gpu: per('gpuHeld', 'gpuCapacity'),
    jobs_waiting: per('jobsWaiting'),
    tasks_waiting: per('tasksWaiting'),
    tasks_running: per('tasksRunning'),
    jain: per('jain', 'jainKnown'),
    share_error: per('shareError'),
    gpu_fragmented: per('gpuFragmented', 'gpuCapacity'),
    broken: per('broken'),
    watts: isEnergyKnown ? per('watts') : spans.map(() => null),
  };
}

/** To be drawn: five digits are more than is seen. */
const rounded = (value: number | null): number | null =>
  value === null ? null : Number(value.toPrecision(5));

function distributionsOf(jobs: JobColumns, all: readonly number[]): RunDocument['distributions'] {
  const started = all.filter((job) => hasStarted(jobs, job));
  const done = all.filter((job) => isDone(jobs, job));
  const waits = Float64Array.from(started, (job) => waitMs(jobs, job) / 1_000).sort();
  const slowdowns = Float64Array.from(done, (job) => slowdown(jobs, job)).sort();
  const at = (sorted: Float64Array): number[] =>
    sorted.length === 0 ? [] : PARTS.map((part) => rounded(quantile(sorted, part))!);
  return { parts: PARTS, wait_s: at(waits), slowdown: at(slowdowns) };
}
