import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import { looksAround } from './company.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import { whyNot } from './place.ts';
import { PlacementIndex } from './placement-index.ts';
import { savedMemory } from './saved-memory.ts';
import {
  byAge,
  type Candidate,
  type Choice,
  type OrderedScheduler,
  type Running,
  type SchedulerDeps,
} from './scheduler.ts';
import type { Scorer } from './scorer.ts';
import type { ShapeIndex } from './shape.ts';
import { SortedList } from './sorted-list.ts';

export interface EasyOptions {
  /** `none`: the head of the queue blocks the rest (strict FIFO). */
  readonly backfill: 'none' | 'queue-order' | 'shortest-first';
  /** Waiting tasks looked at behind the head in one pass. */
  readonly depth: number;
}

/** Where and when the head of the queue is expected to start, and what it leaves on that node. */
interface Reservation<T> {
  readonly head: T;
  readonly row: NodeIndex;
  readonly at: number;
  /** Free on the node at `at` beyond what the head needs. */
  extra: Resources;
}

/**
 * EASY backfilling (Lifka 1995; Mu'alem and Feitelson 2001): priority, then age; when the head fits nowhere
 * it gets a reservation at the earliest time at which it is expected to, and a later task may start only if
 * that does not move the reservation: on another node, or if it ends before, or if it fits beside the head.
 * `shortest-first` tries later tasks by expected run time (SJBF, Tsafrir, Etsion and Feitelson 2007).
 */
export class EasyScheduler<T extends Candidate> implements OrderedScheduler<T> {
  readonly #deps: SchedulerDeps;
  readonly #options: EasyOptions;
  readonly #index: PlacementIndex;
  readonly #queue = new SortedList<T>(byPriority);
  readonly #backfill: SortedList<T>;
  readonly #running = new SortedList<Running<T>>(
    (a, b) => expectedEnd(a) - expectedEnd(b) || byAge(a.task, b.task),
  );
  readonly #runningByAttempt = new Map<string, Running<T>>();
  /** Shapes that fit nowhere since the last time something was freed. */
  readonly #refused = new Set<ShapeIndex>();
  #reservation: Reservation<T> | undefined;
  /** How far the pass over `#backfill` got. */
  #cursor = 0;
  #passAt = -1;

  constructor(deps: SchedulerDeps, scorer: Scorer, options: EasyOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#index = new PlacementIndex(deps.table, scorer);
    this.#backfill =
      options.backfill === 'shortest-first' ? new SortedList<T>(byEstimate) : this.#queue;
  }

  enqueue(task: T): void {
    this.#index.expect(this.#deps.shapes.ask(task.shape));
    this.#queue.add(task);
    if (this.#backfill !== this.#queue) this.#backfill.add(task);
    this.#passAt = -1;
  }

  withdraw(task: T): void {
    this.#queue.remove(task);
    if (this.#backfill !== this.#queue) this.#backfill.remove(task);
    this.#passAt = -1;
  }

  placed(running: Running<T>): void {
    // What is to be near others may have room now.
    for (const shape of this.#refused) {
      if (looksAround(this.#deps.shapes.ask(shape).constraints)) this.#refused.delete(shape);
    }
    const isHead = this.#queue.items[0] === running.task;
    this.#queue.remove(running.task);
    if (this.#backfill !== this.#queue) this.#backfill.remove(running.task);
    this.#running.add(running);
    this.#runningByAttempt.set(running.attempt, running);
    const reservation = this.#reservation;
    if (isHead || reservation === undefined) {
      this.#reservation = undefined;
    } else if (running.row === reservation.row && expectedEnd(running) > reservation.at) {
      reservation.extra = minus(reservation.extra, running.held);
    }
  }

  ended(ended: Running<T>): void {
    const running = this.#runningByAttempt.get(ended.attempt);
    if (running !== undefined) this.#running.remove(running);
    this.#runningByAttempt.delete(ended.attempt);
    this.#startAfresh();
  }

  resized(before: Running<T>, after: Running<T>): void {
    this.ended(before);
    this.#running.add(after);
    this.#runningByAttempt.set(after.attempt, after);
    this.#reservation = undefined;
  }

  nodesChanged(): void {
    this.#startAfresh();
  }

  next(at: TimeMs): Choice<T> | undefined {
    const head = this.#queue.items[0];
    if (head === undefined) return undefined;
    if (this.#passAt !== at) {
      this.#cursor = 0;
      this.#passAt = at;
      // Expected ends may have passed without an end.
      this.#reservation = undefined;
    }
    const row = this.#place(head);
    if (row !== undefined) return this.#choice(head, row);
    if (this.#options.backfill === 'none') return undefined;
    if (this.#reservation?.head !== head) {
      this.#reservation = this.#reserve(head, at);
      this.#cursor = 0;
    }
    return this.#nextBackfill(at);
  }

  save(): unknown {
    return this.#index.save();
  }

  restore(saved: unknown): void {
    this.#index.restore(savedMemory(saved).demand);
  }

  /** Its tasks wait for the places that are planned for them; nobody is stopped. */
  passedOver(): readonly T[] {
    return [];
  }

  refusal(task: T): Refusal | undefined {
    const { table, shapes } = this.#deps;
    const ask = shapes.request(task.shape);
    if (this.#index.best(task.shape, ask) !== undefined) return this.#held(task);
    const refusal = whyNot(table, ask);
    return refusal.code === 'no-nodes' && table.rows > 0 ? undefined : refusal;
  }

  /** It has room: the head of the queue, or what was promised to it, comes before. */
  #held(task: T): Refusal | undefined {
    const head = this.#queue.items[0];
    if (head === undefined || head === task) return undefined;
    const reservation = this.#reservation;
    if (this.#options.backfill === 'none') {
      return { code: 'behind', task: head.id, queue: head.queue };
    }
    if (reservation === undefined) return undefined;
    const node = this.#deps.table.node(reservation.row)?.id;
    return { code: 'reserved-for', task: head.id, node, startsAt: reservation.at };
  }

  #nextBackfill(at: TimeMs): Choice<T> | undefined {
    const { items } = this.#backfill;
    const reservation = this.#reservation;
    const end = Math.min(items.length, this.#options.depth + 1);
    while (this.#cursor < end) {
      const task = items[this.#cursor]!;
      if (task !== this.#queue.items[0]) {
        const row = this.#place(task);
        // What was chosen leaves the list: the cursor then points at the next.
        if (row !== undefined && this.#keeps(reservation, task, row, at)) {
          return this.#choice(task, row);
        }
      }
      this.#cursor++;
    }
    return undefined;
  }

  #place(task: T): NodeIndex | undefined {
    if (this.#refused.has(task.shape)) return undefined;
    const row = this.#index.best(task.shape, this.#deps.shapes.ask(task.shape));
    if (row === undefined) this.#refused.add(task.shape);
    return row;
  }

  /** Whether the head could still start when and where it is expected to. */
  #keeps(reservation: Reservation<T> | undefined, task: T, row: NodeIndex, at: TimeMs): boolean {
    if (reservation === undefined || row !== reservation.row) return true;
    if (at + (task.estimateMs ?? UNLIMITED) <= reservation.at) return true;
    return covers(reservation.extra, this.#deps.shapes.request(task.shape));
  }

  /** The earliest expected end after which the head fits on that node; undefined when that is unknown. */
  #reserve(head: T, at: TimeMs): Reservation<T> | undefined {
    const { table, shapes } = this.#deps;
    const ask = shapes.request(head.shape);
    const freed = new Map<NodeIndex, Resources>();
    const { items } = this.#running;
    for (let i = 0; i < items.length; i++) {
      const running = items[i]!;
      const sum = plus(freed.get(running.row) ?? freeOn(table, running.row), running.held);
      freed.set(running.row, sum);
      const endAt = Math.max(at, expectedEnd(running));
      if (endAt >= UNLIMITED) return undefined;
      const next = items[i + 1];
      // All that end at one instant count together.
      if (next !== undefined && Math.max(at, expectedEnd(next)) === endAt) continue;
      for (const [row, free] of freed) {
        if (!covers(free, ask)) continue;
        return { head, row, at: endAt, extra: minus(free, ask) };
      }
    }
    return undefined;
  }

  #choice(task: T, row: NodeIndex): Choice<T> {
    return { task, row, gpus: this.#index.devices(row, this.#deps.shapes.ask(task.shape)) };
  }

  #startAfresh(): void {
    this.#refused.clear();
    this.#reservation = undefined;
    this.#passAt = -1;
  }
}

function byPriority(a: Candidate, b: Candidate): number {
  return b.priority - a.priority || byAge(a, b);
}

function byEstimate(a: Candidate, b: Candidate): number {
  return (
    (a.estimateMs ?? UNLIMITED) - (b.estimateMs ?? UNLIMITED) ||
    a.submittedAt - b.submittedAt ||
    byAge(a, b)
  );
}

const expectedEnd = (running: Running<Candidate>): number =>
  Math.min(UNLIMITED, running.placedAt + (running.task.estimateMs ?? UNLIMITED));

function freeOn(table: NodeTable, row: NodeIndex): Resources {
  const node = table.node(row)!;
  return {
    cpu: table.freeCpu(row),
    memory: table.freeMemory(row),
    gpu: table.freeGpuSum(row) as Resources['gpu'],
    custom: node.custom.map(([name]) => [name, table.freeCustom(row, name)] as const),
  };
}

/** GPU shares are summed here, so a reservation may be early where the free shares lie on several devices. */
function covers(free: Resources, ask: Resources): boolean {
  return (
    free.cpu >= ask.cpu &&
    free.memory >= ask.memory &&
    free.gpu >= ask.gpu &&
    ask.custom.every(([name, amount]) => amountOf(free, name) >= amount)
  );
}

const amountOf = (resources: Resources, name: string): number =>
  resources.custom.find(([other]) => other === name)?.[1] ?? 0;

const plus = (a: Resources, b: Resources): Resources => combine(a, b, 1);
const minus = (a: Resources, b: Resources): Resources => combine(a, b, -1);

function combine(a: Resources, b: Resources, sign: 1 | -1): Resources {
  return {
    cpu: (a.cpu + sign * b.cpu) as Resources['cpu'],
    memory: (a.memory + sign * b.memory) as Resources['memory'],
    gpu: (a.gpu + sign * b.gpu) as Resources['gpu'],
    custom: a.custom.map(([name, amount]) => [name, amount + sign * amountOf(b, name)] as const),
  };
}
