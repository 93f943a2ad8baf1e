import type { SpanMs } from '../base/units.ts';

/** What saving costs, and how long the machine runs between failures, on average. */
export interface CheckpointCost {
  readonly saveMs: SpanMs;
  readonly betweenFailuresMs: SpanMs;
}

/** Working time between two checkpoints that wastes least, to first order: √(2CM) (Young 1974). */
export function youngInterval({ saveMs, betweenFailuresMs }: CheckpointCost): SpanMs {
  return Math.round(Math.sqrt(2 * saveMs * betweenFailuresMs)) as SpanMs;
}

/**
 * The same to higher order: √(2CM)·(1 + ⅓√(C/2M) + C/18M) − C while C < 2M, and M beyond that (Daly 2006,
 * A higher order estimate of the optimum checkpoint interval for restart dumps).
 */
export function dalyInterval({ saveMs: c, betweenFailuresMs: m }: CheckpointCost): SpanMs {
  if (c >= 2 * m) return m;
  const ratio = c / (2 * m);
  const interval = Math.sqrt(2 * c * m) * (1 + Math.sqrt(ratio) / 3 + ratio / 9) - c;
  return Math.round(interval) as SpanMs;
}
