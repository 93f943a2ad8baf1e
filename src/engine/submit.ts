import { withClasses } from '../admission/class-terms.ts';
import { neverFits, scratchNeverFits } from '../admission/never-fits.ts';
import type { TimeMs } from '../base/units.ts';
import type { Resumption } from '../model/flow.ts';
import type { TenantId, WorkloadId } from '../model/ids.ts';
import type { Command } from '../model/messages.ts';
import type { Refusal } from '../model/refusal.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import { besideNobody } from '../scheduling/company.ts';
import { planGang } from '../scheduling/gang.ts';
import type { NodeTable } from '../scheduling/node-table.ts';
import { allowed } from '../scheduling/place.ts';
import { emptyCopy } from '../scheduling/reservations.ts';
import { lacksDevices } from '../scheduling/row-devices.ts';
import { type Decision, refuse } from './decision.ts';
import type { EngineOptions } from './engine-options.ts';
import { entryRefusal, isForRoom, overflowOf, promised } from './entry.ts';
import { withGpusOnCpu } from './gpu-on-cpu.ts';
import { boundOf } from './may-spot.ts';
import { neverStarts } from './start-room.ts';
import type { State } from './state.ts';
import { volumeRefusal } from './volume-space.ts';

/** What submissions are judged by. */
export interface Site {
  readonly state: State;
  readonly options: EngineOptions;
}

interface Submission {
  readonly at: TimeMs;
  readonly tenant: TenantId;
  readonly spec: WorkloadSpec;
  readonly maySpill?: true;
  readonly resumes?: Resumption | undefined;
}

/** As the site has it run: with what its classes say, and on CPU where there are no GPUs. */
export function termsFor(
  { state, options }: Site,
  asked: WorkloadSpec,
  again: boolean,
): WorkloadSpec | Refusal {
  const { gpuAbsent } = options.scheduling ?? {};
  return withClasses(withGpusOnCpu(asked, state.nodes(), gpuAbsent), state.classes, again);
}

/** Accepted, spilled where its queue is full and says so, or refused. */
export function submit(
  site: Site,
  { at, tenant, spec: asked, maySpill, resumes }: Submission,
): Decision {
  const { state, options } = site;
  const { spilled } = state;
  const spec = termsFor(site, promised(state, asked, tenant), resumes !== undefined);
  if ('code' in spec) return refuse(spec);
  const policy = overflowOf(state, spec, tenant, options.tasksMax);
  const spills = maySpill === true && policy !== 'reject' && spec.kind !== 'lease';
  const full = siteFull(site, spec);
  if (full !== undefined && !spills) return refuse(full);
  const refusal = refusalOf(site, { at, tenant, spec }) ?? full;
  if (refusal !== undefined && !(spills && isForRoom(refusal))) return refuse(refusal);
  const { queue } = spec;
  const ahead = policy === 'reject' ? 0 : spilled.waiting(queue);
  const workload = String(state.workloadsEver + 1) as WorkloadId;
  if (refusal === undefined && ahead === 0)
    return submitted({ at, tenant, spec, resumes }, workload);
  if (!spills) return refuse({ code: 'behind-spilled', queue, spilled: ahead });
  return {
    events: [{ kind: 'workload-spilled', at, workload, tenant, queue }],
    answer: { kind: 'spilled', workload, tenant, spec, policy, ahead },
  };
}

/** One that was let in before is there: the answer is the same again, and nothing happens. */
export function enterSpilled(
  site: Site,
  command: Extract<Command, { kind: 'enter-spilled' }>,
): Decision {
  const { at, workload, spec, cancelledBy } = command;
  const waiting = site.state.spilled.of(workload);
  if (waiting === undefined) return { events: [], answer: { kind: 'accepted', workload } };
  const { tenant } = waiting;
  const entered = submitted({ at, tenant, spec }, workload);
  if (cancelledBy !== undefined) {
    const cancelled = { kind: 'cancel-requested', at, workload, by: cancelledBy } as const;
    return { ...entered, events: [...entered.events, cancelled] };
  }
  const refusal = siteFull(site, spec) ?? refusalOf(site, { at, tenant, spec }, true);
  return refusal === undefined ? entered : refuse(refusal);
}

function siteFull({ state, options }: Site, { steps }: WorkloadSpec): Refusal | undefined {
  const asked = steps.reduce((sum, step) => sum + step.count, 0);
  const [active, max] = [state.tasksActive, options.tasksMax];
  return active + asked > max ? { code: 'queue-full', active, asked, max } : undefined;
}

/** Why it may not enter, but for the room that the site has. `isAccepted` as in `entryRefusal`. */
function refusalOf(
  { state, options }: Site,
  { at, tenant, spec }: Submission,
  isAccepted = false,
): Refusal | undefined {
  const nodes = state.nodes();
  for (const step of spec.steps) {
    const refusal =
      stepNeverFits(state, step, spec) ??
      scratchNeverFits(step, nodes) ??
      gangNeverFits(step, state.table);
    if (refusal !== undefined) return refusal;
  }
  return (
    neverStarts(spec) ??
    volumeRefusal(options.volumes, state.workloads(), spec) ??
    entryRefusal(state, spec, tenant, at, isAccepted)
  );
}

/** Only nodes that its constraints allow count, unless there is none yet. */
function stepNeverFits(state: State, step: StepSpec, workload: WorkloadSpec): Refusal | undefined {
  const { id, request } = step;
  const { table } = state;
  const nodes = state.nodes();
  const { policy } = table.spot;
  const constraints = boundOf(step, workload, policy);
  if (constraints === undefined && policy === undefined) {
    return neverFits(id, request, nodes, lacksDevices);
  }
  const ask = besideNobody({ ...request, ...(constraints && { constraints }) });
  const able = nodes.filter((node) => allowed(table, table.rowOf(node.id)!, ask));
  return neverFits(id, request, able.length > 0 ? able : nodes, lacksDevices);
}

/** The same for a gang as a whole: tried on a table of empty nodes. */
function gangNeverFits(step: StepSpec, table: NodeTable): Refusal | undefined {
  if (step.gangMin === undefined || table.nodes().length === 0) return undefined;
  const { request, constraints, gangMin, topology } = step;
  const ask = constraints === undefined ? request : besideNobody({ ...request, constraints });
  const plan = planGang(emptyCopy(table), { ask, members: gangMin, topology });
  if (plan.kind === 'fits') return undefined;
  const { room } = plan;
  return {
    code: 'gang-never-fits',
    step: step.id,
    needed: gangMin,
    room,
    topology: topology?.label,
  };
}

function submitted({ at, tenant, spec, resumes }: Submission, workload: WorkloadId): Decision {
  const event = { kind: 'workload-submitted', at, workload, tenant, spec } as const;
  return {
    events: [resumes === undefined ? event : { ...event, resumes }],
    answer: { kind: 'accepted', workload },
  };
}
