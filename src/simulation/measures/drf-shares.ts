import type { Vector } from '../../scheduling/usage-account.ts';

export interface Claimant {
  readonly weight: number;
  /** What it would use if it had the site to itself: parts of each resource, also above 1. */
  readonly demand: Vector;
}

const RESOURCES = 3;
/** Parts that differ by less are the same. */
const EPSILON = 1e-12;

/**
 * What each claimant is entitled to, as its dominant share: all are raised together in proportion to their weights,
 * each using resources as it asks for them, until it has what it asks for or a resource that it uses is given out
 * (weighted dominant-resource fairness by progressive filling; Ghodsi et al., NSDI'11).
 */
export function drfShares(claimants: readonly Claimant[]): number[] {
  const dominant = claimants.map(({ demand }) => Math.max(...demand));
  const shares = claimants.map(() => 0);
  const order = [...claimants.keys()]
    .filter((i) => dominant[i]! > 0)
    .sort((a, b) => fullAt(a) - fullAt(b) || a - b);
  const free = [1, 1, 1];
  const rates = [0, 0, 0];
  const isFilling = claimants.map((_, i) => dominant[i]! > 0);
  for (const i of order) addRate(i, 1);
  let level = 0;
  for (let next = 0; next < order.length; ) {
    const first = order[next]!;
    if (!isFilling[first]) {
      next++;
      continue;
    }
    const missing = fullAt(first) - level;
    const step = Math.min(missing, roomAt());
    level += step;
    for (let r = 0; r < RESOURCES; r++) free[r] = Math.max(0, free[r]! - rates[r]! * step);
    if (step === missing) stop(first);
    for (let r = 0; r < RESOURCES; r++) if (free[r]! <= EPSILON) stopUsersOf(r);
  }
  return shares;

  function fullAt(i: number): number {
    return dominant[i]! / claimants[i]!.weight;
  }

  /** Of each resource, what one step of the level takes for it. */
  function addRate(i: number, sign: 1 | -1): void {
    const { demand, weight } = claimants[i]!;
    for (let r = 0; r < RESOURCES; r++) {
      rates[r] = rates[r]! + (sign * weight * demand[r]!) / dominant[i]!;
    }
  }

  /** How far the level may rise until a resource is given out. */
  function roomAt(): number {
    let room = Number.POSITIVE_INFINITY;
    for (let r = 0; r < RESOURCES; r++) {
      if (rates[r]! > EPSILON) room = Math.min(room, free[r]! / rates[r]!);
    }
    return room;
  }

  function stop(i: number): void {
    isFilling[i] = false;
    shares[i] = level * claimants[i]!.weight;
    addRate(i, -1);
  }

  function stopUsersOf(r: number): void {
    for (const i of order) if (isFilling[i] && claimants[i]!.demand[r]! > 0) stop(i);
    // What is given out counts once.
    free[r] = Number.POSITIVE_INFINITY;
    rates[r] = 0;
  }
}
