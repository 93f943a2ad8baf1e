import { type AttemptId, parseAttemptId } from '../model/ids.ts';
import { blastRadius, type Dependency } from './blast-radius.ts';
import {
  type Exposure,
  type FailureCause,
  type FailureLedger,
  type NodeLoss,
  type ParentKind,
  parentKinds,
  type StepNeeds,
} from './failure-ledger.ts';
import { type SharedParent, sharedParent } from './shared-parent.ts';
import { branchingOf } from './statistics/branching.ts';
import { growthOf } from './statistics/growth.ts';

export type IncidentClass = 'exponential' | 'linear' | 'clustered' | 'unclear';

/** Failures that belong together in time. */
export interface Incident {
  readonly id: string;
  readonly from: number;
  readonly to: number;
  /** The attempt that failed first. */
  readonly first: AttemptId;
  /**
   * `exponential`: each brings others about. `clustered`: they share what failed. `linear`: something runs out or
   * breaks at a steady pace. `unclear`: too few, or none of these.
   */
  readonly class: IncidentClass;
  readonly failures: number;
  readonly causes: readonly { readonly cause: FailureCause; readonly count: number }[];
  readonly nodesLost: readonly string[];
  readonly workloads: readonly string[];
  readonly tenants: readonly string[];
  /** How many of them one brings about; undefined where there are too few to tell. */
  readonly branchingRatio: number | undefined;
  readonly doublingMs: number | undefined;
  readonly parent: SharedParent | undefined;
  /** What all of them share, where it may be chance: nothing else ran, or too little. */
  readonly common: { readonly kind: ParentKind; readonly name: string } | undefined;
  /** Failures that were not the first try of their task. */
  readonly retried: number;
  /** Failures in equal parts of its time. */
  readonly timeline: readonly number[];
  readonly memory: MemoryCascade;
  readonly blast: Blast;
}

export interface MemoryCascade {
  /** `suspected`: it looks so, and nobody measured what would prove it. */
  readonly verdict: 'yes' | 'suspected' | 'no';
  /** Ended for want of memory, in the first half of the incident and in the second. */
  readonly first: number;
  readonly second: number;
  readonly retransmitRatio: number | undefined;
  readonly pressureRatio: number | undefined;
}

/** What depends on what failed. */
export interface Blast {
  /** Attempts that ran then, depend on it and have not failed. */
  readonly atRisk: number;
  /** Steps that need what failed, over however many others. */
  readonly steps: number;
  /** Of those, what never ran. */
  readonly skipped: number;
  readonly nodes: number;
  readonly tenants: number;
}

/** Greatest values within a time; undefined where nothing was measured. */
export type MeasuredMemory = (
  from: number,
  to: number,
) => { readonly retransmitRatio?: number; readonly pressureRatio?: number };

export interface IncidentOptions {
  readonly measured?: MeasuredMemory;
  /** Without a failure for so long it is over. */
  readonly quietMs?: number;
}

const QUIET_MS = 10 * 60_000;
const FAILURES_MIN = 3;
const INCIDENTS_MAX = 50;
const TIMELINE_PARTS = 24;
/** What ran so long before and after says what else might have failed. */
const AROUND_MS = 60 * 60_000;
/** Nodes that are lost are counted instead of attempts from so many on: many attempts are lost with one. */
const NODES_MIN = 6;

/** The newest first, at most 50. */
export const incidentsOf = (
  ledger: FailureLedger,
  options?: IncidentOptions,
): readonly Incident[] => [...eachIncident(ledger, options)];

/** The same one by one: each takes some milliseconds, between which others may have their turn. */
export function* eachIncident(
  ledger: FailureLedger,
  { measured = () => ({}), quietMs = QUIET_MS }: IncidentOptions = {},
): Iterable<Incident> {
  const failed = ledger.exposures
    .filter(({ failure, to }) => failure !== undefined && to !== undefined)
    .sort((a, b) => a.to! - b.to!);
  const parts: (readonly Exposure[])[] = [];
  for (let i = 0; i < failed.length; ) {
    let end = i + 1;
    while (end < failed.length && failed[end]!.to! - failed[end - 1]!.to! <= quietMs) end++;
    const part = failed.slice(i, end);
    if (part.length >= FAILURES_MIN) parts.push(part);
    i = end;
  }
  for (const part of parts.slice(-INCIDENTS_MAX).reverse()) {
    yield incidentOf(ledger, part, measured);
  }
}

function incidentOf(
  ledger: FailureLedger,
  failed: readonly Exposure[],
  measured: MeasuredMemory,
): Incident {
  const from = failed[0]!.to!;
  const to = failed.at(-1)!.to!;
  const ran = (since: number, until: number): readonly Exposure[] =>
    ledger.exposures.filter((one) => one.from <= until && (one.to ?? until) >= since);
  const exposed = ran(from, to);
  const losses = ledger.losses.filter(({ at }) => at >= from && at <= to);
  const moments =
    losses.length >= NODES_MIN ? losses.map(({ at }) => at) : failed.map((x) => x.to!);
  const growth = growthOf(moments);
  const parent = sharedParent(inWindow(ran(from - AROUND_MS, to + AROUND_MS), from, to));
  const isRunaway = growth.shape === 'exponential';
  return {
    id: `incident-${from}-${failed[0]!.id}`,
    from,
    to,
    first: failed[0]!.id,
    class: isRunaway
      ? 'exponential'
      : parent !== undefined
        ? 'clustered'
        : growth.shape === 'linear'
          ? 'linear'
          : 'unclear',
    failures: failed.length,
    causes: causesOf(failed),
    nodesLost: losses.map(({ node }) => node),
    workloads: distinct(failed, 'workload'),
    tenants: distinct(failed, 'tenant'),
    branchingRatio: growth.shape === 'burst' ? undefined : branchingOf(moments)?.ratio,
    doublingMs: growth.doublingMs,
    parent,
    common: parent === undefined ? commonOf(failed) : undefined,
    retried: failed.filter(({ id }) => parseAttemptId(id)!.number > 1).length,
    timeline: timelineOf(failed, from, to),
    memory: memoryCascade(failed, from, to, measured),
    blast: blastOf(ledger, exposed, failed, { parent, losses, from, to }),
  };
}

/** What failed after or before it, did not fail in it. */
const inWindow = (exposed: readonly Exposure[], from: number, to: number): readonly Exposure[] =>
  exposed.map((one) => {
    if (one.failure === undefined || (one.to! >= from && one.to! <= to)) return one;
    const { failure: _, ...ran } = one;
    return ran;
  });

function causesOf(failed: readonly Exposure[]): Incident['causes'] {
  const counts = new Map<FailureCause, number>();
  for (const { failure } of failed) counts.set(failure!, (counts.get(failure!) ?? 0) + 1);
  return [...counts]
    .map(([cause, count]) => ({ cause, count }))
    .sort((a, b) => b.count - a.count || (a.cause < b.cause ? -1 : 1));
}

function commonOf(failed: readonly Exposure[]): Incident['common'] {
  for (const kind of parentKinds) {
    const name = failed[0]!.parents[kind]?.find((one) =>
      failed.every(({ parents }) => parents[kind]?.includes(one)),
    );
    if (name !== undefined && kind !== 'queue' && kind !== 'zone') return { kind, name };
  }
  return undefined;
}

const distinct = (failed: readonly Exposure[], kind: 'workload' | 'tenant'): readonly string[] => [
  ...new Set(failed.flatMap(({ parents }) => parents[kind] ?? [])),
];

function timelineOf(failed: readonly Exposure[], from: number, to: number): readonly number[] {
  const parts = new Array<number>(TIMELINE_PARTS).fill(0);
  for (const { to: at } of failed) {
    const share = to === from ? 0 : (at! - from) / (to - from);
    const part = Math.min(TIMELINE_PARTS - 1, Math.floor(share * TIMELINE_PARTS));
    parts[part] = parts[part]! + 1;
  }
  return parts;
}

/** From seed 003: TCP segments sent again, and time in which somebody waited for memory. */
const RETRANSMIT_MIN = 0.05;
const PRESSURE_MIN = 0.8;
const FOR_MEMORY: ReadonlySet<FailureCause> = new Set(['oom-killed', 'evicted']);

/** Ends for want of memory that become more, while the network and memory are at their limits. */
function memoryCascade(
  failed: readonly Exposure[],
  from: number,
  to: number,
  measured: MeasuredMemory,
): MemoryCascade {
  const forMemory = failed.filter(({ failure }) => FOR_MEMORY.has(failure!));
  const middle = (from + to) / 2;
  const first = forMemory.filter(({ to: at }) => at! < middle).length;
  const second = forMemory.length - first;
  const { retransmitRatio, pressureRatio } = measured(from, to);
  const grows = forMemory.length >= FAILURES_MIN && second > first;
  const isMeasured = retransmitRatio !== undefined && pressureRatio !== undefined;
  const isProved = (retransmitRatio ?? 0) > RETRANSMIT_MIN && (pressureRatio ?? 0) > PRESSURE_MIN;
  const looksSo = grows && !isMeasured && forMemory.length >= failed.length / 2;
  const verdict = grows && isProved ? 'yes' : looksSo ? 'suspected' : 'no';
  return { verdict, first, second, retransmitRatio, pressureRatio };
}

interface BlastContext {
  readonly parent: SharedParent | undefined;
  readonly losses: readonly NodeLoss[];
  readonly from: number;
  readonly to: number;
}

/** Over nodes and their racks, steps that need others, and what tasks submitted. */
function blastOf(
  ledger: FailureLedger,
  exposed: readonly Exposure[],
  failed: readonly Exposure[],
  { parent, losses, from, to }: BlastContext,
): Blast {
  const physical = parent !== undefined && ['node', 'rack', 'zone', 'switch'].includes(parent.kind);
  const roots = [
    ...(physical ? [`${parent.kind} ${parent.name}`] : []),
    ...losses.map(({ node }) => `node ${node}`),
    ...failed.map(stepOf),
  ];
  const ran = new Set(exposed.flatMap(({ parents }) => parents.workload ?? []));
  const needs = ledger.needs(ran);
  const reached = blastRadius(dependenciesOf(needs, exposed), roots);
  const hit = new Set(failed.map(stepOf));
  const gone = new Set(failed.map(({ id }) => `attempt ${id}`));
  const count = (kind: string): string[] =>
    [...reached.keys()].filter((name) => name.startsWith(`${kind} `));
  const steps = count('step').filter((step) => !hit.has(step));
  const tenantOf = new Map(needs.map(({ workload, tenant }) => [workload, tenant]));
  const never = new Set(
    ledger.skipped(from, Math.max(to, from) + QUIET_MS).map((id) => `step ${id}`),
  );
  return {
    atRisk: count('attempt').filter((name) => !gone.has(name)).length,
    steps: steps.length,
    skipped: steps.filter((step) => never.has(step)).length,
    nodes: count('node').length,
    tenants: new Set(
      count('step').map((step) => tenantOf.get(step.slice('step '.length).split('/')[0]!)),
    ).size,
  };
}

const stepOf = ({ id, parents }: Exposure): string =>
  `step ${parents.workload?.[0]}/${id.split('.')[1]}`;

function* dependenciesOf(
  needs: readonly StepNeeds[],
  exposed: readonly Exposure[],
): Iterable<Dependency> {
  for (const one of exposed) {
    const { node, rack, zone, switch: box } = one.parents;
    const on = `node ${node?.[0]}`;
    yield { of: `attempt ${one.id}`, on };
    yield { of: stepOf(one), on };
    if (rack) yield { of: on, on: `rack ${rack[0]}` };
    if (zone) yield { of: on, on: `zone ${zone[0]}` };
    if (box) yield { of: on, on: `switch ${box[0]}` };
  }
  for (const { workload, steps, by } of needs) {
    for (const { id, needs } of steps) {
      for (const need of needs)
        yield { of: `step ${workload}/${id}`, on: `step ${workload}/${need}` };
      if (by === undefined) continue;
      const [parent, step] = by.split('.');
      yield { of: `step ${workload}/${id}`, on: `step ${parent}/${step}` };
    }
  }
}
