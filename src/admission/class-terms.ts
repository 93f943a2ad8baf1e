import { nearest } from '../base/nearest.ts';
import { type BasisPoints, scaleAmount, UNLIMITED } from '../base/units.ts';
import type { ExecutionTerms } from '../model/execution-terms.ts';
import type { PriorityClass } from '../model/priority-class.ts';
import { type QosClass, type QosConfig, type QosTerms, qosClasses, qosOf } from '../model/qos.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Limits, StepSpec, StopTerms, WorkloadSpec } from '../model/workload.ts';

/** The classes of a site. */
export interface SiteClasses {
  readonly classes?: readonly PriorityClass[];
  readonly qos?: QosConfig;
}

const WHOLE = 10_000 as BasisPoints;
/** A refusal names so many of the classes that there are. */
const NAMED_MAX = 10;

/**
 * What a workload is submitted as: with what its priority class and the classes of service of its steps say. The
 * journal has it so, and another site file changes only what is submitted after it. `again`: it was submitted
 * before, and what it says of stops may be what a class said then.
 */
export function withClasses(
  spec: WorkloadSpec,
  site: SiteClasses,
  again: boolean,
): WorkloadSpec | Refusal {
  const own = spec.class === undefined ? undefined : classNamed(site, spec.class.name);
  if (own !== undefined && 'code' in own) return own;
  if (spec.kind === 'lease' || (own === undefined && site.qos === undefined)) return spec;
  const refusal = own && !again ? beyondClass(spec, own) : undefined;
  if (refusal !== undefined) return refusal;
  return {
    ...spec,
    ...(own && { priority: Math.min(spec.class!.priority ?? own.priority, own.priority) }),
    steps: spec.steps.map((step) => stepOf(step, own, site.qos)),
  };
}

/** The class of this name, or that there is none. */
function classNamed({ classes = [] }: SiteClasses, name: string): PriorityClass | Refusal {
  const found = classes.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = classes.map((one) => one.name);
  const near = nearest(name, [...names, ...qosClasses]);
  return { code: 'no-such-class', class: name, near, classes: names.slice(0, NAMED_MAX) };
}

/** A workload may be less than its class, and not more. */
function beyondClass(spec: WorkloadSpec, own: PriorityClass): Refusal | undefined {
  const asked = spec.class?.priority ?? own.priority;
  if (asked > own.priority) {
    return { code: 'above-class', class: own.name, asked, limit: own.priority };
  }
  if (own.preemptible !== true) return undefined;
  const step = spec.steps.find(({ stops }) => stops?.preemptible === false);
  return step && { code: 'class-may-be-stopped', class: own.name, step: step.id };
}

function stepOf(
  step: StepSpec,
  own: PriorityClass | undefined,
  config: QosConfig | undefined,
): StepSpec {
  const qos = step.qos ?? qosOf(step.request, step.limits);
  const terms = config?.[qos];
  const stops = stopsOf(step, own, terms);
  const execution = executionOf(step, qos, { own, terms });
  const { stops: _, execution: __, ...rest } = step;
  return {
    ...rest,
    limits: burstOf(step, terms),
    ...(stops && { stops }),
    ...(execution && { execution }),
  };
}

function stopsOf(
  { stops, qos }: StepSpec,
  own: PriorityClass | undefined,
  terms: QosTerms | undefined,
): StopTerms | undefined {
  // A document without a priority class has what its class of service says of it already.
  const implied = own === undefined || qos === undefined ? undefined : impliedBy[qos];
  const preemptible = own?.preemptible ?? stops?.preemptible ?? implied;
  const classPriority = terms?.preemptionPriority;
  if (stops === undefined && preemptible === undefined && classPriority === undefined) {
    return undefined;
  }
  const { preemptionPriority: _, ...said } = stops ?? noStops;
  return {
    ...said,
    preemptible: preemptible ?? true,
    ...(classPriority !== undefined && { preemptionPriority: classPriority }),
  };
}

const noStops: StopTerms = {
  preemptible: true,
  restartMs: 0 as StopTerms['restartMs'],
  minRunMs: 0 as StopTerms['minRunMs'],
};

const impliedBy: Readonly<Record<QosClass, boolean | undefined>> = {
  guaranteed: false,
  burstable: undefined,
  'best-effort': true,
};

/** What asks for nothing has nothing to be limited to a multiple of. */
function burstOf({ request, limits }: StepSpec, terms: QosTerms | undefined): Limits {
  const burst = terms?.burst;
  if (burst === undefined) return limits;
  const limited = <T extends number>(limit: T, asked: T): T =>
    limit === UNLIMITED && asked > 0 ? scaleAmount(asked, burst) : limit;
  return {
    ...limits,
    cpu: limited(limits.cpu, request.cpu),
    memory: limited(limits.memory, request.memory),
  };
}

function executionOf(
  { execution, run }: StepSpec,
  qos: QosClass,
  { own, terms }: { readonly own: PriorityClass | undefined; readonly terms: QosTerms | undefined },
): ExecutionTerms | undefined {
  if (run.kind === 'held') return execution;
  const process = processOf(execution?.process, qos, { own, terms });
  const { network: sent, process: _, ...rest } = execution ?? {};
  const network = sent && withTraffic(sent, terms);
  const all = { ...rest, ...(network && { network }), ...(process && { process }) };
  return Object.keys(all).length === 0 ? undefined : all;
}

type Process = NonNullable<ExecutionTerms['process']>;

function processOf(
  said: Process | undefined,
  qos: QosClass,
  { own, terms }: { readonly own: PriorityClass | undefined; readonly terms: QosTerms | undefined },
): Process | undefined {
  const { cpuShare: _, memoryGuarantee: __, memoryProtection: former, ...rest } = said ?? {};
  const guarantee = terms?.guarantee;
  const share = scaleAmount(own?.multiplier ?? WHOLE, guarantee ?? WHOLE);
  const protection =
    guarantee === undefined ? former : (former ?? (qos === 'guaranteed' ? 'hard' : 'soft'));
  const all: Process = {
    ...rest,
    ...(share !== WHOLE && { cpuShare: share }),
    ...(protection !== undefined && guarantee !== 0 && { memoryProtection: protection }),
    ...(guarantee !== undefined &&
      guarantee !== 0 &&
      guarantee !== WHOLE && { memoryGuarantee: guarantee }),
  };
  return Object.keys(all).length === 0 ? undefined : all;
}

/** Only of what goes through the proxy, and does not say itself how it is to be treated there. */
function withTraffic(
  sent: NonNullable<ExecutionTerms['network']>,
  terms: QosTerms | undefined,
): NonNullable<ExecutionTerms['network']> {
  const priority = terms?.networkPriority;
  const isSaid = sent.priority !== undefined || sent.trafficType !== undefined;
  return priority === undefined || isSaid || sent.proxied !== true ? sent : { ...sent, priority };
}
