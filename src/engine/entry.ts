import { chargeOf } from '../admission/charge.ts';
import { type DueWork, deadlineRefusal } from '../admission/deadline.ts';
import { addAmount, type TimeMs, UNLIMITED } from '../base/units.ts';
import type { TenantId } from '../model/ids.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import type { OverflowPolicy, Usage } from '../model/scheduling-config.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import { scaled } from '../scheduling/holds.ts';
import { siteCapacity } from '../scheduling/site-capacity.ts';
import type { State } from './state.ts';

const NAMES = ['cpu', 'memory', 'gpu'] as const;
const NOTHING: Usage = { cpu: 0, memory: 0, gpu: 0 };

/**
 * Why a workload may not be submitted: its queue, a quota, or its deadline says no; that its queue is full comes
 * last. One that `isAccepted` already is counted by the limits of submissions, and its deadline was looked at then.
 */
export function entryRefusal(
  state: State,
  spec: WorkloadSpec,
  tenant: TenantId,
  at: TimeMs,
  isAccepted = false,
): Refusal | undefined {
  const { queue, steps } = spec;
  const full = state.scheduler.queues?.entry(
    {
      queue,
      tenant,
      tasks: steps.reduce((sum, step) => sum + step.count, 0),
      together: steps.reduce((most, { gangMin = 1 }) => Math.max(most, gangMin), 1),
      requests: steps.map(atOnce),
    },
    (name, who) => state.active.of(name, who),
  );
  if (full !== undefined && full.code !== 'queue-cap') return full;
  return (
    (isAccepted ? undefined : submissionRefusal(state, spec, tenant, at)) ??
    quotaRefusal(state, spec, tenant, at) ??
    state.money.entryRefusal(spec, tenant, at) ??
    (isAccepted ? undefined : lateRefusal(state, spec, at)) ??
    full
  );
}

/** Its queue, or the site, is full now, and all else allows it. */
export const isForRoom = (refusal: Refusal): boolean =>
  refusal.code === 'queue-full' ||
  (refusal.code === 'queue-cap' && refusal.what === 'active' && refusal.tenant === undefined);

/** What becomes of it where there is no room for it now. */
export function overflowOf(
  { scheduler }: State,
  { queue, steps }: WorkloadSpec,
  tenant: TenantId,
  tasksMax: number,
): OverflowPolicy {
  const tasks = steps.reduce((sum, step) => sum + step.count, 0);
  if (tasks > tasksMax) return 'reject';
  return scheduler.queues?.overflow(queue, tenant, tasks) ?? 'reject';
}

/** As it is accepted: with what its queue promises now, whatever the site says later. */
export function promised(
  { scheduler }: State,
  asked: WorkloadSpec,
  tenant: TenantId,
): WorkloadSpec {
  const isGuaranteed = scheduler.queues?.isGuaranteed(asked.queue, tenant) === true;
  // Workloads of one document share it.
  if (asked.guaranteed === (isGuaranteed || undefined)) return asked;
  const { guaranteed: _before, ...spec } = asked;
  return isGuaranteed ? { ...spec, guaranteed: true } : spec;
}

function submissionRefusal(
  { active }: State,
  { kind, queue }: WorkloadSpec,
  tenant: TenantId,
  at: TimeMs,
): Refusal | undefined {
  return kind === 'lease' ? undefined : active.submissions.refusal({ tenant, queue }, at);
}

function quotaRefusal(
  { quotas }: State,
  { queue, steps }: WorkloadSpec,
  tenant: TenantId,
  at: TimeMs,
): Refusal | undefined {
  if (quotas === undefined) return undefined;
  let largest = NOTHING;
  let most = NOTHING;
  let request = NOTHING;
  for (const step of steps) {
    const one = chargeOf(step.request, longestRun(step));
    largest = combine(largest, chargeOf(atOnce(step), longestRun(step)), Math.max);
    most = combine(most, one, (sum, n) => addAmount(sum, n * step.count));
    request = combine(request, step.request, Math.max);
  }
  return quotas.entryRefusal({ queue, tenant, request, most }, largest, at);
}

/** What starts at once, or not at all. */
const atOnce = ({ request, gangMin = 1 }: StepSpec): Resources =>
  gangMin === 1 ? request : scaled(request, gangMin);

/** As `runMaxOf` will say of its tasks. */
export function longestRun({ limits, estimateMs }: StepSpec): number {
  return limits.wallMs === UNLIMITED ? (estimateMs ?? UNLIMITED) : limits.wallMs + limits.graceMs;
}

function lateRefusal(state: State, spec: WorkloadSpec, at: TimeMs): Refusal | undefined {
  if (spec.deadlineAt === undefined) return undefined;
  const promised: DueWork[] = [];
  for (const workload of state.workloads()) {
    const { deadlineAt } = workload.spec;
    if (workload.state !== 'active' || deadlineAt === undefined) continue;
    let work = NOTHING;
    for (const step of workload.steps) {
      work = combine(work, workOf(step.spec, step.spec.count - step.counts.succeeded), addAmount);
    }
    promised.push({ deadlineAt, work });
  }
  let work = NOTHING;
  for (const step of spec.steps) work = combine(work, workOf(step, step.count), addAmount);
  const [cpu, memory, gpu] = siteCapacity(state.table);
  return deadlineRefusal({ deadlineAt: spec.deadlineAt, work }, promised, { cpu, memory, gpu }, at);
}

/** Of tasks that say how long they run; the others are not counted. */
function workOf(step: StepSpec, tasks: number): Usage {
  const expectedMs = step.estimateMs ?? step.limits.wallMs;
  const one = chargeOf(step.request, expectedMs);
  return combine(one, NOTHING, (n) => Math.min(UNLIMITED, n * tasks));
}

function combine(a: Usage, b: Usage | Resources, of: (a: number, b: number) => number): Usage {
  const at = (name: (typeof NAMES)[number]): number => of(a[name], b[name]);
  return { cpu: at('cpu'), memory: at('memory'), gpu: at('gpu') };
}
