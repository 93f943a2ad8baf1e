import type { TimeMs } from '../base/units.ts';
import type { AttemptId } from '../model/ids.ts';
import type { Preemption } from '../model/preemption.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import type { SchedulingConfig } from '../model/scheduling-config.ts';
import { looksAround } from './company.ts';
import { planGang, type Seats } from './gang.ts';
import { GangQueue, neededNow } from './gang-queue.ts';
import { Holds } from './holds.ts';
import type { NodeIndex } from './node-table.ts';
import { Occupancy } from './occupancy.ts';
import { Nominations } from './preempting.ts';
import { decidePreemption } from './preemption.ts';
import type { SchedulerDescription } from './queue-description.ts';
import { ReservationBook } from './reservations.ts';
import {
  byAge,
  type Candidate,
  type Choice,
  type OrderedScheduler,
  type QueueRules,
  type Running,
  type SchedulerDeps,
} from './scheduler.ts';
import { SortedList } from './sorted-list.ts';

export type GangSchedulerOptions = Partial<Pick<SchedulingConfig, 'preemption' | 'reservations'>>;

const NONE: readonly never[] = [];

/** Tasks for which victims are sought in one pass; the others look again when something changes. */
const SEARCHES_MAX = 16;

/** Waiting tasks that are tried on what is kept for some, in one pass. */
const HELD_MAX = 100;

/** Why nobody was stopped for a task in the last pass. */
type Unhelped = { readonly waits: boolean; readonly until: TimeMs | undefined };

/**
 * Adds gangs and preemption to a scheduler that orders single tasks. Of a gang only the first task stands in
 * that scheduler's queue; when its turn comes and one seat is found, seats for all are sought, and all are
 * handed out one after the other with nothing in between, or none is and the gang sleeps until something is
 * freed. It holds nothing meanwhile, so two gangs cannot wait for each other.
 */
export class GangScheduler<T extends Candidate> implements OrderedScheduler<T> {
  readonly queues?: QueueRules;
  readonly #deps: SchedulerDeps<T>;
  readonly #inner: OrderedScheduler<T>;
  readonly #options: GangSchedulerOptions;
  /** Without it nobody looks for victims, and what runs need not be known. */
  readonly #preempts: boolean;
  readonly #gangs: GangQueue<T>;
  readonly #occupancy = new Occupancy<T>();
  readonly #holds: Holds;
  readonly #nominations: Nominations<T>;
  readonly #reservations: ReservationBook;
  /** Waiting tasks for which something is reserved, or that may end before it is needed. */
  readonly #privileged = new SortedList<T>((a, b) => b.priority - a.priority || byAge(a, b));
  #handout: readonly { readonly task: T; readonly row: NodeIndex }[] = NONE;
  /** By kind of ask: those alike get the same answer until something changes. */
  readonly #unhelped = new Map<string, Unhelped>();
  #searches = 0;
  /** A gang sleeps for a limit or a quota, which may end with time alone. */
  #capped = false;
  #capsChangeAt: TimeMs | undefined;
  /** A gang sleeps that may find room because somebody starts: it is to be near others, or spread. */
  #mindful = false;

  constructor(deps: SchedulerDeps<T>, inner: OrderedScheduler<T>, options: GangSchedulerOptions) {
    this.#deps = deps;
    this.#inner = inner;
    if (inner.queues !== undefined) this.queues = inner.queues;
    this.#options = options;
    this.#holds = new Holds(deps.table);
    this.#nominations = new Nominations(deps.table, this.#holds);
    this.#preempts = options.preemption !== undefined;
    const { reservations = [] } = options;
    this.#reservations = new ReservationBook(deps.table, this.#holds, reservations);
    this.#gangs = new GangQueue(
      (task) => inner.enqueue(task, true),
      (task) => inner.withdraw(task),
    );
  }

  enqueue(task: T): void {
    if (this.#reservations.mayUse(task)) this.#privileged.add(task);
    if (task.gang === undefined) {
      this.#inner.enqueue(task);
      return;
    }
    this.#inner.expect?.(task);
    this.#gangs.add(task, task.gang);
  }

  withdraw(task: T): void {
    this.#handout = NONE;
    const nomination = this.#nominations.of(task);
    if (nomination !== undefined) {
      this.#nominations.drop(nomination);
      this.#freed();
    }
    this.#privileged.remove(task);
    this.#forgetAnswers();
    if (task.gang === undefined) this.#inner.withdraw(task);
    else this.#gangs.remove(task);
  }

  placed(running: Running<T>): void {
    const { task, row } = running;
    if (task.who !== undefined) this.#deps.table.residents.add(row, task.who);
    if (this.#handout.length > 0) {
      this.#handout = this.#handout[0]!.task === task ? this.#handout.slice(1) : NONE;
    }
    this.#privileged.remove(task);
    this.#gangs.remove(task);
    if (this.#mindful) {
      this.#mindful = false;
      this.#gangs.wake();
    }
    this.#inner.placed(running);
    if (this.#preempts) this.#occupancy.add(running);
    this.#reservations.placed(running);
    if (this.#nominations.placed(task, row)) this.#wake();
    this.#forgetAnswers();
  }

  ended(running: Running<T>, at: TimeMs): void {
    this.#handout = NONE;
    const { who } = running.task;
    if (who !== undefined) this.#deps.table.residents.remove(running.row, who);
    if (this.#preempts) this.#occupancy.remove(running.attempt);
    this.#reservations.ended(running.attempt);
    this.#inner.ended(running, at);
    this.#gangs.touch(running.task);
    this.#gangs.wake();
    this.#forgetAnswers();
  }

  resized(before: Running<T>, after: Running<T>, at: TimeMs): void {
    this.#handout = NONE;
    if (this.#preempts) {
      this.#occupancy.remove(before.attempt);
      this.#occupancy.add(after);
    }
    this.#reservations.ended(before.attempt);
    this.#reservations.placed(after);
    this.#inner.resized(before, after, at);
    this.#gangs.wake();
    this.#forgetAnswers();
  }

  mayGrow(task: T, more: Resources, at: TimeMs): Refusal | undefined {
    return this.#inner.mayGrow?.(task, more, at);
  }

  nodesChanged(): void {
    this.#reservations.bind();
    this.#freed();
  }

  stopping(attempt: AttemptId): void {
    this.#occupancy.stop(attempt);
    this.#forgetAnswers();
  }

  preempting(preemption: Preemption, at: TimeMs, preemptor: T | undefined): void {
    for (const { attempt } of preemption.victims) this.#occupancy.stop(attempt);
    this.#nominations.add(preemption, at, preemptor);
    this.#forgetAnswers();
  }

  next(at: TimeMs): Choice<T> | undefined {
    if (this.#reservations.advance(at)) this.#freed();
    if (this.#capsChangeAt !== undefined && at >= this.#capsChangeAt) {
      this.#capped = false;
      this.#gangs.wake();
    }
    for (;;) {
      this.#gangs.settle();
      const first = this.#handout[0];
      if (first !== undefined) return this.#choice(first.task, first.row);
      if (this.#nominations.size > 0 && this.#placeNominated(at)) continue;
      const choice = this.#inner.next(at);
      if (choice === undefined) {
        if (this.#placeOnHeld(at)) continue;
        this.#capsChangeAt = this.#capped ? this.#deps.gate?.nextChange(at) : undefined;
        return undefined;
      }
      const gang = this.#gangs.of(choice.task);
      const needed = gang && neededNow(gang);
      if (gang === undefined || needed === undefined || needed === 0) return choice;
      const capped = this.#inner.admits?.(choice.task, needed, at);
      if (capped !== undefined) {
        this.#gangs.sleep(gang, 0);
        this.#capped = true;
        continue;
      }
      const { ask, topology } = this.#askOf(choice.task);
      const plan = planGang(this.#deps.table, { ask, members: needed, topology });
      if (plan.kind === 'fits') this.#handOut(gang.waiting.slice(0, needed), plan.seats);
      else {
        this.#gangs.sleep(gang, plan.room);
        if (looksAround(ask.constraints)) this.#mindful = true;
      }
    }
  }

  preempt(at: TimeMs): Preemption | undefined {
    const { preemption } = this.#options;
    if (preemption === undefined) return undefined;
    for (const [kind, { until }] of this.#unhelped) {
      if (until !== undefined && until <= at) this.#unhelped.delete(kind);
    }
    this.#searches = 0;
    for (const task of this.passedOver()) {
      if (this.#isCapped(task, this.#askOf(task).members, at)) continue;
      const kind = this.#kindOf(task);
      if (this.#nominations.of(task) !== undefined || this.#unhelped.has(kind)) continue;
      if (++this.#searches > SEARCHES_MAX) return undefined;
      const verdict = decidePreemption(this.#deps.table, this.#occupancy, {
        task,
        ...this.#askOf(task),
        at,
        options: preemption,
        budget: (queue) => this.#nominations.budget(queue, preemption.perQueueHour, at),
      });
      if (verdict.kind === 'preempt') return verdict.preemption;
      const freed = this.#nominations.forget(at);
      const until = earlier(verdict.until, verdict.kind === 'no-help' ? freed : undefined);
      this.#unhelped.set(kind, { waits: verdict.kind === 'wait', until });
    }
    return undefined;
  }

  describe(at: TimeMs): SchedulerDescription {
    const inner = this.#inner.describe?.(at);
    const reservations = this.#reservations.describe(at);
    return { queues: [], leafOf: (queue) => queue, ...inner, reservations };
  }

  /** Of a task that starts by itself. */
  startsWith(task: T, request: Resources, at: TimeMs): boolean {
    const gang = this.#gangs.of(task);
    if (gang !== undefined && neededNow(gang) !== 0) return false;
    return this.#inner.startsWith?.(task, request, at) ?? false;
  }

  save(): unknown {
    return this.#inner.save?.();
  }

  restore(saved: unknown): void {
    this.#inner.restore?.(saved);
  }

  nextTimer(): TimeMs | undefined {
    let first = earlier(this.#reservations.changeAt, this.#inner.nextTimer?.());
    if (this.#capped) first = earlier(first, this.#capsChangeAt);
    for (const { until } of this.#unhelped.values()) first = earlier(first, until);
    return first;
  }

  notes(): readonly string[] {
    return this.#inner.notes?.() ?? [];
  }

  passedOver(): readonly T[] {
    const singles = this.#inner.passedOver();
    const gangs = this.#gangs.passedOver();
    if (gangs.length === 0) return singles;
    return [...singles, ...gangs].sort((a, b) => b.priority - a.priority || byAge(a, b));
  }

  refusal(task: T): Refusal | undefined {
    const nomination = this.#nominations.of(task);
    if (nomination !== undefined) {
      const victims = nomination.victims.filter((attempt) => this.#occupancy.has(attempt));
      return { code: 'waits-for-victims', victims };
    }
    const waits = this.#unhelped.get(this.#kindOf(task));
    if (waits?.waits) return { code: 'waits-for-completion', until: waits.until };
    const gang = this.#gangs.of(task);
    if (gang !== undefined && neededNow(gang) !== 0) {
      const needed = Math.max(1, gang.gang.min - gang.gang.alive);
      if (neededNow(gang) === undefined) {
        return { code: 'gang-incomplete', ready: gang.waiting.length, needed };
      }
      if (gang.room !== undefined) {
        const topology = gang.gang.topology?.label;
        return { code: 'gang-no-room', needed, room: gang.room, topology };
      }
    }
    const refusal = this.#inner.refusal(task);
    if (refusal === undefined || this.#holds.size === 0 || !lacksRoom(refusal)) return refusal;
    const { table } = this.#deps;
    const hold = this.#holds.barring(task, this.#askOf(task).ask, task.submittedAt);
    if (hold === undefined) return refusal;
    return { code: 'reserved', by: hold.by, node: table.node(hold.row)!.id };
  }

  /** Whoever others were stopped for starts as soon as it can, wherever that is. */
  #placeNominated(at: TimeMs): boolean {
    for (const nomination of this.#nominations.all()) {
      const { preemptor } = nomination;
      const gang = this.#gangs.of(preemptor);
      // All of the gang has started, or it has fallen below its minimum and starts again as one.
      if (preemptor.gang !== undefined && (gang === undefined || neededNow(gang) === undefined)) {
        this.#nominations.drop(nomination);
        this.#freed();
        return true;
      }
      const plan = planGang(this.#deps.table, {
        ...this.#askOf(preemptor),
        aside: (row) => this.#holds.asideFor(preemptor, row, at),
      });
      if (plan.kind === 'fits' && !this.#isCapped(preemptor, this.#askOf(preemptor).members, at)) {
        const members = gang?.waiting.slice(0, neededNow(gang) || 1) ?? [preemptor];
        this.#handOut(members, plan.seats);
        return true;
      }
      if (nomination.victims.some((attempt) => this.#occupancy.has(attempt))) continue;
      // All have stopped, and it does not fit: a node left or shrank. It queues like everybody else.
      this.#nominations.drop(nomination);
      this.#freed();
      return true;
    }
    return false;
  }

  /** Those for whom something is kept use it, and others until it starts when they end in time. */
  #placeOnHeld(at: TimeMs): boolean {
    if (this.#holds.size === 0) return false;
    for (const task of [...this.#privileged.items.slice(0, HELD_MAX), ...this.passedOver()]) {
      const gang = this.#gangs.of(task);
      const needed = gang === undefined ? 1 : neededNow(gang);
      if (needed === undefined || this.#isCapped(task, needed, at)) continue;
      const plan = planGang(this.#deps.table, {
        ...this.#askOf(task),
        aside: (row) => this.#holds.asideFor(task, row, at),
      });
      if (plan.kind !== 'fits') continue;
      this.#handOut(
        gang !== undefined && needed > 0 ? gang.waiting.slice(0, needed) : [task],
        plan.seats,
      );
      return true;
    }
    return false;
  }

  #isCapped(task: T, members: number, at: TimeMs): boolean {
    return this.#inner.admits?.(task, Math.max(1, members), at) !== undefined;
  }

  #handOut(tasks: readonly T[], seats: readonly Seats[]): void {
    const rows = seats.flatMap(({ row, members }) => Array.from({ length: members }, () => row));
    this.#handout = tasks.map((task, i) => ({ task, row: rows[i]! }));
  }

  #choice(task: T, row: NodeIndex): Choice<T> {
    const { table, shapes } = this.#deps;
    const ask = shapes.ask(task.shape);
    return { task, row, gpus: table.chooseGpus(row, ask.gpu, ask).map((device) => device.id) };
  }

  #askOf(task: T) {
    const { shapes } = this.#deps;
    const gang = this.#gangs.of(task);
    const members = (gang && neededNow(gang)) || 1;
    let ask = shapes.ask(task.shape);
    if (members === 1) return { ask, members, topology: undefined };
    // After an out-of-memory kill a member may ask for more than the others.
    for (const other of gang!.waiting.slice(0, members)) {
      const { memory } = shapes.request(other.shape);
      if (memory > ask.memory) ask = { ...ask, memory };
    }
    return { ask, members, topology: gang!.gang.topology };
  }

  #kindOf(task: T): string {
    const { ask, members, topology } = this.#askOf(task);
    const near = topology === undefined ? '' : `${topology.label}/${topology.required}`;
    return `${task.shape}/${ask.memory}/${members}/${near}/${task.priority}/${task.queue}`;
  }

  /** Something is free that was not, or may be used by others now. */
  #freed(): void {
    this.#handout = NONE;
    this.#wake();
  }

  #wake(): void {
    this.#inner.nodesChanged();
    this.#gangs.wake();
    this.#forgetAnswers();
  }

  #forgetAnswers(): void {
    if (this.#unhelped.size > 0) this.#unhelped.clear();
  }
}

/** A limit, a quota or the turn comes before what is kept for others. */
const lacksRoom = ({ code }: Refusal): boolean =>
  code === 'insufficient' || code === 'constraints' || code === 'reserved-for';

function earlier(a: TimeMs | undefined, b: TimeMs | undefined): TimeMs | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
