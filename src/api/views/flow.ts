import {
  currentAttempt,
  isMet,
  type StepRecord,
  stepNamed,
  type TaskRecord,
  type WorkloadRecord,
} from '../../engine/records.ts';
import { StartRoom } from '../../engine/start-room.ts';
import type { AttemptEnd, ToldUse } from '../../model/attempt.ts';
import type { StepId } from '../../model/ids.ts';
import type { Refusal } from '../../model/refusal.ts';
import type { AttemptDocument, StepDocument, WorkloadDocument } from '../contract/documents.ts';

/** Steps that a blocked one still waits for. */
export const unmetNeeds = (step: StepRecord): StepId[] =>
  step.spec.needs.filter((need) => !isMet(step, stepNamed(step.workload, need)!));

/** Why tasks of an open step may not even wait for a place. */
export function heldBackRefusal(step: StepRecord): Refusal {
  const { released, counts, lined, returned, spec } = step;
  const isFull = released - counts.succeeded - lined - returned.length >= spec.maxParallel;
  const shared = isFull ? undefined : StartRoom.of(step)?.refusal(step);
  return shared ?? { code: 'step-parallelism', max: spec.maxParallel };
}

/** Why a step ended as it did, where its attempts do not say; nothing where they do. */
export function stepNote({
  state,
  reason,
  takenOver,
  workload,
  spec,
  tasks,
}: StepRecord): string | undefined {
  if (takenOver !== undefined) return `taken over from run ${workload.resumes?.from ?? 'before'}`;
  if (reason?.kind === 'expression') return reason.message;
  if (state === 'succeeded') return cacheNote(tasks);
  if (state === 'skipped') {
    return reason === undefined
      ? 'skipped: a step that it needs did not succeed'
      : 'skipped: its condition is not met';
  }
  if (state === 'cancelled') {
    const { cancelledBy, limitReached } = workload;
    if (cancelledBy !== undefined) return `cancelled by ${cancelledBy}`;
    return limitReached === undefined ? 'cancelled' : `stopped. ${limitReached.message}`;
  }
  if (state === 'failed' && spec.flow?.onFailure === 'continue') return 'failed, and may fail';
  return undefined;
}

function cacheNote(tasks: readonly TaskRecord[]): string | undefined {
  const cached = tasks.filter((task) => currentAttempt(task)?.end?.cachedFrom !== undefined);
  if (cached.length === 0) return undefined;
  const [first] = cached;
  if (tasks.length > 1) return `${cached.length} of ${tasks.length} results came from the cache`;
  return `nothing was run: the result is that of ${currentAttempt(first!)!.end!.cachedFrom!.attempt}`;
}

/** What of a run is known beside its steps. */
export function runFields({
  limitReached,
  resumes,
  spent,
  spec: { warnings },
}: WorkloadRecord): Pick<WorkloadDocument, 'limit_reached' | 'resumes' | 'used' | 'warnings'> {
  return {
    ...(warnings && { warnings: [...warnings] }),
    ...(spent.calls + spent.tokens > 0 &&
      usedField({ modelCalls: spent.calls, tokens: spent.tokens })),
    ...(limitReached && {
      limit_reached: { limit: limitReached.limit, message: limitReached.message },
    }),
    ...(resumes && { resumes: resumes.from }),
  };
}

/** What was told of use; nothing where nothing was. */
export function usedField(used: ToldUse | undefined): Pick<AttemptDocument, 'used'> {
  if (used === undefined) return {};
  const { modelCalls, tokens, results, requests } = used;
  return {
    used: {
      ...(modelCalls !== undefined && { model_calls: modelCalls }),
      ...(tokens !== undefined && { tokens }),
      ...(results !== undefined && { results }),
      ...(requests !== undefined && { requests }),
    },
  };
}

export function noteField(step: StepRecord): Pick<StepDocument, 'note'> {
  const note = stepNote(step);
  return note === undefined ? {} : { note };
}

/** What came out of an attempt, and whether anything was run for it. */
export function resultFields(
  end: AttemptEnd | undefined,
): Pick<AttemptDocument, 'outputs' | 'cached_from'> {
  const { outputs, cachedFrom } = end ?? {};
  return {
    ...(outputs && { outputs: { ...outputs } }),
    ...(cachedFrom && { cached_from: { ...cachedFrom } }),
  };
}
