import { metricName } from '../../autoscaling/reasons.ts';
import type { ScalingDecision } from '../../autoscaling/service-scaling.ts';
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
import type { AutoscalingTerms } from '../../model/autoscaling.ts';
import type { ServiceDocument } from '../contract/service-documents.ts';

export function serviceDocument(
  workload: WorkloadRecord,
  decision?: ScalingDecision,
): ServiceDocument | undefined {
  const { service } = workload;
  if (service === undefined) return undefined;
  const { replicas, target, rolledBack, scalings } = service;
  const terms = termsOf(workload);
  return {
    replicas,
    ready: readyOf(workload),
    revision: target,
    update: updateDocument(workload, service),
    rolled_back: rolledBack ?? null,
    ...(terms && { autoscaling: autoscalingDocument(terms, scalings, decision) }),
  };
}

const termsOf = ({ spec }: WorkloadRecord): AutoscalingTerms | undefined =>
  spec.steps[0]?.service?.autoscaling;

function autoscalingDocument(
  { metrics, minReplicas, maxReplicas }: AutoscalingTerms,
  scalings: ServiceRecord['scalings'],
  decision: ScalingDecision | undefined,
): ServiceDocument['autoscaling'] {
  // Of an update that brought other metrics, the decision is of those before.
  const proposals = decision?.proposals.length === metrics.length ? decision.proposals : [];
  return {
    min_replicas: minReplicas,
    max_replicas: maxReplicas,
    metrics: metrics.map((metric, i) => {
      const proposal = proposals[i];
      const asks = proposal?.kind === 'asks' ? proposal : undefined;
      return {
        type: metric.kind.replace('-', '_'),
        name: metricName(metric),
        target: metric.target / 1_000,
        value: asks === undefined ? null : asks.value / 1_000,
        asks: asks?.replicas ?? null,
        problem: proposal?.kind === 'unknown' ? proposal.why : null,
      };
    }),
    scalings: scalings.map(({ at, from, to, reason }) => ({
      at,
      from,
      to,
      reason: reason ?? null,
    })),
    looked_at: decision?.at ?? null,
    reason: decision?.reason ?? null,
    held_until: decision?.heldUntil ?? null,
  };
}

/** Between which numbers it is autoscaled, and why there are as many as there are; undefined where it is not. */
export function scalingSentence(
  workload: WorkloadRecord,
  now: number,
  decision: ScalingDecision | undefined,
): string | undefined {
  const terms = termsOf(workload);
  if (terms === undefined || workload.state !== 'active') return undefined;
  const parts = [`autoscaled ${terms.minReplicas} to ${terms.maxReplicas}`];
  if (decision !== undefined) {
    const { reason, heldUntil } = decision;
    const next =
      heldUntil === undefined ? '' : `, next in ${formatSpan(Math.max(0, heldUntil - now))}`;
    parts.push(`${reason}${next}`);
  }
  const last = workload.service!.scalings.at(-1);
  if (last !== undefined) {
    const { at, from, to, reason = 'somebody asked for it' } = last;
    parts.push(`${from} to ${to} ${formatSpan(Math.max(0, now - at))} ago: ${reason}`);
  }
  return parts.join('; ');
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
export function serviceSentence(
  step: StepRecord,
  now: number,
  decision?: ScalingDecision,
): string | undefined {
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
  const scaled = revision === target && scalingSentence(step.workload, now, decision);
  if (scaled) parts.push(scaled);
  return parts.join('; ');
}
