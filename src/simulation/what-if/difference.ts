import type { TimeMs } from '../../base/units.ts';
import type { QueueName, TenantId, WorkloadId } from '../../model/ids.ts';
import type { RunTimeOrigin } from './expected-times.ts';
import type { ForwardJob, Future } from './future.ts';

/** When a job starts and ends in one future; undefined: not within what was looked at. */
export interface JobFuture {
  readonly startAt: TimeMs | undefined;
  readonly endAt: TimeMs | undefined;
}

export interface JobDifference {
  readonly id: WorkloadId;
  readonly name: string;
  readonly kind: ForwardJob['kind'];
  readonly tenant: TenantId;
  readonly queue: QueueName;
  readonly submittedAt: TimeMs;
  /** It runs already. */
  readonly ran: boolean;
  /** As things are; undefined: it is there only under the change. */
  readonly before: JobFuture | undefined;
  readonly after: JobFuture | undefined;
  /** Of its wait, in milliseconds; undefined where it does not start in both. */
  readonly waitChange: number | undefined;
  /** Of its end. */
  readonly endChange: number | undefined;
  /** Of the least known of its own run times. */
  readonly origin: RunTimeOrigin;
  readonly goesByResults: boolean;
}

/** Of all jobs, or of those of one tenant or queue: of those that do not run yet. */
export interface GroupDifference {
  readonly name: string;
  readonly jobs: number;
  /** Mean milliseconds from submission to start, of the jobs that start in both; undefined where none does. */
  readonly waitBefore: number | undefined;
  readonly waitAfter: number | undefined;
  readonly sooner: number;
  readonly later: number;
  /** Do not start within what was looked at. */
  readonly neverBefore: number;
  readonly neverAfter: number;
  /** Of what is held of the site's scarcest resource while something waits: 0 … 1. */
  readonly shareBefore: number;
  readonly shareAfter: number;
  /** Micro-dollars; of a queue nobody counts them. */
  readonly chargedBefore: number;
  readonly chargedAfter: number;
}

export interface Difference {
  /** In order of submission. */
  readonly jobs: readonly JobDifference[];
  readonly total: GroupDifference;
  /** By name. */
  readonly tenants: readonly GroupDifference[];
  readonly queues: readonly GroupDifference[];
  /** When the last job that runs to an end has ended; undefined where some have not. */
  readonly doneBefore: TimeMs | undefined;
  readonly doneAfter: TimeMs | undefined;
}

/** What another future does to each job, tenant and queue; of one tenant alone, when `only` says so. */
export function differenceOf(before: Future, after: Future, only?: TenantId): Difference {
  const jobs = jobsOf(before, after).filter(({ tenant }) => only === undefined || tenant === only);
  const until = Math.max(lastStart(before), lastStart(after));
  const held = { before: heldBy(before, until, only), after: heldBy(after, until, only) };
  const group = (name: string, own: readonly JobDifference[], by?: 'tenant' | 'queue') => ({
    ...waitsOf(name, own),
    shareBefore: shareOf(held.before, by, name),
    shareAfter: shareOf(held.after, by, name),
    chargedBefore: chargedTo(before, by === 'tenant' ? name : only),
    chargedAfter: chargedTo(after, by === 'tenant' ? name : only),
  });
  const groups = (by: 'tenant' | 'queue'): GroupDifference[] => {
    const members = Map.groupBy(jobs, (job) => job[by] as string);
    return [...members.keys()].sort().map((name) => group(name, members.get(name)!, by));
  };
  return {
    jobs,
    total: group('', jobs),
    tenants: groups('tenant'),
    queues: groups('queue').map((queue) => ({ ...queue, chargedBefore: 0, chargedAfter: 0 })),
    doneBefore: doneAt(before, only),
    doneAfter: doneAt(after, only),
  };
}

function jobsOf(before: Future, after: Future): JobDifference[] {
  const ids = [...new Set([...before.jobs.keys(), ...after.jobs.keys()])];
  ids.sort((a, b) => Number(a) - Number(b));
  return ids.map((id) => jobDifference(before.jobs.get(id), after.jobs.get(id)));
}

function jobDifference(
  before: ForwardJob | undefined,
  after: ForwardJob | undefined,
): JobDifference {
  const { id, name, kind, tenant, queue, submittedAt, ran, goesByResults } = (before ?? after)!;
  const change = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined || b === undefined ? undefined : b - a;
  return {
    id,
    name,
    kind,
    tenant,
    queue,
    submittedAt,
    ran,
    before: before && { startAt: before.startAt, endAt: before.endAt },
    after: after && { startAt: after.startAt, endAt: after.endAt },
    waitChange: change(before?.startAt, after?.startAt),
    endChange: change(before?.endAt, after?.endAt),
    origin: (after ?? before)!.origin,
    goesByResults,
  };
}

/** Of those that do not run yet, and are there in both. */
function waitsOf(name: string, jobs: readonly JobDifference[]) {
  const waiting = jobs.filter(({ ran }) => !ran);
  const both = waiting.filter(({ waitChange }) => waitChange !== undefined);
  const mean = (of: (job: JobDifference) => JobFuture | undefined): number | undefined => {
    if (both.length === 0) return undefined;
    const sum = both.reduce((total, job) => total + of(job)!.startAt! - job.submittedAt, 0);
    return Math.round(sum / both.length);
  };
  const never = (future: 'before' | 'after'): number =>
    waiting.filter((job) => job[future] !== undefined && job[future].startAt === undefined).length;
  return {
    name,
    jobs: waiting.length,
    waitBefore: mean(({ before }) => before),
    waitAfter: mean(({ after }) => after),
    sooner: both.filter(({ waitChange }) => waitChange! < 0).length,
    later: both.filter(({ waitChange }) => waitChange! > 0).length,
    neverBefore: never('before'),
    neverAfter: never('after'),
  };
}

/** Until then somebody waits. */
function lastStart({ jobs, from }: Future): number {
  let last: number = from;
  for (const { startAt = from } of jobs.values()) last = Math.max(last, startAt);
  return last;
}

interface Held {
  readonly cpu: number;
  readonly gpu: number;
}

interface HeldBy {
  readonly all: Held;
  /** Of all, or of the one tenant that is looked at. */
  readonly own: Held;
  readonly tenant: ReadonlyMap<string, Held>;
  readonly queue: ReadonlyMap<string, Held>;
}

const NOTHING: Held = { cpu: 0, gpu: 0 };

/** Amounts × milliseconds until then. */
function heldBy({ holds }: Future, until: number, only: TenantId | undefined): HeldBy {
  const by = { tenant: new Map<string, Held>(), queue: new Map<string, Held>() };
  let [all, own] = [NOTHING, NOTHING];
  const sum = (a: Held, b: Held): Held => ({ cpu: a.cpu + b.cpu, gpu: a.gpu + b.gpu });
  for (const { tenant, queue, cpu, gpu, from, to } of holds) {
    const ms = Math.max(0, Math.min(to, until) - from);
    const held = { cpu: cpu * ms, gpu: gpu * ms };
    all = sum(all, held);
    if (only !== undefined && tenant !== only) continue;
    own = sum(own, held);
    by.tenant.set(tenant, sum(by.tenant.get(tenant) ?? NOTHING, held));
    by.queue.set(queue, sum(by.queue.get(queue) ?? NOTHING, held));
  }
  return { all, own, ...by };
}

/** Of GPUs where any are held, else of CPU. */
function shareOf(held: HeldBy, by: 'tenant' | 'queue' | undefined, name: string): number {
  const { all } = held;
  const own = by === undefined ? held.own : (held[by].get(name) ?? NOTHING);
  const of = all.gpu > 0 ? 'gpu' : 'cpu';
  return all[of] === 0 ? 0 : own[of] / all[of];
}

function chargedTo({ charged }: Future, tenant: string | undefined): number {
  if (tenant !== undefined) return charged.get(tenant as TenantId) ?? 0;
  return [...charged.values()].reduce((sum, amount) => sum + amount, 0);
}

function doneAt({ jobs }: Future, only: TenantId | undefined): TimeMs | undefined {
  let last: TimeMs | undefined;
  for (const { kind, endAt, tenant } of jobs.values()) {
    if (kind === 'service' || kind === 'lease') continue;
    if (only !== undefined && tenant !== only) continue;
    if (endAt === undefined) return undefined;
    if (last === undefined || endAt > last) last = endAt;
  }
  return last;
}
