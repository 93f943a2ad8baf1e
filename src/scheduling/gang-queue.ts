import { byAge, type Candidate, type Gang, type Together } from './scheduler.ts';

/** One gang with tasks that wait. */
export interface WaitingGang<T extends Candidate> {
  readonly gang: Gang;
  /** In their order in the step. */
  readonly waiting: T[];
  /** Those of them that stand in the queue of single tasks: one for all, or each for itself. */
  readonly queued: Map<T, Together | undefined>;
  /** It found no place since something was freed last; the most that fitted. */
  room: number | undefined;
  /** Whether it would not fit on empty nodes either, once somebody asked. */
  neverFits: boolean | undefined;
}

/** How many tasks must start at once; 0 when each may start by itself, undefined while it must not. */
export function neededNow({ gang, waiting }: WaitingGang<Candidate>): number | undefined {
  if (gang.alive >= gang.min) return 0;
  const needed = gang.min - gang.alive;
  // Below its minimum with some still running: they are stopped first, and it starts again as one.
  return gang.running > 0 || waiting.length < needed ? undefined : needed;
}

/** The queue of single tasks, as gangs stand in it. */
export interface Line<T extends Candidate> {
  enqueue(task: T, together: Together | undefined): void;
  withdraw(task: T): void;
  /** Absent: who rests leaves, and comes back. */
  readonly rest?: ((task: T, rests: boolean) => void) | undefined;
}

/** Which of a gang start at once, and what they ask for. */
export interface Starters<T extends Candidate> {
  starters(waiting: readonly T[], needed: number): readonly T[];
  together(tasks: readonly T[]): Together;
}

/** Gangs with waiting tasks, each represented in the queue of single tasks by its first. */
export class GangQueue<T extends Candidate> {
  readonly #gangs = new Map<string, WaitingGang<T>>();
  readonly #dirty = new Set<WaitingGang<T>>();
  readonly #line: Line<T>;
  readonly #of: Starters<T>;

  constructor(line: Line<T>, starters: Starters<T>) {
    this.#line = line;
    this.#of = starters;
  }

  of(task: T): WaitingGang<T> | undefined {
    return task.gang === undefined ? undefined : this.#gangs.get(task.gang.key);
  }

  add(task: T, gang: Gang): void {
    let known = this.#gangs.get(gang.key);
    if (known === undefined) {
      known = { gang, waiting: [], queued: new Map(), room: undefined, neverFits: undefined };
      this.#gangs.set(gang.key, known);
    }
    known.waiting.push(task);
    // With another member it may need less: they need not all ask for the same.
    known.room = undefined;
    known.neverFits = undefined;
    this.#dirty.add(known);
  }

  /** It was placed, or left without a place. */
  remove(task: T): void {
    const gang = this.of(task);
    const at = gang?.waiting.indexOf(task) ?? -1;
    if (gang === undefined || at < 0) return;
    gang.waiting.splice(at, 1);
    if (gang.queued.delete(task)) this.#line.withdraw(task);
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
      gang.neverFits = undefined;
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
      const stand = this.#standing(gang);
      for (const [task, stoodFor] of gang.queued) {
        if (stand.has(task) && sameParts(stand.get(task), stoodFor)) continue;
        gang.queued.delete(task);
        this.#line.withdraw(task);
      }
      for (const [task, together] of stand) {
        if (!gang.queued.has(task)) {
          gang.queued.set(task, together);
          this.#line.enqueue(task, together);
        }
        if (together !== undefined) this.#line.rest?.(task, gang.room !== undefined);
      }
    }
    this.#dirty.clear();
  }

  #standing(gang: WaitingGang<T>): Map<T, Together | undefined> {
    const needed = neededNow(gang);
    if (needed === undefined) return new Map();
    // Who joins a gang that must stay together needs more than any free node.
    const alone = gang.gang.topology?.required === true;
    if (needed === 0 && !alone) return new Map(gang.waiting.map((task) => [task, undefined]));
    if (gang.room !== undefined && this.#line.rest === undefined) return new Map();
    if (needed > 0) {
      const starters = this.#of.starters(gang.waiting, needed);
      return new Map([[starters[0]!, this.#of.together(starters)]]);
    }
    return new Map(gang.waiting.map((task) => [task, this.#of.together([task])]));
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

/** The same number of members asks for the same. */
function sameParts(a: Together | undefined, b: Together | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [x, y] = [
    [a, ...(a.smaller ?? [])],
    [b, ...(b.smaller ?? [])],
  ];
  return (
    x.length === y.length &&
    x.every(({ ask, members }, i) => ask === y[i]!.ask && members === y[i]!.members)
  );
}
