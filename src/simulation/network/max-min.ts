/** What wants to go over some arcs at once, as fast as it may. */
export interface Demand {
  /** Indexes of arcs, each once. None: it goes nowhere, and as fast as its `cap`. */
  readonly arcs: readonly number[];
  /** Above 0: of the same bottleneck it gets so much more than one of weight 1. */
  readonly weight: number;
  /** It never gets more; absent: as much as there is. */
  readonly cap?: number;
}

/**
 * Weighted max-min fair rates by progressive filling (Bertsekas & Gallager, Data Networks, §6.5.2): the rates of all
 * rise together, each by its weight, until an arc is full; those that cross it stay there, and the others rise on.
 * Every demand then has a bottleneck: a full arc on which nobody has more for his weight, or its own cap.
 */
export function maxMinRates(
  capacity: (arc: number) => number,
  demands: readonly Demand[],
): Float64Array {
  const rates = new Float64Array(demands.length);
  const open = new Set(demands.keys());
  const arcs = arcsOf(capacity, demands);
  while (open.size > 0) {
    const { level, full } = nextLevel(arcs, demands, open);
    if (level === Number.POSITIVE_INFINITY) {
      for (const i of open) rates[i] = level;
      return rates;
    }
    for (const i of full) {
      if (!open.delete(i)) continue;
      const { weight, arcs: crossed } = demands[i]!;
      rates[i] = level * weight;
      for (const index of crossed) {
        const arc = arcs.get(index)!;
        arc.left = Math.max(0, arc.left - level * weight);
        arc.weight -= weight;
        arc.open--;
      }
    }
  }
  return rates;
}

interface Arc {
  /** Not given to anybody yet. */
  left: number;
  /** Of the demands that still rise, in sum, and how many they are. */
  weight: number;
  open: number;
  readonly crossing: number[];
}

function arcsOf(
  capacity: (arc: number) => number,
  demands: readonly Demand[],
): ReadonlyMap<number, Arc> {
  const arcs = new Map<number, Arc>();
  demands.forEach(({ arcs: crossed, weight }, i) => {
    for (const index of crossed) {
      const known = arcs.get(index);
      const arc = known ?? { left: capacity(index), weight: 0, open: 0, crossing: [] };
      if (known === undefined) arcs.set(index, arc);
      arc.weight += weight;
      arc.open++;
      arc.crossing.push(i);
    }
  });
  return arcs;
}

/** How far all can rise, as a rate for a weight of 1, and who cannot rise any further then. */
function nextLevel(
  arcs: ReadonlyMap<number, Arc>,
  demands: readonly Demand[],
  open: ReadonlySet<number>,
): { readonly level: number; readonly full: readonly number[] } {
  let level = Number.POSITIVE_INFINITY;
  let full: readonly number[] = [];
  for (const { left, weight, open: count, crossing } of arcs.values()) {
    if (count === 0) continue;
    const share = left / weight;
    if (share >= level) continue;
    level = share;
    full = crossing;
  }
  for (const i of open) {
    const { cap = Number.POSITIVE_INFINITY, weight } = demands[i]!;
    if (cap / weight >= level) continue;
    level = cap / weight;
    full = [i];
  }
  return { level, full };
}
