import { byAge, type Candidate, type Gang } from './scheduler.ts';

/** One gang with tasks that wait. */
export interface WaitingGang<T extends Candidate> {
  readonly gang: Gang;
  /** In their order in the step. */
  readonly waiting: T[];
  /** Those of them that stand in the queue of single tasks: one for all, or each for itself. */
  readonly queued: Set<T>;
  /** It found no place since something was freed last; the most that fitted. */
  room: number | undefined;
}

/** How many tasks must start at once; 0 when each may start by itself, undefined while it must not. */
export function neededNow({ gang, waiting }: WaitingGang<Candidate>): number | undefined {
  if (gang.alive >= gang.min) return 0;
  const needed = gang.min - gang.alive;
  // Below its minimum with some still running: they are stopped first, and it starts again as one.
  return gang.running > 0 || waiting.length < needed ? undefined : needed;
}

/** Gangs with waiting tasks, each represented in the queue of single tasks by its first. */
export class GangQueue<T extends Candidate> {
  readonly #gangs = new Map<string, WaitingGang<T>>();
  readonly #dirty = new Set<WaitingGang<T>>();
  readonly #enqueue: (task: T) => void;
  readonly #withdraw: (task: T) => void;

  constructor(enqueue: (task: T) => void, withdraw: (task: T) => void) {
    this.#enqueue = enqueue;
    this.#withdraw = withdraw;
  }

  of(task: T): WaitingGang<T> | undefined {
    return task.gang === undefined ? undefined : this.#gangs.get(task.gang.key);
  }

  add(task: T, gang: Gang): void {
    let known = this.#gangs.get(gang.key);
    if (known === undefined) {
      known = { gang, waiting: [], queued: new Set(), room: undefined };
      this.#gangs.set(gang.key, known);
    }
    known.waiting.push(task);
    // With another member it may need less: they need not all ask for the same.
    known.room = undefined;
    this.#dirty.add(known);
  }

  /** It was placed, or left without a place. */
  remove(task: T): void {
    const gang = this.of(task);
    const at = gang?.waiting.indexOf(task) ?? -1;
    if (gang === undefined || at < 0) return;
    gang.waiting.splice(at, 1);
    if (gang.queued.delete(task)) this.#withdraw(task);
    this.#dirty.add(gang);
    if (gang.waiting.length === 0) {
      this.#gangs.delete(gang.gang.key);
      this.#dirty.delete(gang);
    }
  }

  /** Something happened to a task of it that runs. */
  touch(task: T): void {
    const gang = this.of(task);
    if (gang !== undefined) this.#dirty.add(gang);
  }

  /** Something was freed: those that found no place look again. */
  wake(): void {
    for (const gang of this.#gangs.values()) {
      if (gang.room === undefined) continue;
      gang.room = undefined;
      this.#dirty.add(gang);
    }
  }

  sleep(gang: WaitingGang<T>, room: number): void {
    gang.room = room;
    this.#dirty.add(gang);
    this.settle();
  }

  /** Brings the queue of single tasks up to date. */
  settle(): void {
    if (this.#dirty.size === 0) return;
    for (const gang of this.#dirty) {
      gang.waiting.sort(byAge);
      const needed = neededNow(gang);
      const stand =
        needed === 0
          ? gang.waiting
          : needed === undefined || gang.room !== undefined
            ? []
            : gang.waiting.slice(0, 1);
      const wanted = new Set(stand);
      for (const task of gang.queued) {
        if (wanted.has(task)) continue;
        gang.queued.delete(task);
        this.#withdraw(task);
      }
      for (const task of stand) {
        if (gang.queued.has(task)) continue;
        gang.queued.add(task);
        this.#enqueue(task);
      }
    }
    this.#dirty.clear();
  }

  /** The first task of every gang that found no place. */
  passedOver(): T[] {
    const heads: T[] = [];
    for (const gang of this.#gangs.values()) {
      if (gang.room !== undefined && (neededNow(gang) ?? 0) > 0) heads.push(gang.waiting[0]!);
    }
    return heads;
  }
}
