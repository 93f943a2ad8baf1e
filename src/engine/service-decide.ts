import { neverFits } from '../admission/never-fits.ts';
import { assertNever } from '../base/assert.ts';
import type { Command, EndState } from '../model/messages.ts';
import type { Refusal } from '../model/refusal.ts';
import type { WorkloadSpec } from '../model/workload.ts';
import { lacksDevices } from '../scheduling/row-devices.ts';
import { type Decision, facts, refuse } from './decision.ts';
import type { StepRecord, WorkloadRecord } from './records.ts';
import { changesHealth, isGone, revisionOf } from './service-record.ts';
import type { State } from './state.ts';

type ServiceCommand = Extract<Command, { kind: 'report-probe' | 'scale' | 'update' }>;

/** What people and probes want of a service. */
export function decideService(state: State, command: ServiceCommand): Decision {
  switch (command.kind) {
    case 'report-probe': {
      const { at, attempt: id, probe, ok, detail } = command;
      const attempt = state.attempt(id);
      if (attempt === undefined || !changesHealth(attempt, probe, ok)) return facts();
      return facts({ kind: 'task-probed', at, attempt: id, probe, ok, detail });
    }
    case 'scale':
      return decideScale(state, command);
    case 'update':
      return decideUpdate(state, command);
    default:
      return assertNever(command);
  }
}

function decideScale(
  state: State,
  { at, workload: id, replicas, auto }: Extract<Command, { kind: 'scale' }>,
): Decision {
  const found = activeService(state, id);
  if ('code' in found) return refuse(found);
  const { replicas: before } = found.service!;
  if (before === replicas) return facts();
  // What the autoscaler went by is not so any more.
  if (auto !== undefined && auto.from !== before) return facts();
  const terms = found.spec.steps[0]!.service!.autoscaling;
  if (terms !== undefined && auto === undefined) {
    const { minReplicas: min, maxReplicas: max } = terms;
    if (replicas < min || replicas > max) {
      return refuse({ code: 'outside-autoscaling', workload: id, asked: replicas, min, max });
    }
  }
  return facts({ kind: 'service-scaled', at, workload: id, replicas, ...(auto && { auto }) });
}

function decideUpdate(
  state: State,
  { at, workload: id, spec }: Extract<Command, { kind: 'update' }>,
): Decision {
  const found = activeService(state, id);
  if ('code' in found) return refuse(found);
  if (spec.kind !== 'service') return refuse({ code: 'not-a-service', workload: id });
  const { queue } = found.spec;
  if (spec.queue !== queue) return refuse({ code: 'other-queue', queue, asked: spec.queue });
  const step = spec.steps[0]!;
  const refusal = neverFits(step.id, step.request, state.nodes(), lacksDevices);
  if (refusal !== undefined) return refuse(refusal);
  const { newest, replicas } = found.service!;
  const revision = newest + 1;
  return facts({
    kind: 'service-updated',
    at,
    workload: id,
    revision,
    spec: keepingScale(spec, replicas),
  });
}

/** Of a service that is autoscaled, an update changes the number of replicas only where it changes the bounds. */
function keepingScale(spec: WorkloadSpec, replicas: number): WorkloadSpec {
  const [step] = spec.steps;
  const terms = step!.service!.autoscaling;
  if (terms === undefined) return spec;
  const count = Math.min(terms.maxReplicas, Math.max(terms.minReplicas, replicas));
  return { ...spec, steps: [{ ...step!, count }] };
}

function activeService(state: State, id: WorkloadRecord['id']): WorkloadRecord | Refusal {
  const workload = state.workload(id);
  if (workload === undefined) return { code: 'no-such-workload', workload: id };
  if (workload.service === undefined) return { code: 'not-a-service', workload: id };
  if (workload.state !== 'active' || workload.cancelledBy !== undefined) {
    return { code: 'already-ended', workload: id };
  }
  return workload;
}

/** How a revision of which nothing runs ends now; one that is wanted, or may be again, goes on. */
export function serviceStepEnd(step: StepRecord): EndState | undefined {
  const { workload, tasks } = step;
  if (workload.cancelledBy !== undefined) return 'cancelled';
  const { target, stable, rolledBack } = workload.service!;
  const revision = revisionOf(step);
  if (revision === target || revision === stable || !tasks.every(isGone)) return undefined;
  return rolledBack?.from === revision ? 'failed' : 'succeeded';
}
