import { formatSpan } from '../../base/format.ts';
import type { StepRecord, WorkloadRecord } from '../../engine/records.ts';
import {
  countOf,
  isGone,
  isReady,
  revisionOf,
  type ServiceRecord,
  stepOf,
} from '../../engine/service-record.ts';
import type { ServiceDocument } from '../contract/service-documents.ts';

export function serviceDocument(workload: WorkloadRecord): ServiceDocument | undefined {
  const { service } = workload;
  if (service === undefined) return undefined;
  const { replicas, target, rolledBack } = service;
  return {
    replicas,
    ready: readyOf(workload),
    revision: target,
    update: updateDocument(workload, service),
    rolled_back: rolledBack ?? null,
  };
}

export const readyOf = ({ steps }: WorkloadRecord): number =>
  steps.reduce((sum, { tasks }) => sum + countOf(tasks, isReady), 0);

function updateDocument(
  workload: WorkloadRecord,
  { rollout, stable, target }: ServiceRecord,
): ServiceDocument['update'] {
  if (rollout === undefined) return null;
  const step = stepOf(workload, target);
  const { update } = step.spec.service!;
  return {
    phase: rollout.phase,
    from: stable,
    to: target,
    ready: countOf(step.tasks, isReady),
    back: rollout.isBack,
    deadline_at: update.rollback && !rollout.isBack ? rollout.progressAt + update.deadlineMs : null,
  };
}

/** `2 of 3 replicas of revision 2 ready`, and what goes on; undefined for a step that is over. */
export function serviceSentence(step: StepRecord, now: number): string | undefined {
  const { service } = step.workload;
  if (service === undefined || step.state !== 'open') return undefined;
  const { replicas, target, stable, rollout, rolledBack } = service;
  const revision = revisionOf(step);
  const ready = countOf(step.tasks, isReady);
  const parts = [`${ready} of ${replicas} replicas ready in revision ${revision}`];
  const leaving = countOf(step.tasks, (task) => task.retiringSince !== undefined && !isGone(task));
  if (leaving > 0) parts.push(`${leaving} on the way out`);
  if (revision === target && rollout !== undefined) {
    const from = rollout.isBack ? 'goes back to it' : `replaces revision ${stable}`;
    parts.push(`${rollout.phase} update ${from}`);
  }
  if (revision === target && rolledBack !== undefined) {
    const ago = formatSpan(Math.max(0, now - rolledBack.at));
    parts.push(`revision ${rolledBack.from} was rolled back ${ago} ago: ${rolledBack.reason}`);
  }
  const failing = step.tasks.find(
    (task) => task.state === 'running' && !isReady(task) && task.attempts.at(-1)?.health?.detail,
  );
  if (failing !== undefined) {
    parts.push(`${failing.id} is not ready: ${failing.attempts.at(-1)!.health!.detail}`);
  }
  return parts.join('; ');
}
