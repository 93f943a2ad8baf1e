import type { MetricTerms } from '../model/autoscaling.ts';

/** What one wanted replica uses of a resource. */
export interface ReplicaUse {
  /** It takes its part of the load, and has for as long as `use` was measured. */
  readonly isReady: boolean;
  /** Thousandths of a percent of what it asked for; undefined where it could not be measured. */
  readonly use: number | undefined;
}

/** What a metric says at one moment. */
export type Measured =
  | { readonly kind: 'use'; readonly replicas: readonly ReplicaUse[] }
  /** Of all replicas together, in thousandths. */
  | { readonly kind: 'total'; readonly value: number }
  | { readonly kind: 'unknown'; readonly why: string };

export type Proposal =
  /** `value`: of the whole, or of a resource the average of the replicas; in thousandths. */
  | { readonly kind: 'asks'; readonly replicas: number; readonly value: number }
  | { readonly kind: 'unknown'; readonly why: string }
  /** There is no replica whose use could be measured. */
  | { readonly kind: 'silent' };

/** What is nearer to its target than a tenth of it is let be: the tolerance of Kubernetes' autoscaler. */
const TOLERANCE_PARTS = 10;
/** Thousandths of a percent. */
const ALL_OF_IT = 100_000;

/**
 * How many replicas a metric asks for when `current` are wanted: so many that each comes to its target, as
 * Kubernetes' horizontal pod autoscaler reckons it (pkg/controller/podautoscaler/replica_calculator.go).
 */
export function propose(
  { target }: Pick<MetricTerms, 'target'>,
  measured: Measured,
  current: number,
): Proposal {
  switch (measured.kind) {
    case 'unknown':
      return measured;
    case 'total': {
      const { value } = measured;
      const stays = current > 0 && isNear(value, target * current);
      return { kind: 'asks', replicas: stays ? current : Math.ceil(value / target), value };
    }
    case 'use':
      return current === 0 ? { kind: 'silent' } : proposeByUse(measured.replicas, target, current);
  }
}

function proposeByUse(replicas: readonly ReplicaUse[], target: number, current: number): Proposal {
  const ready = replicas.filter(({ isReady }) => isReady);
  const uses = ready.flatMap(({ use }) => (use === undefined ? [] : [use]));
  if (uses.length === 0) return { kind: 'unknown', why: 'no replica was measured yet' };
  const sum = uses.reduce((all, use) => all + use, 0);
  const value = Math.round(sum / uses.length);
  const replicasAsked = replicasByUse({
    sum,
    measured: uses.length,
    missing: ready.length - uses.length,
    unready: replicas.length - ready.length,
    target,
    current,
  });
  return { kind: 'asks', replicas: replicasAsked, value };
}

interface UseTally {
  /** Of those measured. */
  readonly sum: number;
  readonly measured: number;
  /** Ready, and not measured. */
  readonly missing: number;
  readonly unready: number;
  readonly target: number;
  readonly current: number;
}

/**
 * Those not measured are taken to use all that they asked for when there seem to be too many, and nothing when
 * there seem to be too few; those not ready count for the latter only. So what is not known makes a step smaller, and
 * never turns it round.
 */
function replicasByUse({ sum, measured, missing, unready, target, current }: UseTally): number {
  const wanted = target * measured;
  const isAbove = sum > wanted;
  const isBelow = sum < wanted;
  if (missing === 0 && !(unready > 0 && isAbove)) {
    return isNear(sum, wanted) ? current : Math.ceil(sum / target);
  }
  const assumed = isBelow ? missing * Math.max(ALL_OF_IT, target) : 0;
  const all = sum + assumed;
  const counted = measured + (isAbove || isBelow ? missing : 0) + (isAbove ? unready : 0);
  const allWanted = target * counted;
  const turnsRound = (isBelow && all > allWanted) || (isAbove && all < allWanted);
  if (isNear(all, allWanted) || turnsRound) return current;
  const asked = Math.ceil(all / target);
  return all < allWanted ? Math.min(asked, current) : Math.max(asked, current);
}

const isNear = (value: number, wanted: number): boolean =>
  Math.abs(value - wanted) <= Math.floor(wanted / TOLERANCE_PARTS);
