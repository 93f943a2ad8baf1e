import type { EvictionRule } from '../model/preemption.ts';
import { shareOf } from './fair-shares.ts';
import type { Occupant } from './occupancy.ts';
import type { QueueNode } from './queue-tree.ts';
import type { Candidate } from './scheduler.ts';
import { type Vector, vectorOf } from './usage-account.ts';

/** What one task may take from other queues: asked about each victim by a search. */
export interface Reclaim<T extends Candidate> {
  /** The victim waits and runs in another queue; within one, priority decides. */
  isOther(victim: T): boolean;
  /** Whether its queue holds more than it is entitled to, compared with the taker's. */
  mayTake(victim: T): boolean;
  /** The same after these have stopped: its queue must not become the poorer one, nor lose its guarantee. */
  allows(victim: Occupant<T>, alsoStopped: Iterable<Occupant<T>>): boolean;
  /** The tightest of the inequalities that allowed these; undefined when all are of the taker's own queue. */
  rule(stopped: readonly Occupant<T>[]): EvictionRule | undefined;
}

/**
 * Whoever was stopped so often runs on, whatever its queue holds. Shares of several resources and priorities
 * within queues can lead back to where they began (met once in some 1,500 drawn sites), and so they end: every
 * task is taken so often at most, and between two such moves priorities alone can only rise.
 */
export const STOPS_MAX = 8;

/** Two queues that meet below one parent, and why the one may take from the other. */
interface Meeting {
  readonly taker: QueueNode;
  readonly giver: QueueNode;
  readonly by: 'share' | 'guarantee' | 'queue-priority' | 'nothing';
  readonly takerBefore: number;
  readonly takerAfter: number;
  readonly giverBefore: number;
}

/**
 * Reclaim between queues of a tree. The queues of two tasks are compared where their branches part, as the
 * children of that parent are when it is decided who goes next: by what each holds above its guarantee, as a
 * part of the site, for its weight. Kueue's rules S2-b and S2-a: the taker's share with all that it asks for is
 * below the giver's before the move, and not above what is left to the giver after it. So a move evens
 * the shares, and the way back is barred.
 */
export class QueueReclaim<T extends Candidate> implements Reclaim<T> {
  readonly #leaf: QueueNode;
  readonly #leafOf: (task: T) => QueueNode;
  readonly #gained: Vector;
  readonly #capacity: Vector;
  readonly #meetings = new Map<QueueNode, Meeting>();

  constructor(task: T, gained: Vector, leafOf: (task: T) => QueueNode, capacity: Vector) {
    this.#leaf = leafOf(task);
    this.#leafOf = leafOf;
    this.#gained = gained;
    this.#capacity = capacity;
  }

  isOther(victim: T): boolean {
    return this.#leafOf(victim) !== this.#leaf;
  }

  mayTake(victim: T): boolean {
    const { by, takerAfter, giverBefore } = this.#meeting(this.#leafOf(victim));
    if (by === 'nothing' || (victim.preempted ?? 0) >= STOPS_MAX) return false;
    return by === 'queue-priority' || takerAfter < giverBefore;
  }

  allows(victim: Occupant<T>, alsoStopped: Iterable<Occupant<T>>): boolean {
    const leaf = this.#leafOf(victim.running.task);
    const { by, giver, takerAfter } = this.#meeting(leaf);
    const stopped = [victim, ...alsoStopped];
    for (let q = leaf; ; q = q.parent!) {
      if (breaksGuarantee(q, this.#lost(q, stopped))) return false;
      if (q === giver) break;
    }
    return by === 'queue-priority' || takerAfter <= this.#left(giver, stopped);
  }

  rule(stopped: readonly Occupant<T>[]): EvictionRule | undefined {
    let tightest: EvictionRule | undefined;
    let room = Number.POSITIVE_INFINITY;
    for (const { running } of stopped) {
      if (!this.isOther(running.task)) continue;
      const { by, taker, giver, ...shares } = this.#meeting(this.#leafOf(running.task));
      const { takerBefore, takerAfter, giverBefore } = shares;
      if (by === 'queue-priority') {
        const [preemptor, victim] = [taker.config.priority, giver.config.priority];
        tightest ??= { kind: 'priority', preemptor, victim };
        continue;
      }
      const giverAfter = this.#left(giver, stopped);
      if (giverAfter - takerAfter >= room) continue;
      room = giverAfter - takerAfter;
      const queues = { taker: taker.name, giver: giver.name };
      tightest = { kind: 'share', ...queues, takerBefore, takerAfter, giverBefore, giverAfter };
    }
    return tightest;
  }

  #left(giver: QueueNode, stopped: readonly Occupant<T>[]): number {
    return entitlementShare(giver, minus(giver.held, this.#lost(giver, stopped)), this.#capacity);
  }

  /** What the queue and those below it would lose. */
  #lost(queue: QueueNode, stopped: readonly Occupant<T>[]): Vector {
    const lost: [number, number, number] = [0, 0, 0];
    for (const { running } of stopped) {
      if (!isBelow(this.#leafOf(running.task), queue)) continue;
      const held = vectorOf(running.held);
      for (let r = 0; r < 3; r++) lost[r]! += held[r]!;
    }
    return lost;
  }

  #meeting(leaf: QueueNode): Meeting {
    const known = this.#meetings.get(leaf);
    if (known !== undefined) return known;
    let taker = this.#leaf;
    while (taker.parent !== undefined && !isBelow(leaf, taker.parent)) taker = taker.parent;
    let giver = leaf;
    while (giver.parent !== undefined && giver.parent !== taker.parent) giver = giver.parent;
    const capacity = this.#capacity;
    const meeting: Meeting = {
      taker,
      giver,
      by: this.#by(taker, leaf, giver),
      takerBefore: entitlementShare(taker, taker.held, capacity),
      takerAfter: entitlementShare(taker, plus(taker.held, this.#gained), capacity),
      giverBefore: entitlementShare(giver, giver.held, capacity),
    };
    this.#meetings.set(leaf, meeting);
    return meeting;
  }

  #by(taker: QueueNode, leaf: QueueNode, giver: QueueNode): Meeting['by'] {
    for (let q = this.#leaf; ; q = q.parent!) {
      if (q.config.reclaim !== 'enabled') return 'nothing';
      if (q === taker) break;
    }
    for (let q = leaf; ; q = q.parent!) {
      if (q.config.reclaim === 'disabled') return 'nothing';
      if (q === giver) break;
    }
    const { childOrder } = taker.parent!.config;
    const higher = taker.config.priority - giver.config.priority;
    if (childOrder === 'priority' && higher > 0) return 'queue-priority';
    const within = entitlementShare(taker, plus(taker.held, this.#gained), this.#capacity) === 0;
    if (childOrder === 'weighted' || (childOrder === 'priority' && higher === 0)) return 'share';
    return within ? 'guarantee' : 'nothing';
  }
}

/**
 * What it holds beyond what it is entitled to: the largest part of any resource, in billionths of the site, for
 * its weight. 0 within its guarantee. A guarantee of a part of one resource brings the same part of the CPU and
 * memory that it says nothing of, since nothing runs without them; GPUs it must name.
 */
export function entitlementShare(queue: QueueNode, held: Vector, capacity: Vector): number {
  let part = 0;
  const isFloor = queue.config.reclaim !== 'always';
  for (const r of [0, 1, 2] as const) {
    if (isFloor && capacity[r] > 0) part = Math.max(part, queue.guaranteed[r] / capacity[r]);
  }
  let most = 0;
  for (const r of [0, 1, 2] as const) {
    const own = isFloor ? queue.guaranteed[r] : 0;
    const title = own > 0 || r === 2 ? own : Math.floor(Math.min(1, part) * capacity[r]);
    most = Math.max(most, shareOf(Math.max(0, held[r] - title), capacity[r]));
  }
  return Math.floor(most / queue.config.weight);
}

function breaksGuarantee(queue: QueueNode, lost: Vector): boolean {
  if (queue.config.reclaim === 'always') return false;
  return ([0, 1, 2] as const).some(
    (r) => lost[r] > 0 && queue.held[r] - lost[r] < queue.guaranteed[r],
  );
}

function isBelow(queue: QueueNode, ancestor: QueueNode): boolean {
  for (let q: QueueNode | undefined = queue; q !== undefined; q = q.parent) {
    if (q === ancestor) return true;
  }
  return false;
}

const plus = (a: Vector, b: Vector): Vector => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
