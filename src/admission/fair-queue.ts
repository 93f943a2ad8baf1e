import { assert } from '../base/assert.ts';

export interface FairClass {
  /** Its part of the whole beside the others' that have something to send; at least 1. */
  readonly weight: number;
}

interface Flow<T> {
  readonly key: string;
  readonly items: Sized<T>[];
  /** Of `items`, those before it are gone. */
  head: number;
  deficit: number;
}

export interface Sized<T> {
  readonly size: number;
  readonly item: T;
}

/** A level of the queue: what takes its turns in a ring, with what is left of the turn. */
interface Ring<Member> {
  readonly members: Member[];
  /** Whose turn it is. */
  turn: number;
  /** Whether that one was given its quantum for this turn. */
  given: boolean;
}

interface ClassState<T> {
  readonly quantum: number;
  readonly flows: Map<string, Flow<T>>;
  readonly ring: Ring<Flow<T>>;
  deficit: number;
}

/**
 * Deficit round robin (Shreedhar and Varghese, SIGCOMM 1995) on two levels: classes by weight, and the flows of
 * a class by equal parts. While all classes have something, class i is served weightᵢ of the sum of weights, to
 * within one quantum and one item; what a class leaves goes to the others. One of a flow's items follows the other.
 * What runs empty loses the rest of its turn only when the turn comes to something else: whoever has one item
 * here at a time, and brings the next when that is gone, has his part, too.
 */
export class FairQueue<T> {
  readonly #classes: readonly ClassState<T>[];
  readonly #ring: Ring<ClassState<T>>;
  /** What a flow may send in one turn. */
  readonly #quantum: number;
  #length = 0;

  /** `quantum`: at least the largest item, so that every turn sends something. */
  constructor(classes: readonly FairClass[], quantum: number) {
    assert(
      classes.every(({ weight }) => Number.isSafeInteger(weight) && weight >= 1),
      'a weight is a whole number',
    );
    const least = Math.min(...classes.map(({ weight }) => weight));
    this.#quantum = quantum;
    this.#classes = classes.map(({ weight }) => ({
      quantum: Math.ceil((quantum * weight) / least),
      flows: new Map<string, Flow<T>>(),
      ring: { members: [], turn: 0, given: false },
      deficit: 0,
    }));
    this.#ring = { members: [...this.#classes], turn: 0, given: false };
  }

  get length(): number {
    return this.#length;
  }

  push(of: { readonly class: number; readonly flow: string }, entry: Sized<T>): void {
    assert(entry.size >= 1 && entry.size <= this.#quantum, 'an item is at most one quantum');
    const state = this.#classes[of.class]!;
    let flow = state.flows.get(of.flow);
    if (flow === undefined) {
      flow = { key: of.flow, items: [], head: 0, deficit: 0 };
      state.flows.set(of.flow, flow);
      // Behind the one whose turn it is last: it waits one round at most.
      state.ring.members.push(flow);
    }
    flow.items.push(entry);
    this.#length++;
  }

  /**
   * The next item, taken out; undefined when there is none of those that `may` go. One that may not go now
   * does not keep others waiting, and its flow gets nothing for the turns that it misses.
   */
  next(may: (entry: Sized<T>) => boolean = () => true): Sized<T> | undefined {
    const { members } = this.#ring;
    const heads = new Map<ClassState<T>, Flow<T>>();
    // One turn of each class, and once more the first, whose turn may be half over.
    for (let looked = 0; looked <= members.length; ) {
      const state = members[this.#ring.turn]!;
      const flow = heads.get(state) ?? this.#flowOf(state, may);
      if (flow === undefined) {
        state.deficit = 0;
        pass(this.#ring);
        looked++;
        continue;
      }
      heads.set(state, flow);
      const entry = flow.items[flow.head]!;
      if (state.deficit < entry.size && !this.#ring.given) {
        state.deficit += state.quantum;
        this.#ring.given = true;
      }
      if (state.deficit >= entry.size) {
        state.deficit -= entry.size;
        return this.#takeFrom(flow);
      }
      pass(this.#ring);
      looked = 0;
    }
    return undefined;
  }

  /** The next item of one flow, out of turn and at the cost of nobody's turn. */
  nextOf(
    of: { readonly class: number; readonly flow: string },
    may: (entry: Sized<T>) => boolean,
  ): Sized<T> | undefined {
    const flow = this.#classes[of.class]!.flows.get(of.flow);
    const entry = flow?.items[flow.head];
    if (flow === undefined || entry === undefined || !may(entry)) return undefined;
    flow.deficit += entry.size;
    return this.#takeFrom(flow);
  }

  /** Takes an item out wherever it is; false when it is not there. */
  remove(of: { readonly class: number; readonly flow: string }, item: T): boolean {
    const flow = this.#classes[of.class]!.flows.get(of.flow);
    if (flow === undefined) return false;
    const at = flow.items.findIndex((entry, i) => i >= flow.head && entry.item === item);
    if (at === -1) return false;
    flow.items.splice(at, 1);
    this.#length--;
    return true;
  }

  /** The flow of the class whose turn it is, with its quantum given. */
  #flowOf(state: ClassState<T>, may: (entry: Sized<T>) => boolean): Flow<T> | undefined {
    const { ring } = state;
    for (let looked = 0; looked <= ring.members.length; ) {
      const flow = ring.members[ring.turn];
      if (flow === undefined) return undefined;
      const entry = flow.items[flow.head];
      if (entry === undefined) {
        drop(state, flow);
        continue;
      }
      if (!may(entry)) {
        flow.deficit = 0;
        pass(ring);
        looked++;
        continue;
      }
      if (flow.deficit < entry.size && !ring.given) {
        flow.deficit += this.#quantum;
        ring.given = true;
      }
      if (flow.deficit >= entry.size) return flow;
      pass(ring);
      looked = 0;
    }
    return undefined;
  }

  #takeFrom(flow: Flow<T>): Sized<T> {
    const entry = flow.items[flow.head]!;
    flow.head++;
    flow.deficit -= entry.size;
    this.#length--;
    if (flow.head === flow.items.length || (flow.head > 64 && flow.head * 2 > flow.items.length)) {
      flow.items.splice(0, flow.head);
      flow.head = 0;
    }
    return entry;
  }
}

/** The one whose turn it is has nothing left. */
function drop<T>({ flows, ring }: ClassState<T>, flow: Flow<T>): void {
  ring.members.splice(ring.turn, 1);
  ring.given = false;
  if (ring.turn >= ring.members.length) ring.turn = 0;
  flows.delete(flow.key);
}

function pass(ring: Ring<unknown>): void {
  ring.turn = ring.members.length === 0 ? 0 : (ring.turn + 1) % ring.members.length;
  ring.given = false;
}
