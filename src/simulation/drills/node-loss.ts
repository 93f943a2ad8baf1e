import type { SpanMs, TimeMs } from '../../base/units.ts';
import type { Engine } from '../../engine/engine.ts';
import type { AttemptRecord } from '../../engine/records.ts';
import type { NodeId, TaskId, TenantId, WorkloadId } from '../../model/ids.ts';
import type { Event } from '../../model/messages.ts';
import type { Refusal } from '../../model/refusal.ts';
import { ExpectedTimes, knownTimes } from '../what-if/expected-times.ts';
import type { Future } from '../what-if/future.ts';
import { runForward } from '../what-if/run-forward.ts';

/** What the loss of a node would do to a site, as far as run times can be foreseen. */
export interface NodeLossDrill {
  readonly node: NodeId;
  readonly at: TimeMs;
  /** What runs there now, by who was placed first. */
  readonly lost: readonly LostTask[];
  /** When the last of those that start again has its place; undefined where some never do within what was looked at. */
  readonly recoveredAt: TimeMs | undefined;
  /** Jobs that do not run there, and start or end later than without the loss. */
  readonly delayed: readonly DelayedJob[];
  /** Jobs that are in time without the loss, and late or not done with it. */
  readonly deadlinesMissed: readonly WorkloadId[];
  /** Services that have fewer replicas than they want for a while. */
  readonly services: readonly ServiceLoss[];
}

export interface LostTask {
  readonly task: TaskId;
  readonly workload: WorkloadId;
  readonly name: string;
  readonly tenant: TenantId;
  /** Work that is done again: since its last checkpoint, or all of it. */
  readonly redoneMs: SpanMs;
  /** When and where it has a place again. */
  readonly again: { readonly at: TimeMs; readonly node: NodeId } | undefined;
  /** Why not: it has no retry left, no other node is there, or this at the end of what was looked at. */
  readonly why: 'no-retry' | 'no-node' | Refusal | undefined;
}

export interface DelayedJob {
  readonly workload: WorkloadId;
  readonly name: string;
  readonly tenant: TenantId;
  readonly startMs: number;
  readonly endMs: number;
}

export interface ServiceLoss {
  readonly workload: WorkloadId;
  readonly name: string;
  readonly replicasLost: number;
  /** Of those it has now. */
  readonly replicasLeft: number;
  /** Until the last of them has a place again; undefined: within what was looked at, never. */
  readonly shortMs: SpanMs | undefined;
}

const HORIZON_MS = 30 * 86_400_000;
const EVENTS_MAX = 2_000_000;

/**
 * Plays two forks of a live engine that stands between two passes forward: as it is, and with a node lost now. The
 * live one is not touched. Undefined where there is no such node.
 */
export function nodeLossDrill(
  live: Engine,
  node: NodeId,
  at: TimeMs,
  horizonMs: SpanMs = HORIZON_MS as SpanMs,
): NodeLossDrill | undefined {
  if (live.state.table.rowOf(node) === undefined) return undefined;
  const there = [...live.state.runningAttempts()].filter(
    ({ placement }) => placement.node === node,
  );
  const times = new ExpectedTimes(knownTimes(live.state.workloads()));
  const common = { at, times, until: (at + horizonMs) as TimeMs, eventsMax: EVENTS_MAX };
  const before = runForward({ ...common, engine: live.fork(), changes: [] });
  const fork = live.fork();
  const fates = new Fates(there);
  const after = runForward({
    ...common,
    engine: fork,
    changes: [{ kind: 'lose-node', node }],
    onEvent: (event) => fates.read(event),
    awaits: () => fates.areOpen,
  });
  const lost = there.map((attempt) => lostTask(attempt, at, fates, fork));
  const isBack = lost.every(({ again }) => again !== undefined);
  const backAt = Math.max(at, ...lost.map(({ again }) => again?.at ?? at));
  return {
    node,
    at,
    lost,
    recoveredAt: isBack ? (backAt as TimeMs) : undefined,
    delayed: delayedJobs(before, after, new Set(lost.map(({ workload }) => workload))),
    deadlinesMissed: deadlinesMissed(live, before, after),
    services: serviceLosses(live, lost, at),
  };
}

/** What becomes of the tasks of some attempts. */
class Fates {
  readonly again = new Map<TaskId, { readonly at: TimeMs; readonly node: NodeId }>();
  readonly ended = new Set<TaskId>();
  readonly #tasks: ReadonlySet<string>;

  constructor(attempts: readonly AttemptRecord[]) {
    this.#tasks = new Set(attempts.map(({ task }) => task.id));
  }

  /** Some are neither back nor given up. */
  get areOpen(): boolean {
    return this.again.size + this.ended.size < this.#tasks.size;
  }

  read(event: Event): void {
    if (event.kind !== 'task-placed' && event.kind !== 'task-ended') return;
    const task = event.attempt.slice(0, event.attempt.lastIndexOf('.')) as TaskId;
    if (!this.#tasks.has(task) || this.again.has(task)) return;
    if (event.kind === 'task-placed') {
      this.again.set(task, { at: event.at, node: event.placement.node });
    } else if (event.retry === undefined) this.ended.add(task);
  }
}

function lostTask(
  { task, placedAt }: AttemptRecord,
  at: TimeMs,
  fates: Fates,
  fork: Engine,
): LostTask {
  const { workload, spec } = task.step;
  const again = fates.again.get(task.id);
  const ran = Math.max(0, at - placedAt);
  const every = spec.stops?.checkpointMs;
  const redone = spec.service === undefined ? ran % (every ?? Number.POSITIVE_INFINITY) : 0;
  return {
    task: task.id,
    workload: workload.id,
    name: workload.spec.name,
    tenant: task.tenant,
    redoneMs: redone as SpanMs,
    again,
    why: again === undefined ? whyNot(task.id, fates, fork) : undefined,
  };
}

function whyNot(id: TaskId, { ended }: Fates, { state }: Engine): LostTask['why'] {
  if (ended.has(id)) return 'no-retry';
  if (state.nodes().length === 0) return 'no-node';
  const [workload = '', step = ''] = id.split('.');
  const record = state.workload(workload as WorkloadId)?.steps.find(({ spec }) => spec.id === step);
  const task = record?.tasks.find((one) => one.id === id);
  return task && state.scheduler.refusal(task);
}

function delayedJobs(
  before: Future,
  after: Future,
  hit: ReadonlySet<WorkloadId>,
): readonly DelayedJob[] {
  const never = Number.POSITIVE_INFINITY;
  const delayed: DelayedJob[] = [];
  for (const [id, job] of after.jobs) {
    const was = before.jobs.get(id);
    if (was === undefined || hit.has(id)) continue;
    const later = (then = never, now = never): number => (then === now ? 0 : now - then);
    const startMs = later(was.startAt, job.startAt);
    const endMs = later(was.endAt, job.endAt);
    if (startMs <= 0 && endMs <= 0) continue;
    delayed.push({ workload: id, name: job.name, tenant: job.tenant, startMs, endMs });
  }
  return delayed.sort((a, b) => b.endMs - a.endMs || Number(a.workload) - Number(b.workload));
}

function deadlinesMissed({ state }: Engine, before: Future, after: Future): WorkloadId[] {
  const isIn = (future: Future, id: WorkloadId, deadline: number): boolean =>
    (future.jobs.get(id)?.endAt ?? Number.POSITIVE_INFINITY) <= deadline;
  return [...after.jobs.keys()].filter((id) => {
    const deadline = state.workload(id)?.spec.deadlineAt;
    return deadline !== undefined && isIn(before, id, deadline) && !isIn(after, id, deadline);
  });
}

function serviceLosses(
  { state }: Engine,
  lost: readonly LostTask[],
  at: TimeMs,
): readonly ServiceLoss[] {
  const losses: ServiceLoss[] = [];
  for (const [id, tasks] of Map.groupBy(lost, ({ workload }) => workload)) {
    const workload = state.workload(id);
    if (workload?.service === undefined) continue;
    const running = workload.steps.reduce((sum, { counts }) => sum + counts.running, 0);
    const isBack = tasks.every(({ again }) => again !== undefined);
    const short = Math.max(...tasks.map(({ again }) => (again?.at ?? at) - at));
    losses.push({
      workload: id,
      name: workload.spec.name,
      replicasLost: tasks.length,
      replicasLeft: running - tasks.length,
      shortMs: isBack ? (short as SpanMs) : undefined,
    });
  }
  return losses;
}
