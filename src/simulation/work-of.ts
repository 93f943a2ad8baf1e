import { UNLIMITED } from '../base/units.ts';
import type { TaskRecord } from '../engine/records.ts';
import type { Work } from '../forecasting/run-times.ts';
import type { EndCause } from '../model/attempt.ts';

/** A task as run times are learnt: the same step of a workload of that name, asking for the same, is the same work. */
export function workOf({ step, tenant, estimateMs }: TaskRecord): Work {
  const { spec, workload } = step;
  const { cpu, memory, gpu } = spec.request;
  const { wallMs } = spec.limits;
  return {
    tenant,
    name: `${workload.spec.name}/${spec.id} ${cpu} ${memory} ${gpu}`,
    ...(estimateMs !== undefined && { estimateMs }),
    ...(wallMs !== UNLIMITED && { limitMs: wallMs }),
  };
}

/** Whether a run time can be told of it at all: a service and a lease end when somebody wants them to. */
export const hasRunTime = ({ step }: TaskRecord): boolean =>
  step.spec.service === undefined && step.spec.run.kind !== 'held';

/** Whether it ended of its own accord, at its limit, or because its user wanted no more of it. */
export const tellsRunTime: Readonly<Record<EndCause, boolean>> = {
  succeeded: true,
  failed: true,
  signalled: true,
  'oom-killed': true,
  'timed-out': true,
  'disk-exceeded': true,
  cancelled: true,
  'model-calls-exceeded': true,
  'tokens-exceeded': true,
  'results-exceeded': true,
  'requests-exceeded': true,
  unhealthy: false,
  preempted: false,
  'over-limit': false,
  'over-budget': false,
  overused: false,
  'start-failed': false,
  unstarted: false,
  lost: false,
};
