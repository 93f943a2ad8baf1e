import { assert } from '../base/assert.ts';
import { ExpectedEnds } from './expected-ends.ts';
import type { NodeIndex } from './node-table.ts';
import type { Candidate, Running } from './scheduler.ts';

/** What runs, as a search for victims sees it. */
export interface Occupant<T extends Candidate> {
  readonly running: Running<T>;
  /** It was told to stop: what it holds is as good as free. */
  stopping: boolean;
}

const NONE: readonly never[] = [];

/** What runs, by node and by gang. Its lists are in no order that may be relied on. */
export class Occupancy<T extends Candidate> {
  readonly #byAttempt = new Map<string, Occupant<T>>();
  readonly #byRow = new Map<NodeIndex, Occupant<T>[]>();
  readonly #ends = new ExpectedEnds<Occupant<T>>();
  readonly #byGang = new Map<string, Occupant<T>[]>();
  readonly #stopping = new Set<Occupant<T>>();

  add(running: Running<T>): void {
    const occupant = { running, stopping: false };
    this.#byAttempt.set(running.attempt, occupant);
    push(this.#byRow, running.row, occupant);
    this.#ends.add(occupant);
    const { gang } = running.task;
    if (gang !== undefined) push(this.#byGang, gang.key, occupant);
  }

  remove(attempt: string): void {
    const occupant = this.#byAttempt.get(attempt);
    assert(occupant !== undefined, 'only what runs ends');
    this.#byAttempt.delete(attempt);
    this.#stopping.delete(occupant);
    pull(this.#byRow, occupant.running.row, occupant);
    this.#ends.remove(occupant);
    const { gang } = occupant.running.task;
    if (gang !== undefined) pull(this.#byGang, gang.key, occupant);
  }

  /** It holds something else now; nothing where nobody keeps count of it. */
  replace(running: Running<T>): void {
    if (!this.has(running.attempt)) return;
    this.remove(running.attempt);
    this.add(running);
  }

  stop(attempt: string): void {
    const occupant = this.#byAttempt.get(attempt);
    if (occupant === undefined) return;
    occupant.stopping = true;
    this.#stopping.add(occupant);
  }

  has(attempt: string): boolean {
    return this.#byAttempt.has(attempt);
  }

  get(attempt: string): Occupant<T> | undefined {
    return this.#byAttempt.get(attempt);
  }

  onRow(row: NodeIndex): readonly Occupant<T>[] {
    return this.#byRow.get(row) ?? NONE;
  }

  /** In the order in which they are expected to end: those without an estimate last, the oldest first. */
  byExpectedEnd(): Iterable<Occupant<T>> {
    return this.#ends.inOrder();
  }

  ofGang(key: string): readonly Occupant<T>[] {
    return this.#byGang.get(key) ?? NONE;
  }

  get stopping(): Iterable<Occupant<T>> {
    return this.#stopping;
  }

  get size(): number {
    return this.#byAttempt.size;
  }

  all(): Iterable<Occupant<T>> {
    return this.#byAttempt.values();
  }
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function pull<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)!;
  const last = list.pop()!;
  if (list.length === 0) lists.delete(key);
  if (last !== value) list[list.indexOf(value)] = last;
}
