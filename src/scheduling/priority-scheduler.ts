import { Heap } from '../base/heap.ts';
import type { Refusal } from '../model/refusal.ts';
import type { NodeIndex } from './node-table.ts';
import { whyNot } from './place.ts';
import { PlacementIndex } from './placement-index.ts';
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
import type { SavedDemand } from './typical-demand.ts';

/** One stay in the queue. A dead one is dropped when it comes up: a heap has no cheap removal. */
interface Ticket<T> {
  readonly task: T;
  live: boolean;
}

/**
 * Priority, then age; a task that fits nowhere is passed over and the next is tried (best-effort FIFO).
 * Waiting tasks are kept one heap per shape: a pass looks at the heads only, so that its cost grows with
 * the number of different requests and not with the number of tasks, and a shape that fits nowhere sleeps
 * until something is freed that it fits.
 */
export class PriorityScheduler<T extends Candidate> implements OrderedScheduler<T> {
  readonly #deps: SchedulerDeps;
  readonly #index: PlacementIndex;
  readonly #waiting = new Map<ShapeIndex, Heap<Ticket<T>>>();
  readonly #tickets = new Map<T, Ticket<T>>();
  readonly #refused = new Map<ShapeIndex, Refusal>();

  constructor(deps: SchedulerDeps, scorer: Scorer) {
    this.#deps = deps;
    this.#index = new PlacementIndex(deps.table, scorer);
  }

  expect(task: T): void {
    this.#index.expect(this.#deps.shapes.ask(task.shape));
  }

  enqueue(task: T, learnt = false): void {
    if (!learnt) this.expect(task);
    const ticket = { task, live: true };
    this.#tickets.set(task, ticket);
    let heap = this.#waiting.get(task.shape);
    if (heap === undefined) {
      heap = new Heap<Ticket<T>>((x, y) => before(x.task, y.task));
      this.#waiting.set(task.shape, heap);
    }
    heap.push(ticket);
  }

  withdraw(task: T): void {
    const ticket = this.#tickets.get(task);
    if (ticket === undefined) return;
    ticket.live = false;
    this.#tickets.delete(task);
  }

  placed(running: Running<T>): void {
    this.withdraw(running.task);
  }

  ended(running: Running<T>): void {
    this.#wake(running.row);
  }

  resized({ row }: Running<T>): void {
    this.#wake(row);
  }

  nodesChanged(): void {
    this.#refused.clear();
  }

  next(): Choice<T> | undefined {
    const { table, shapes } = this.#deps;
    for (;;) {
      const task = this.#first();
      if (task === undefined) return undefined;
      const ask = shapes.ask(task.shape);
      const row = this.#index.best(task.shape, ask);
      if (row !== undefined) {
        return { task, row, gpus: this.#index.devices(row, ask) };
      }
      this.#refused.set(task.shape, whyNot(table, ask));
    }
  }

  devices(task: T, row: NodeIndex): readonly string[] {
    return this.#index.devices(row, this.#deps.shapes.ask(task.shape));
  }

  save(): unknown {
    return this.#index.save();
  }

  restore(saved: unknown): void {
    this.#index.restore(saved as SavedDemand | undefined);
  }

  refusal(task: T): Refusal | undefined {
    const refused = this.#refused.has(task.shape);
    return refused ? whyNot(this.#deps.table, this.#deps.shapes.ask(task.shape)) : undefined;
  }

  startsWith(): boolean {
    return true;
  }

  passedOver(): readonly T[] {
    const heads: T[] = [];
    for (const shape of this.#refused.keys()) {
      const heap = this.#waiting.get(shape);
      const head = heap && this.#head(shape, heap);
      if (head !== undefined) heads.push(head);
    }
    return heads.sort((a, b) => (before(a, b) ? -1 : 1));
  }

  /** The first task of the shapes that do not sleep. */
  #first(): T | undefined {
    let best: T | undefined;
    for (const [shape, heap] of this.#waiting) {
      if (this.#refused.has(shape)) continue;
      const head = this.#head(shape, heap);
      if (head !== undefined && (best === undefined || before(head, best))) best = head;
    }
    return best;
  }

  #head(shape: ShapeIndex, heap: Heap<Ticket<T>>): T | undefined {
    for (;;) {
      const ticket = heap.peek();
      if (ticket === undefined) {
        this.#waiting.delete(shape);
        return undefined;
      }
      if (ticket.live) return ticket.task;
      heap.pop();
    }
  }

  /** A freed node wakes the shapes that fit it now. */
  #wake(row: NodeIndex): void {
    const { table, shapes } = this.#deps;
    for (const shape of this.#refused.keys()) {
      if (table.fits(row, shapes.request(shape))) this.#refused.delete(shape);
    }
  }
}

function before(a: Candidate, b: Candidate): boolean {
  return a.priority !== b.priority ? a.priority > b.priority : byAge(a, b) < 0;
}
