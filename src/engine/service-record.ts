import { type SpanMs, scaleAmount, spanMs, type TimeMs } from '../base/units.ts';
import type { AttemptEnd } from '../model/attempt.ts';
import type { Scaling } from '../model/autoscaling.ts';
import type { StepId } from '../model/ids.ts';
import type { ProbeKind, RestartTerms } from '../model/service.ts';
import { replicasOf } from '../model/service.ts';
import type { WorkloadSpec } from '../model/workload.ts';
import type { AttemptRecord, StepRecord, TaskRecord, WorkloadRecord } from './records.ts';

/** Attempts of a replica that are remembered: it may be started again for years. */
export const ATTEMPTS_KEPT = 20;
/** Revisions that are remembered after they ended. */
export const REVISIONS_KEPT = 3;
/** Changes of the number of replicas that are remembered. */
const SCALINGS_KEPT = 10;

/** What the engine knows of a service beside its steps. Plain data: a snapshot has it as it stands. */
export interface ServiceRecord {
  /** Of the first revision; the ids of the others are made from it. */
  readonly base: StepId;
  /** How many are wanted. */
  replicas: number;
  /** Revisions, from 1: the newest ever, the one that replicas belong to or move to, and the one to go back to. */
  newest: number;
  target: number;
  stable: number;
  /** Steps of `revisions[i]` are `workload.steps[i]`. */
  revisions: readonly Revision[];
  /** While replicas move from one revision to another. */
  rollout: Rollout | undefined;
  /** The last time that a revision gave way to the one before. */
  rolledBack: RolledBack | undefined;
  /** How often the number of replicas was changed last, the newest last; at most SCALINGS_KEPT. */
  scalings: readonly Scaling[];
}

export interface Revision {
  readonly revision: number;
  readonly spec: WorkloadSpec;
}

export interface Rollout {
  readonly phase: 'canary' | 'blue-green' | 'rolling';
  /** Back to the stable revision. */
  readonly isBack: boolean;
  /** When one more replica of the target was ready, or it began. */
  readonly progressAt: TimeMs;
  /** The most replicas of the target that were ready at once. */
  readonly readyMost: number;
}

export interface RolledBack {
  readonly at: TimeMs;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** What probes say of an attempt. */
export interface Health {
  /** Its startup probe has succeeded. */
  readonly isUp: boolean;
  /** Its readiness probe succeeds. */
  readonly answers: boolean;
  /** A startup or liveness probe failed: it is to be stopped. */
  readonly isFailing: boolean;
  readonly readySince: TimeMs | undefined;
  /** What the last one said. */
  readonly detail: string;
}

export function newService(spec: WorkloadSpec): ServiceRecord {
  return {
    base: spec.steps[0]!.id,
    replicas: spec.steps[0]!.count,
    newest: 1,
    target: 1,
    stable: 1,
    revisions: [{ revision: 1, spec }],
    rollout: undefined,
    rolledBack: undefined,
    scalings: [],
  };
}

/** One more; the oldest goes. */
export const withScaling = (known: readonly Scaling[], made: Scaling): readonly Scaling[] =>
  [...known, made].slice(-SCALINGS_KEPT);

/** The step of a revision that is remembered. */
export function stepOf(workload: WorkloadRecord, revision: number): StepRecord {
  const index = workload.service!.revisions.findIndex((known) => known.revision === revision);
  return workload.steps[index]!;
}

export function revisionOf({ workload, spec }: StepRecord): number {
  const { service, steps } = workload;
  return service!.revisions[steps.findIndex((step) => step.spec.id === spec.id)]!.revision;
}

/** `web` is revision 1, `web-r2` the second: so that every attempt has a name of its own. */
export const stepIdOf = ({ base }: ServiceRecord, revision: number): StepId =>
  `${base.slice(0, 50)}-r${revision}` as StepId;

/** What is still on the way out counts as there until it has ended. */
export const isGone = (task: TaskRecord): boolean => task.state === 'cancelled';

/** Wanted, and not on its way out. */
export const isLive = (task: TaskRecord): boolean =>
  task.retiringSince === undefined && !isGone(task);

export const isReady = (task: TaskRecord): boolean => {
  if (task.state !== 'running' || task.retiringSince !== undefined) return false;
  return attemptIsReady(task.attempts.at(-1)!);
};

export const attemptIsReady = (attempt: AttemptRecord): boolean =>
  attempt.health?.readySince !== undefined &&
  attempt.stop === undefined &&
  attempt.end === undefined;

export const countOf = (tasks: readonly TaskRecord[], is: (task: TaskRecord) => boolean): number =>
  tasks.reduce((sum, task) => sum + (is(task) ? 1 : 0), 0);

/** The attempt began, or a probe said something: whether it is ready from now on. */
export function nextHealth(
  attempt: AttemptRecord,
  at: TimeMs,
  probed?: { readonly probe: ProbeKind; readonly ok: boolean; readonly detail: string },
): Health {
  const { startup, readiness } = attempt.task.step.spec.service!;
  const before = attempt.health;
  const said = (probe: ProbeKind, otherwise: boolean): boolean =>
    probed?.probe === probe ? probed.ok : otherwise;
  const isUp = said('startup', before?.isUp ?? startup === undefined);
  const answers = said('readiness', before?.answers ?? readiness === undefined);
  const isFailing =
    before?.isFailing === true ||
    (probed !== undefined && !probed.ok && probed.probe !== 'readiness');
  const ready = attempt.startedAt !== undefined && isUp && answers && !isFailing;
  return {
    isUp,
    answers,
    isFailing,
    readySince: ready ? (before?.readySince ?? at) : undefined,
    detail: probed?.detail ?? before?.detail ?? '',
  };
}

/** Whether a probe's word changes anything of what is known. */
export function changesHealth(attempt: AttemptRecord, probe: ProbeKind, ok: boolean): boolean {
  const terms = attempt.task.step.spec.service;
  if (terms?.[probe] === undefined || attempt.end !== undefined) return false;
  if (attempt.startedAt === undefined) return false;
  const { isUp, answers, isFailing } = nextHealth(attempt, attempt.placedAt);
  if (probe === 'readiness') return answers !== ok;
  if (probe === 'liveness') return !ok && !isFailing;
  return ok ? !isUp : !isFailing;
}

/** When a replica that ended so is started again, and the how manieth early end in a row that was. */
export function restartAfter(
  { startedAt, placedAt, task }: AttemptRecord,
  { cause }: AttemptEnd,
  terms: RestartTerms,
  at: TimeMs,
): { readonly delayMs: SpanMs; readonly inRow: number } {
  // Not its own fault: it waits for its turn again at once.
  if (cause === 'preempted') return { delayMs: spanMs(0), inRow: task.inRow };
  const ranMs = at - (startedAt ?? placedAt);
  const inRow = ranMs >= terms.resetAfterMs ? 1 : task.inRow + 1;
  let delay: number = terms.backoffMs;
  for (let i = 1; i < inRow && delay < terms.backoffMaxMs && delay > 0; i++) {
    delay = scaleAmount(delay, 20_000);
  }
  return { delayMs: spanMs(Math.min(delay, terms.backoffMaxMs)), inRow };
}

/** How many may be there above, and be not ready below, what is wanted while an update goes on. */
export function updateBounds(workload: WorkloadRecord): { surge: number; unavailable: number } {
  const { replicas, target } = workload.service!;
  const { update } = stepOf(workload, target).spec.service!;
  if (update.strategy === 'blue-green') return { surge: replicas, unavailable: 0 };
  const surge = replicasOf(update.maxSurge, replicas, Math.ceil);
  const unavailable = Math.min(replicasOf(update.maxUnavailable, replicas, Math.floor), replicas);
  // Neither: it could never move.
  return { surge: surge === 0 && unavailable === 0 ? 1 : surge, unavailable };
}
