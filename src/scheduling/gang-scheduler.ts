import type { TimeMs } from '../base/units.ts';
import type { AttemptId } from '../model/ids.ts';
import type { Keep, Preemption } from '../model/preemption.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import { looksAround } from './company.ts';
import { type GangPlan, noRoomFor, planGang, type Seats } from './gang.ts';
import {
  beforeRoom,
  earlier,
  type GangSchedulerOptions,
  isOutdated,
  isPlain,
  joins,
  KEEPS_TRIED,
  lacksRoom,
  neverFitsWhole,
  PRICES_MS,
  type SavedGangs,
  SEARCHES_MAX,
  type Unhelped,
  wakesAt,
} from './gang-answers.ts';
import { GangQueue, neededNow, type WaitingGang } from './gang-queue.ts';
import { Holds } from './holds.ts';
import { type Aside, KeptSeats, planKeep } from './kept-seats.ts';
import type { NodeIndex } from './node-table.ts';
import { Occupancy } from './occupancy.ts';
import { Nominations, ownerOf } from './preempting.ts';
import { decidePreemption } from './preemption.ts';
import type { SchedulerDescription } from './queue-description.ts';
import { ReservationBook } from './reservations.ts';
import {
  byAge,
  type Candidate,
  type Choice,
  type Leaving,
  type OrderedScheduler,
  type QueueRules,
  type Running,
  type SchedulerDeps,
  type Together,
} from './scheduler.ts';
import { bySize, starters, togetherOf } from './together.ts';

const NONE: readonly never[] = [];

/**
 * Adds gangs and preemption to a scheduler that orders single tasks. Of a gang only the first task stands in that
 * scheduler's queue; when its turn comes and one seat is found, seats for all are sought, and all are handed out, or
 * none is and the gang sleeps until something is freed. It holds nothing meanwhile: no two gangs wait for each other.
 */
export class GangScheduler<T extends Candidate> implements OrderedScheduler<T> {
  readonly queues?: QueueRules;
  readonly #deps: SchedulerDeps<T>;
  readonly #inner: OrderedScheduler<T>;
  readonly #options: GangSchedulerOptions;
  /** Else nobody looks for victims, and of what runs only gangs need be known. */
  readonly #preempts: boolean;
  readonly #gangs: GangQueue<T>;
  readonly #occupancy = new Occupancy<T>();
  readonly #holds: Holds;
  readonly #nominations: Nominations<T>;
  readonly #reservations: ReservationBook<T>;
  readonly #kept: KeptSeats<T>;
  #lastAt = 0 as TimeMs;
  #handout: readonly { readonly task: T; readonly row: NodeIndex }[] = NONE;
  /** By kind of ask: those alike get the same answer until something changes. */
  readonly #unhelped = new Map<string, Unhelped>();
  /** A gang sleeps that may find room because somebody starts: it is to be near others, or spread. */
  #mindful = false;
  readonly notes = () => this.#inner.notes?.() ?? [];
  readonly reprioritised = (): void => this.#unhelped.clear();
  readonly expect = (task: T): void => this.#inner.expect?.(task);
  readonly mayGrow = (task: T, request: Resources, at: TimeMs): Refusal | undefined =>
    this.#inner.admits?.(task, { count: 0, request }, at);

  constructor(deps: SchedulerDeps<T>, inner: OrderedScheduler<T>, options: GangSchedulerOptions) {
    this.#deps = deps;
    this.#inner = inner;
    if (inner.queues !== undefined) this.queues = inner.queues;
    this.#options = options;
    this.#holds = new Holds(deps.table);
    this.#nominations = new Nominations(deps.table, this.#holds);
    this.#kept = new KeptSeats(deps.table, this.#holds);
    this.#preempts = options.preemption !== undefined || options.keepAfterMs !== undefined;
    this.#reservations = new ReservationBook(deps.table, this.#holds, options.reservations ?? []);
    this.#gangs = new GangQueue(
      {
        enqueue: (task, together) => inner.enqueue(task, true, together),
        withdraw: (task) => inner.withdraw(task),
        rest: inner.rest && ((task, rests) => inner.rest!(task, rests)),
      },
      {
        starters: (waiting, needed) => starters(waiting, needed, deps.shapes),
        together: (tasks) => this.#togetherOf(tasks),
      },
    );
  }

  /** `learnt`: it was told of the task before by `expect`. */
  enqueue(task: T, learnt = false): void {
    // What a queue is entitled to depends on who else wants something.
    if (this.#inner.reclaim !== undefined) this.#unhelped.clear();
    this.#reservations.enqueue(task);
    if (task.gang === undefined) {
      this.#inner.enqueue(task, learnt);
      return;
    }
    if (!learnt) this.#inner.expect?.(task);
    this.#gangs.add(task, task.gang);
  }

  /** Of one that is deferred, `keep` tells what becomes of what is kept for it. */
  withdraw(task: T, leaves: Leaving = 'for-good'): void {
    this.#handout = NONE;
    this.#unhelped.clear();
    this.giveUp(task, leaves);
    this.#reservations.withdraw(task);
    if (task.gang === undefined) this.#inner.withdraw(task);
    else this.#gangs.remove(task);
  }

  /** What is kept for it, or others were stopped for, is for everybody; it need not be in the queue. */
  giveUp(task: T, leaves: Leaving): void {
    const nomination = this.#nominations.of(task);
    const given = leaves !== 'again' && nomination;
    if (given) this.#nominations.drop(given);
    const dropped = leaves !== 'deferred' && this.#kept.isFor(task) && this.#kept.drop();
    if (given || dropped) this.#freed();
  }

  placed(running: Running<T>): void {
    const { task, row } = running;
    if (task.who !== undefined) this.#deps.table.residents.add(row, task.who);
    this.#handout = this.#handout[0]?.task === task ? this.#handout.slice(1) : NONE;
    this.#gangs.remove(task);
    if (this.#mindful) {
      this.#mindful = false;
      this.#gangs.wake();
    }
    this.#inner.placed(running);
    if (this.#preempts || task.gang !== undefined) this.#occupancy.add(running);
    this.#reservations.placed(running);
    if (this.#nominations.placed(task, row)) this.#wake();
    if (this.#kept.isFor(task) && this.#kept.placed(task, row)) this.#wake();
    this.#unhelped.clear();
  }

  ended(running: Running<T>, at: TimeMs): void {
    this.#handout = NONE;
    const { who } = running.task;
    if (who !== undefined) this.#deps.table.residents.remove(running.row, who);
    if (this.#occupancy.has(running.attempt)) this.#occupancy.remove(running.attempt);
    this.#reservations.ended(running.attempt);
    this.#inner.ended(running, at);
    this.#gangs.touch(running.task);
    this.#gangs.wake();
    this.#unhelped.clear();
  }

  resized(before: Running<T>, after: Running<T>, at: TimeMs): void {
    this.#occupancy.replace(after);
    this.#reservations.resized(after);
    this.#inner.resized(before, after, at);
    this.#freed();
  }

  nodesChanged(): void {
    this.#reservations.bind();
    if (this.#kept.isBroken) this.#kept.drop();
    this.#freed();
  }

  stopping(attempt: AttemptId): void {
    this.#occupancy.stop(attempt);
    this.#unhelped.clear();
  }

  preempting(preemption: Preemption, at: TimeMs, preemptor: T | undefined): void {
    for (const { attempt } of preemption.victims) this.#occupancy.stop(attempt);
    this.#nominations.add(preemption, at, preemptor);
    if (preemptor !== undefined && this.#kept.isFor(preemptor) && this.#kept.drop()) this.#wake();
    this.#unhelped.clear();
  }

  keeping(keep: Keep, task: T | undefined): void {
    this.#kept.set(keep, task === undefined ? keep.task : ownerOf(task));
    this.#freed();
  }

  /**
   * For the one whose turn it is, once it waited too long for room that others took. At most one, so that what
   * is kept for two can never keep both from starting.
   */
  keep(at: TimeMs): Keep | undefined {
    this.#lastAt = at;
    const { keepAfterMs } = this.#options;
    const former = this.#kept.keep;
    if (keepAfterMs === undefined || this.#inner.plansGangs === true) return undefined;
    const waiting = this.passedOver();
    if (former !== undefined) {
      const task = waiting.find((one) => this.#kept.isFor(one));
      const may = task !== undefined && !this.#isCapped(task, at);
      const fits = may && this.#kept.stillFits(this.#occupancy, this.#togetherWith(task).ask);
      return fits ? undefined : { ...former, claims: [] };
    }
    // What is kept counts in whole devices: beside it, who waits for victims might no longer fit.
    if (this.#nominations.size > 0) return undefined;
    if (waiting.every((task) => at - task.waitingSince < keepAfterMs)) return undefined;
    const able = new Set<T>();
    for (const task of waiting) {
      if (!this.#isExtra(task) && !this.#isCapped(task, at)) able.add(task);
    }
    for (let tries = 0; able.size > 0 && tries < KEEPS_TRIED; tries++) {
      const [first] = able;
      const task = this.#inner.foremost === undefined ? first : this.#inner.foremost(able, at);
      // Whose turn it is has not waited for so long; the others come after it.
      if (task === undefined || at - task.waitingSince < keepAfterMs) return undefined;
      const aside = (row: NodeIndex) => this.#holds.asideFor(task, row, at);
      const together = this.#togetherWith(task);
      const keep = planKeep(this.#deps.table, this.#occupancy, task, together, aside);
      if (keep !== undefined) return keep;
      able.delete(task);
    }
    return undefined;
  }

  /** When somebody will have waited too long. */
  #keepsAt(): TimeMs | undefined {
    const { keepAfterMs } = this.#options;
    if (keepAfterMs === undefined || this.#inner.plansGangs === true) return undefined;
    if (this.#kept.keep !== undefined) return undefined;
    let first: TimeMs | undefined;
    for (const task of this.passedOver()) {
      const dueAt = (task.waitingSince + keepAfterMs) as TimeMs;
      if (dueAt > this.#lastAt && !this.#isExtra(task)) first = earlier(first, dueAt);
    }
    return first;
  }

  next(at: TimeMs): Choice<T> | undefined {
    if (this.#reservations.advance(at)) this.#freed();
    for (;;) {
      this.#gangs.settle();
      const first = this.#handout[0];
      if (first !== undefined) return { ...first, gpus: this.devices(first.task, first.row) };
      if (this.#nominations.size > 0 && this.#placeNominated(at)) continue;
      const choice = this.#inner.next(at);
      if (choice === undefined) {
        if (this.#placeOnHeld(at)) continue;
        return undefined;
      }
      const gang = this.#gangs.of(choice.task);
      const stands = gang?.queued.get(choice.task);
      if (gang === undefined || stands === undefined) return choice;
      const plan: GangPlan =
        choice.seats === undefined
          ? this.#plan(choice.task)
          : { kind: 'fits', seats: choice.seats };
      if (plan.kind === 'fits') this.#handOut(this.#startersWith(choice.task), plan.seats);
      else {
        this.#gangs.sleep(gang, plan.room);
        const { constraints } = this.#deps.shapes.ask(choice.task.shape);
        if (looksAround(constraints)) this.#mindful = true;
      }
    }
  }

  preempt(at: TimeMs): Preemption | undefined {
    const { preemption } = this.#options;
    if (preemption === undefined) return undefined;
    const pricedAt = (at - (at % PRICES_MS)) as TimeMs;
    for (const [kind, answer] of this.#unhelped)
      if (isOutdated(answer, pricedAt, at)) this.#unhelped.delete(kind);
    let searches = 0;
    const waiting = this.passedOver();
    // Of those that ask alike only the first is passed over, and it need not be one that something is kept for.
    for (const task of [...waiting, ...this.#reservations.entitled(waiting)]) {
      const gang = this.#gangs.of(task);
      if (gang !== undefined && neededNow(gang) === undefined) continue;
      // Members beyond the minimum come when there is room.
      if (this.#isExtra(task) || this.#isCapped(task, at)) continue;
      const kind = this.#kindOf(task);
      if (this.#nominations.of(task) !== undefined || this.#unhelped.has(kind)) continue;
      if (++searches > SEARCHES_MAX) return undefined;
      const { ask, count, request, topology } = this.#togetherWith(task);
      const verdict = this.#holds.besides(task, at, () =>
        decidePreemption(this.#deps.table, this.#occupancy, {
          task,
          ask,
          members: count,
          topology,
          at,
          pricedAt,
          options: preemption,
          budget: (queue) => this.#nominations.budget(queue, preemption.perQueueHour, at),
          reclaim: this.#inner.reclaim?.(task, request),
        }),
      );
      if (verdict.kind === 'preempt') return verdict.preemption;
      const freed = this.#nominations.forget(at);
      const until = earlier(verdict.until, verdict.kind === 'no-help' ? freed : undefined);
      this.#unhelped.set(kind, { ...(verdict.kind === 'wait' && { waitsAt: pricedAt }), until });
    }
    return undefined;
  }

  describe(at: TimeMs): SchedulerDescription {
    const reservations = this.#reservations.describe(at);
    return { queues: [], leafOf: (queue) => queue, ...this.#inner.describe?.(at), reservations };
  }

  /** Of a task that starts by itself. */
  startsWith(task: T, request: Resources, at: TimeMs): boolean {
    const gang = this.#gangs.of(task);
    if (gang !== undefined && neededNow(gang) !== 0) return false;
    return this.#inner.startsWith?.(task, request, at) ?? false;
  }

  save(): SavedGangs {
    const kept = this.#kept.keep;
    return {
      inner: this.#inner.save?.(),
      ...(kept === undefined ? {} : { kept, owner: this.#kept.owner }),
    };
  }

  restore(saved: unknown): void {
    const { inner, kept, owner } = saved as SavedGangs;
    if (inner !== undefined) this.#inner.restore?.(inner);
    const keeps = this.#options.keepAfterMs !== undefined && this.#inner.plansGangs !== true;
    if (keeps && kept !== undefined && owner !== undefined) this.#kept.set(kept, owner);
  }

  nextTimer(): TimeMs | undefined {
    let first = earlier(this.#reservations.changeAt, this.#inner.nextTimer?.());
    first = earlier(first, this.#keepsAt());
    for (const answer of this.#unhelped.values())
      first = earlier(first, wakesAt(answer, this.#lastAt));
    return first;
  }

  passedOver(): readonly T[] {
    const heads = this.#inner.passedOver();
    // Where those that rest have left the queue, only their gangs know of them.
    if (this.#inner.rest !== undefined) return heads;
    const gangs = this.#gangs.passedOver();
    if (gangs.length === 0) return heads;
    return [...heads, ...gangs].sort((a, b) => b.priority - a.priority || byAge(a, b));
  }

  devices(task: T, row: NodeIndex): readonly string[] {
    return this.#inner.devices(task, row);
  }

  refusal(task: T): Refusal | undefined {
    const nomination = this.#nominations.of(task);
    if (nomination !== undefined) {
      const victims = nomination.victims.filter((attempt) => this.#occupancy.has(attempt));
      return { code: 'waits-for-victims', victims };
    }
    const waits = this.#unhelped.get(this.#kindOf(task));
    if (waits?.waitsAt !== undefined) return { code: 'waits-for-completion', until: waits.until };
    const gang = this.#gangs.of(task);
    const short = gang && this.#refusalOfGang(gang);
    // A gang is one in the queue: what keeps its first out keeps out all.
    const first = gang?.queued.has(task) === false ? gang.queued.keys().next().value : undefined;
    const refusal = this.#inner.refusal(first ?? task);
    if (short !== undefined && !beforeRoom.has(refusal?.code ?? short.code)) return short;
    if ((refusal !== undefined && !lacksRoom(refusal)) || this.#holds.size === 0) return refusal;
    const hold = this.#holds.barring(task, this.#togetherWith(task).ask, task.submittedAt);
    if (hold === undefined) return refusal;
    return { code: 'reserved', by: hold.by, node: this.#deps.table.node(hold.row)!.id };
  }

  #refusalOfGang(gang: WaitingGang<T>): Refusal | undefined {
    const ready = gang.waiting.length;
    const needed = Math.max(1, gang.gang.min - gang.gang.alive);
    const now = neededNow(gang);
    if (now === undefined) return { code: 'gang-incomplete', ready, needed };
    const [first] = gang.waiting;
    if (now === 0 || first === undefined) return undefined;
    const room = gang.room ?? (this.#inner.plansGangs ? this.#roomNow(first) : undefined);
    if (room === undefined) return undefined;
    gang.neverFits ??= neverFitsWhole(this.#deps.table, this.#togetherWith(first));
    return noRoomFor(first, { needed, room, neverFits: gang.neverFits });
  }

  #roomNow(task: T): number | undefined {
    const plan = this.#plan(task);
    return plan.kind === 'short' ? plan.room : undefined;
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
      const plan = this.#plan(preemptor, (row) => this.#holds.asideFor(preemptor, row, at));
      if (plan.kind === 'fits' && !this.#isCapped(preemptor, at)) {
        this.#handOut(this.#startersWith(preemptor), plan.seats);
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
    if (this.#reservations.candidates.some((task) => this.#startOnHeld(task, at))) return true;
    const held = [...this.#holds.rows].sort((a, b) => a - b);
    // Passed over, it fits nowhere else.
    return this.passedOver().some((task) =>
      this.#startOnHeld(task, at, isPlain(task, this.#deps.shapes) ? held : undefined),
    );
  }

  #startOnHeld(task: T, at: TimeMs, rows?: readonly NodeIndex[]): boolean {
    const gang = this.#gangs.of(task);
    if (gang && neededNow(gang) === undefined) return false;
    if (this.#isCapped(task, at)) return false;
    const plan = this.#plan(task, (row) => this.#holds.asideFor(task, row, at), rows);
    if (plan.kind !== 'fits' || this.#inner.mayTake?.(task, plan.seats, at) === false) return false;
    this.#handOut(this.#startersWith(task), plan.seats);
    return true;
  }

  #isCapped(task: T, at: TimeMs): boolean {
    return this.#inner.admits?.(task, this.#togetherWith(task), at) !== undefined;
  }

  /** A member beyond what its gang needs. */
  #isExtra(task: T): boolean {
    const gang = this.#gangs.of(task);
    return gang !== undefined && neededNow(gang) === 0;
  }

  #handOut(tasks: readonly T[], seats: readonly Seats[]): void {
    const rows = seats.flatMap(({ row, members }) => Array.from({ length: members }, () => row));
    this.#handout = tasks.map((task, i) => ({ task, row: rows[i]! }));
  }

  #plan(task: T, aside?: Aside, rows?: readonly NodeIndex[]): GangPlan {
    return planGang(this.#deps.table, { ...this.#togetherWith(task), aside, rows });
  }

  /** Those that start at once with this task, those that ask for most first; or it alone. */
  #startersWith(task: T): readonly T[] {
    const gang = this.#gangs.of(task);
    const needed = gang && neededNow(gang);
    if (gang === undefined || needed === undefined || needed === 0) return [task];
    const { shapes } = this.#deps;
    return bySize(starters(gang.waiting, needed, shapes), shapes);
  }

  #togetherWith(task: T): Together {
    return this.#togetherOf(this.#startersWith(task));
  }

  #togetherOf(tasks: readonly T[]): Together {
    const together = togetherOf(tasks, this.#deps.shapes);
    const { gang } = tasks[0]!;
    if (gang?.topology?.required !== true) return together;
    return { ...together, allows: (row) => joins(this.#deps.table, this.#occupancy, gang, row) };
  }

  #kindOf(task: T): string {
    const { ask, count, topology } = this.#togetherWith(task);
    const near = topology === undefined ? '' : `${topology.label}/${topology.required}`;
    const who = this.#inner.reclaim === undefined ? '' : task.tenant;
    const kept = this.#reservations.openTo(task);
    return [task.shape, ask.memory, count, near, task.priority, task.queue, who, kept].join('/');
  }

  /** Something is free that was not, or may be used by others now. */
  #freed(): void {
    this.#handout = NONE;
    this.#wake();
  }

  #wake(): void {
    this.#inner.nodesChanged();
    this.#gangs.wake();
    this.#unhelped.clear();
  }
}
