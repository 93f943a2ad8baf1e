import { isReached, parseThreshold, type Threshold } from '../model/eviction-threshold.ts';
import type { NodePressure } from '../model/live-change.ts';
import type { Command, Event } from '../model/messages.ts';
import { preemptionPriorities, type QosClass, qosOf } from '../model/qos.ts';
import type { EvictionConfig } from '../model/scheduling-config.ts';
import { type Consumer, evictionOrder } from '../scheduling/qos.ts';
import type { AttemptRecord } from './records.ts';
import type { State } from './state.ts';

type Report = Extract<Command, { kind: 'report-pressure' }>;

/** Where the site says nothing of evictions. */
const SETTLE_MS = 10_000;

/**
 * Who has to go now that a node was measured; nobody while the last one that was told to go is still there, or
 * has just left: what it freed shows only then. Guaranteed ones go last, and only by a threshold of their own.
 */
export function decideEviction(
  state: State,
  config: EvictionConfig | undefined,
  { at, node, pressure, use, relief }: Report,
): Event | undefined {
  const row = state.table.rowOf(node);
  if ((config === undefined && relief === undefined) || row === undefined) return undefined;
  const settleMs = config?.settleMs ?? SETTLE_MS;
  const thresholdOf = (qos: QosClass): string | undefined =>
    relief !== undefined && qos !== 'guaranteed' ? relief : config?.thresholds[qos];
  const last = state.live.lastEviction(node);
  if (last !== undefined) {
    const { end, endedAt } = state.attempt(last.eviction.attempt) ?? {};
    const gone = end === undefined ? undefined : endedAt;
    if (state.attempt(last.eviction.attempt) !== undefined && gone === undefined) return undefined;
    if (at < (gone ?? last.at) + settleMs) return undefined;
  }
  const used = new Map(use.map((one) => [one.attempt, one.memory]));
  const consumers = new Map<Consumer, AttemptRecord>();
  for (const attempt of state.runningAttempts()) {
    const { task, placement, stop } = attempt;
    if (placement.node !== node || task.step.spec.run.kind === 'held') continue;
    // Somebody goes already, for whatever reason: that may be enough.
    if (stop !== undefined) return undefined;
    const qos = qosOfAttempt(attempt);
    const isRelief = relief !== undefined && qos !== 'guaranteed';
    if (!isRelief && !reaches(config?.thresholds[qos], pressure)) continue;
    const requested = placement.held.memory;
    const { id, task: of } = attempt;
    const classPriority = of.stops?.preemptionPriority ?? preemptionPriorities[qos];
    const consumer = { attempt: id, qos, classPriority, priority: of.priority, requested };
    consumers.set({ ...consumer, used: used.get(id) }, attempt);
  }
  const [first] = evictionOrder([...consumers.keys()]);
  if (first === undefined) return undefined;
  const { attempt, qos } = first;
  const memory = used.get(attempt);
  return {
    kind: 'eviction-ordered',
    at,
    eviction: {
      node,
      attempt,
      qos,
      pressure,
      threshold: thresholdOf(qos)!,
      ...(memory !== undefined && { used: memory }),
      requested: consumers.get(first)!.placement.held.memory,
    },
  };
}

/** As its document says, or by what it holds and is limited to now: then an adjustment may change the class. */
export function qosOfAttempt({ placement, live, task }: AttemptRecord): QosClass {
  if (task.step.spec.qos !== undefined) return task.step.spec.qos;
  const limits = live?.limits ?? { ...task.step.spec.limits, memory: placement.memoryLimit };
  return qosOf(placement.held, limits);
}

function reaches(text: string | undefined, pressure: NodePressure): boolean {
  const threshold = text === undefined ? undefined : parsed(text);
  if (threshold === undefined) return false;
  return (
    isReached(threshold, {
      ...(pressure.memoryUsed !== undefined && { memory: pressure.memoryUsed }),
      ...(pressure.memorySome !== undefined && { memory_pressure: pressure.memorySome }),
    }) === true
  );
}

/** Of a site's few texts, which were checked when the site was read. */
function parsed(text: string): Threshold | undefined {
  const read = parseThreshold(text);
  return read.ok ? read.threshold : undefined;
}
