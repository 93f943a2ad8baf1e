import { hypergeometricTail } from '../statistics/distributions.ts';
import { type Exposure, type ParentKind, parentKinds } from './failure-ledger.ts';

/** What failures have in common more often than chance would have it. */
export interface SharedParent {
  readonly kind: ParentKind;
  readonly name: string;
  /** Failures that have it, and attempts that ran with it then. */
  readonly failed: number;
  readonly exposed: number;
  /** Of as many or more by chance, times the parents that were tried (Bonferroni). */
  readonly p: number;
}

const SIGNIFICANCE = 0.001;
const SHARE_MIN = 0.5;
const FAILED_MIN = 3;

/**
 * Of all parents, the one that at least half of the failures share and that is least likely by chance
 * (hypergeometric). Of those that are the same set of attempts, the one that is most physical.
 */
export function sharedParent(exposed: readonly Exposure[]): SharedParent | undefined {
  const failed = exposed.filter(({ failure }) => failure !== undefined);
  const all = countsOf(exposed);
  const hit = countsOf(failed);
  const tried = all.size;
  let best: SharedParent | undefined;
  for (const [key, found] of hit) {
    const { kind, name } = found;
    if (found.count < FAILED_MIN || found.count < SHARE_MIN * failed.length) continue;
    const marked = all.get(key)!.count;
    const draw = { population: exposed.length, marked, drawn: failed.length, found: found.count };
    const p = Math.min(1, hypergeometricTail(draw) * tried);
    if (p > SIGNIFICANCE) continue;
    if (best === undefined || isBetter(p, kind, best)) {
      best = { kind, name, failed: found.count, exposed: marked, p };
    }
  }
  return best;
}

/** A thousandth is a difference; less is one only of kind. */
function isBetter(p: number, kind: ParentKind, best: SharedParent): boolean {
  const ratio = Math.max(p, 1e-300) / Math.max(best.p, 1e-300);
  if (ratio < 1e-3) return true;
  return ratio < 1e3 && parentKinds.indexOf(kind) < parentKinds.indexOf(best.kind);
}

interface Counted {
  readonly kind: ParentKind;
  readonly name: string;
  count: number;
}

function countsOf(exposed: readonly Exposure[]): Map<string, Counted> {
  const counts = new Map<string, Counted>();
  for (const { parents } of exposed) {
    for (const kind of parentKinds) {
      for (const name of new Set(parents[kind] ?? [])) {
        const key = `${kind} ${name}`;
        const counted = counts.get(key);
        if (counted === undefined) counts.set(key, { kind, name, count: 1 });
        else counted.count++;
      }
    }
  }
  return counts;
}
