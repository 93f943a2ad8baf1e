import { formatAmount } from '../../base/format.ts';
import type { TimeMs } from '../../base/units.ts';
import {
  type AttemptRecord,
  currentAttempt,
  type StepRecord,
  stepNamed,
  type TaskRecord,
  type WorkloadRecord,
} from '../../engine/records.ts';
import type { State } from '../../engine/state.ts';
import type { Refusal } from '../../model/refusal.ts';
import type { Reason, Why } from '../contract/documents.ts';
import { formatUse, refusalSentence } from './sentences.ts';
import { stepState, workloadStatus } from './status.ts';

/** Why a workload is where it is: a sentence a step, with what would change it. */
export function explainWorkload(state: State, workload: WorkloadRecord, now: TimeMs): Why {
  const steps = workload.steps.map((step) => {
    const reasons = explainStep(state, step, now);
    return {
      id: step.spec.id,
      state: stepState(step),
      sentence: stepSentence(step, reasons),
      reasons,
    };
  });
  const status = workloadStatus(workload);
  const telling = steps.filter((step) => step.state === status);
  const sentence =
    telling
      .map((step) => (steps.length === 1 ? step.sentence : `${step.id}: ${step.sentence}`))
      .join('; ') || status;
  return { id: workload.id, status, sentence, steps };
}

/** The reasons for which tasks of a step wait, each with how many wait for it. Empty when none waits. */
export function explainStep(state: State, step: StepRecord, now: TimeMs): Reason[] {
  if (step.state === 'blocked') {
    const steps = step.spec.needs.filter(
      (need) => stepNamed(step.workload, need)!.state !== 'succeeded',
    );
    return [reason({ code: 'waits-for-steps', steps }, step.spec.count, now, null)];
  }
  if (step.state !== 'open' || step.counts.waiting === 0) return [];
  const waitingByShape = new Map<number, { first: TaskRecord; count: number }>();
  let heldBack = 0;
  let resting = 0;
  let dueAt = Number.POSITIVE_INFINITY;
  for (const task of step.tasks) {
    if (task.state === 'held-back') heldBack++;
    else if (task.state === 'waiting') {
      const alike = waitingByShape.get(task.shape);
      if (alike === undefined) waitingByShape.set(task.shape, { first: task, count: 1 });
      else alike.count++;
    } else if (task.state === 'resting') {
      resting++;
      dueAt = Math.min(dueAt, task.dueAt!);
    }
  }
  const reasons: Reason[] = [];
  for (const { first, count } of waitingByShape.values()) {
    const refusal = state.scheduler.refusal(first);
    if (refusal !== undefined) reasons.push(reason(refusal, count, now, change(state, refusal)));
  }
  if (resting > 0) reasons.push(reason({ code: 'waits-to-retry', dueAt }, resting, now, null));
  if (heldBack > 0) {
    const refusal: Refusal = { code: 'step-parallelism', max: step.spec.maxParallel };
    reasons.push(
      reason(refusal, heldBack, now, 'raise `parallel`, or wait for one of them to end'),
    );
  }
  return reasons;
}

/** What would let it start: a smaller request, another time, or the end of what holds enough. */
function change(state: State, refusal: Refusal): string | null {
  switch (refusal.code) {
    case 'insufficient':
      return smallerOrAfter(state, refusal, refusal.free, ({ placement }) => {
        return placement.node === refusal.node;
      });
    case 'queue-limit':
      return smallerOrAfter(state, refusal, refusal.limit - refusal.held, ({ task }) => {
        return task.queue === refusal.queue && (refusal.tenant ?? task.tenant) === task.tenant;
      });
    case 'kept-for-others': {
      const free = Math.max(0, refusal.free - refusal.kept);
      return free > 0
        ? `would start now with at most ${formatAmount(refusal.resource, free)}`
        : null;
    }
    case 'quota':
      return quotaChange(refusal);
    case 'queue-cap':
      return refusal.what === 'running' ? 'starts when one of them ends' : null;
    case 'behind':
      return `starts after ${refusal.task}, whatever is free`;
    case 'reserved-for':
      return 'would start now if it ended before that';
    default:
      return null;
  }
}

function smallerOrAfter(
  state: State,
  refusal: { readonly resource: string; readonly asked: number },
  free: number,
  frees: (attempt: AttemptRecord) => boolean,
): string | null {
  const parts: string[] = [];
  if (free > 0) {
    parts.push(`would start now with at most ${formatAmount(refusal.resource, free)}`);
  }
  const lacking = refusal.asked - free;
  for (const attempt of state.runningAttempts()) {
    if (!frees(attempt) || heldOf(attempt, refusal.resource) < lacking) continue;
    parts.push(`${parts.length > 0 ? 'or when' : 'starts when'} ${attempt.task.id} ends`);
    break;
  }
  return parts.length === 0 ? null : parts.join(', ');
}

/** Less of the resource, or less time: the product is what counts. */
function quotaChange(refusal: Extract<Refusal, { code: 'quota' }>): string | null {
  const left = refusal.limit - refusal.used - refusal.reserved;
  if (left <= 0 || refusal.asked === 0) return null;
  return `would start now if it needed at most ${formatUse(refusal.resource, left)}`;
}

function heldOf(attempt: AttemptRecord, resource: string): number {
  const { held } = attempt.placement;
  if (resource === 'cpu') return held.cpu;
  if (resource === 'memory') return held.memory;
  if (resource === 'gpu') return held.gpu;
  return held.custom.find(([name]) => name === resource)?.[1] ?? 0;
}

function reason(refusal: Refusal, tasks: number, now: TimeMs, changed: string | null): Reason {
  const { code, ...facts } = refusal;
  return { code, sentence: refusalSentence(refusal, now), change: changed, facts, tasks };
}

function stepSentence(step: StepRecord, reasons: readonly Reason[]): string {
  const { counts, spec } = step;
  const of = spec.count === 1 ? '' : ` of ${spec.count} tasks`;
  switch (step.state) {
    case 'succeeded':
      return 'succeeded';
    case 'skipped':
      return 'skipped: a step that it needs did not succeed';
    case 'cancelled':
      return `cancelled by ${step.workload.cancelledBy ?? 'unknown'}`;
    case 'failed':
      return failure(step);
    default: {
      const running = counts.running > 0 ? [`${counts.running}${of} running`] : [];
      const waits = reasons.map(
        (r) =>
          `${spec.count === 1 ? '' : `${r.tasks} waiting: `}${r.sentence}` +
          (r.change === null ? '' : ` (${r.change})`),
      );
      return [...running, ...waits].join('; ') || 'next in line';
    }
  }
}

function failure(step: StepRecord): string {
  const failed = step.tasks.find((task) => task.state === 'failed');
  const end = failed && currentAttempt(failed)?.end;
  if (failed === undefined || end === undefined) return 'failed';
  const tries = failed.attempts.length;
  const how = end.exitCode === undefined ? (end.signal ?? '') : `exit code ${end.exitCode}`;
  const detail = [how, end.message ?? ''].filter((part) => part !== '').join(', ');
  return (
    `task ${failed.id} ${end.cause === 'failed' ? 'failed' : `was ${end.cause}`}` +
    `${detail === '' ? '' : ` (${detail})`}${tries === 1 ? '' : ` after ${tries} attempts`}`
  );
}
