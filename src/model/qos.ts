import type { BasisPoints } from '../base/units.ts';
import type { Resources } from './resources.ts';
import type { Limits } from './workload.ts';

/** Classes of service, in the order in which their tasks are stopped when a node runs out: the first first. */
export const qosClasses = ['best-effort', 'burstable', 'guaranteed'] as const;
export type QosClass = (typeof qosClasses)[number];

/** What a site says of a class of service. Each part that is absent leaves things as documents have them. */
export interface QosTerms {
  /** Of what its tasks ask for of CPU and memory, so much is theirs when others want it, too. */
  readonly guarantee?: BasisPoints;
  /** Limit in parts of the request, of tasks without one. */
  readonly burst?: BasisPoints;
  /** Lower is stopped first, for others or because a node runs out. */
  readonly preemptionPriority?: number;
  /** Of what its tasks send through the proxy. */
  readonly networkPriority?: 'high' | 'normal' | 'low';
}

export type QosConfig = Readonly<Record<QosClass, QosTerms>>;

/** Where a site says nothing. */
export const preemptionPriorities: Readonly<Record<QosClass, number>> = {
  'best-effort': 0,
  burstable: 100,
  guaranteed: 1000,
};

/**
 * As Kubernetes tells them apart: guaranteed when what is asked for is the limit of both CPU and memory,
 * best-effort when neither is asked for, burstable between.
 */
export function qosOf(request: Resources, limits: Pick<Limits, 'cpu' | 'memory'>): QosClass {
  if (request.cpu === 0 && request.memory === 0) return 'best-effort';
  const held = limits.cpu === request.cpu && limits.memory === request.memory;
  return held && request.cpu > 0 && request.memory > 0 ? 'guaranteed' : 'burstable';
}
