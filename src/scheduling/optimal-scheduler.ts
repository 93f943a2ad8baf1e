import type { Refusal } from '../model/refusal.ts';
import { mindsOthers } from './company.ts';
import { dominantShare, WHOLE } from './fair-shares.ts';
import type { NodeIndex } from './node-table.ts';
import { type Pending, planOptimal, type SolveProgram } from './optimal.ts';
import { feasible, whyNot } from './place.ts';
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
import { siteCapacity } from './site-capacity.ts';
import { SortedList } from './sorted-list.ts';
import type { SavedDemand } from './typical-demand.ts';
import { vectorOf } from './usage-account.ts';

export interface OptimalOptions {
  /** Waiting tasks of one priority that are planned together; those behind them wait for the next plan. */
  readonly depth: number;
  /** Absent where no solver is installed. */
  readonly solve?: SolveProgram | undefined;
}

/** A task that is the whole site is worth so much; smaller ones their part, and at least 1. */
const WORTH_MAX = 10_000;

/**
 * Plans all waiting tasks of one priority together, the highest first, so that what is placed is the most of
 * the site that can be; within a shape the oldest goes first. What the plan cannot say (company, a program
 * that is too large, no solver) is placed by the scorer, and it says so. For a site of one queue.
 */
export class OptimalScheduler<T extends Candidate> implements OrderedScheduler<T> {
  readonly #deps: SchedulerDeps;
  readonly #index: PlacementIndex;
  readonly #options: OptimalOptions;
  readonly #queue = new SortedList<T>((a, b) => b.priority - a.priority || byAge(a, b));
  /** What is planned and not placed yet, in order. */
  #handout: Choice<T>[] = [];
  /** Priorities that were planned since something changed for them. */
  readonly #planned = new Set<number>();
  /** Nothing of these fits anywhere, by priority: a shape is tried again for another. */
  readonly #refused = new Map<number, Set<ShapeIndex>>();
  #note: string | undefined;

  constructor(deps: SchedulerDeps, scorer: Scorer, options: OptimalOptions) {
    this.#deps = deps;
    this.#index = new PlacementIndex(deps.table, scorer);
    this.#options = options;
  }

  enqueue(task: T): void {
    this.#index.expect(this.#deps.shapes.ask(task.shape));
    this.#queue.add(task);
    this.#dropHandout();
    this.#planned.delete(task.priority);
    this.#refused.delete(task.priority);
  }

  withdraw(task: T): void {
    this.#queue.remove(task);
    // What the others get is theirs still.
    this.#handout = this.#handout.filter((choice) => choice.task !== task);
  }

  placed({ task }: Running<T>): void {
    this.#queue.remove(task);
    if (this.#handout[0]?.task === task) this.#handout.shift();
    else this.#dropHandout();
  }

  ended(): void {
    this.#startAfresh();
  }

  resized(): void {
    this.#startAfresh();
  }

  nodesChanged(): void {
    this.#startAfresh();
  }

  next(): Choice<T> | undefined {
    const { items } = this.#queue;
    for (let i = 0; i < items.length; ) {
      const planned = this.#nextPlanned();
      if (planned !== undefined) return planned;
      const { priority } = items[i]!;
      const end = this.#endOf(priority, i);
      if (!this.#planned.has(priority)) {
        this.#planned.add(priority);
        this.#plan(items.slice(i, Math.min(end, i + this.#options.depth)));
        continue;
      }
      const choice = this.#scored(items, i, end);
      if (choice !== undefined) return choice;
      i = end;
    }
    return undefined;
  }

  save(): unknown {
    return this.#index.save();
  }

  restore(saved: unknown): void {
    this.#index.restore(saved as SavedDemand | undefined);
  }

  devices(task: T, row: NodeIndex): readonly string[] {
    return this.#index.devices(row, this.#deps.shapes.ask(task.shape));
  }

  passedOver(): readonly T[] {
    const seen = new Set<string>();
    return this.#queue.items.slice(0, this.#options.depth).filter(({ priority, shape }) => {
      const key = `${priority}/${shape}`;
      return !seen.has(key) && seen.add(key);
    });
  }

  refusal(task: T): Refusal | undefined {
    const { table, shapes } = this.#deps;
    const ask = shapes.ask(task.shape);
    if (this.#index.best(task.shape, ask) !== undefined) return undefined;
    const refusal = whyNot(table, ask);
    return refusal.code === 'no-nodes' && table.rows > 0 ? undefined : refusal;
  }

  notes(): readonly string[] {
    if (this.#options.solve === undefined) {
      return ['optimal: no solver is installed (package highs); placing by the scorer'];
    }
    return this.#note === undefined ? [] : [this.#note];
  }

  /** Reservations that the program does not know may keep a place. */
  #nextPlanned(): Choice<T> | undefined {
    const { table, shapes } = this.#deps;
    while (this.#handout.length > 0) {
      const first = this.#handout[0]!;
      if (feasible(table, first.row, shapes.ask(first.task.shape))) return first;
      this.#handout.shift();
    }
    return undefined;
  }

  #dropHandout(): void {
    const [first] = this.#handout;
    if (first !== undefined) this.#planned.delete(first.task.priority);
    this.#handout = [];
  }

  #plan(tasks: readonly T[]): void {
    const { solve } = this.#options;
    if (solve === undefined) return;
    const { table, shapes } = this.#deps;
    const byShape = Map.groupBy(tasks, ({ shape }) => shape);
    const capacity = siteCapacity(table);
    const pending = [...byShape].map(([shape, list]): Pending => {
      const ask = shapes.ask(shape);
      const part = dominantShare(vectorOf(ask), capacity) / WHOLE;
      return { ask, count: list.length, worth: Math.max(1, Math.round(part * WORTH_MAX)) };
    });
    const plan = planOptimal(table, pending, solve);
    this.#note = undefined;
    if (plan.kind === 'too-large') {
      this.#note = `optimal: ${plan.variables} variables are too many; placing by the scorer`;
    } else if (plan.kind === 'unsolved') {
      this.#note = 'optimal: the solver found no proven plan in time; placing by the scorer';
    } else {
      const lists = [...byShape.values()].map((list) => [...list]);
      this.#handout = plan.assignments.map(({ kind, row, gpus }) => {
        return { task: lists[kind]!.shift()!, row, gpus };
      });
    }
  }

  /** One that the plan left out and that fits: what the program does not model, or nobody planned. */
  #scored(items: readonly T[], from: number, end: number): Choice<T> | undefined {
    const { priority } = items[from]!;
    const refused = this.#refused.get(priority) ?? new Set();
    this.#refused.set(priority, refused);
    for (let i = from; i < end; i++) {
      const task = items[i]!;
      if (refused.has(task.shape)) continue;
      const ask = this.#deps.shapes.ask(task.shape);
      const row = this.#index.best(task.shape, ask);
      if (row !== undefined) return { task, row, gpus: this.#index.devices(row, ask) };
      // Its room may depend on who else starts.
      if (!mindsOthers(ask.constraints)) refused.add(task.shape);
    }
    return undefined;
  }

  #endOf(priority: number, from: number): number {
    const { items } = this.#queue;
    let end = from;
    while (end < items.length && items[end]!.priority === priority) end++;
    return end;
  }

  #startAfresh(): void {
    this.#handout = [];
    this.#planned.clear();
    this.#refused.clear();
  }
}
