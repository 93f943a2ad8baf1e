import { assert } from '../base/assert.ts';
import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import { mindsOthers } from './company.ts';
import { planGang, type Seats } from './gang.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import { allowed, whyNot } from './place.ts';
import { PlacementIndex } from './placement-index.ts';
import { lacksDevices } from './row-devices.ts';
import { savedMemory } from './saved-memory.ts';
import {
  byAge,
  type Candidate,
  type Choice,
  type OrderedScheduler,
  type Running,
  type SchedulerDeps,
  type Together,
} from './scheduler.ts';
import type { Scorer } from './scorer.ts';
import type { ShapeIndex } from './shape.ts';
import { SortedList } from './sorted-list.ts';
import { Trial } from './trial.ts';
import { FixedOrder, type WaitingOrder } from './waiting-order.ts';

export interface EasyOptions {
  /** `none`: the head of the queue blocks the rest (strict FIFO). */
  readonly backfill: 'none' | 'queue-order' | 'shortest-first';
  /** Waiting tasks looked at behind the head in one pass. */
  readonly depth: number;
}

/** In which order tasks wait; absent: by priority, then age. */
interface Ordering<T extends Candidate> {
  readonly order?: WaitingOrder<T>;
}

/** Where and when the head of the queue is expected to start, with all that it stands for. */
interface Reservation<T> {
  readonly head: T;
  readonly at: number;
  /** Free at `at` on each of its nodes beyond what it needs there. */
  readonly extras: Map<NodeIndex, Resources>;
}

/**
 * EASY backfilling (Lifka 1995; Mu'alem and Feitelson 2001): in the order of the queue; when the head fits nowhere
 * it gets a reservation at the earliest time at which it is expected to, and a later task may start only if
 * that does not move the reservation: on another node, or if it ends before, or if it fits beside the head.
 * A gang gets one for all of its members at once, where its topology lets them.
 * `shortest-first` tries later tasks by expected run time (SJBF, Tsafrir, Etsion and Feitelson 2007).
 */
export class EasyScheduler<T extends Candidate> implements OrderedScheduler<T> {
  readonly #deps: SchedulerDeps;
  readonly #options: EasyOptions;
  readonly #index: PlacementIndex;
  readonly #queue: WaitingOrder<T>;
  readonly #backfill: WaitingOrder<T>;
  readonly #running = new SortedList<Running<T>>(
    (a, b) => expectedEnd(a) - expectedEnd(b) || byAge(a.task, b.task),
  );
  readonly #runningByAttempt = new Map<string, Running<T>>();
  /** Shapes that fit nowhere since the last time something was freed. */
  readonly #refused = new Set<ShapeIndex>();
  readonly #together = new Map<T, Together>();
  readonly plansGangs = true;
  #reservation: Reservation<T> | undefined;
  /** How far the pass over `#backfill` got. */
  #cursor = 0;
  #passAt = -1;
  #lastAt = 0 as TimeMs;

  constructor(
    deps: SchedulerDeps,
    scorer: Scorer,
    { order = new FixedOrder(), ...options }: EasyOptions & Ordering<T>,
  ) {
    this.#deps = deps;
    this.#options = options;
    this.#queue = order;
    this.#index = new PlacementIndex(deps.table, scorer);
    this.#backfill = options.backfill === 'shortest-first' ? new FixedOrder<T>(byEstimate) : order;
  }

  expect(task: T): void {
    this.#index.expect(this.#deps.shapes.ask(task.shape));
  }

  enqueue(task: T, learnt = false, together?: Together): void {
    if (!learnt) this.expect(task);
    if (together !== undefined) this.#together.set(task, together);
    this.#queue.add(task);
    if (this.#backfill !== this.#queue) this.#backfill.add(task);
    this.#passAt = -1;
  }

  withdraw(task: T): void {
    this.#leave(task);
    this.#passAt = -1;
  }

  #leave(task: T): void {
    this.#together.delete(task);
    this.#queue.remove(task);
    if (this.#backfill !== this.#queue) this.#backfill.remove(task);
  }

  placed(running: Running<T>): void {
    // What is to be near others may have room now.
    for (const shape of this.#refused) {
      if (mindsOthers(this.#deps.shapes.ask(shape).constraints)) this.#refused.delete(shape);
    }
    const isHead = this.#queue.items(running.placedAt)[0] === running.task;
    this.#leave(running.task);
    this.#queue.placed(running);
    if (this.#queue.shifts) this.#cursor = 0;
    this.#running.add(running);
    this.#runningByAttempt.set(running.attempt, running);
    const reservation = this.#reservation;
    if (isHead || reservation === undefined) {
      this.#reservation = undefined;
      return;
    }
    const extra = reservation.extras.get(running.row);
    if (extra !== undefined && expectedEnd(running) > reservation.at) {
      reservation.extras.set(running.row, minus(extra, running.held));
    }
  }

  ended(ended: Running<T>, at: TimeMs): void {
    this.#queue.ended(ended, at);
    const running = this.#runningByAttempt.get(ended.attempt);
    if (running !== undefined) this.#running.remove(running);
    this.#runningByAttempt.delete(ended.attempt);
    this.#startAfresh();
  }

  resized(before: Running<T>, after: Running<T>, at: TimeMs): void {
    this.ended(before, at);
    this.#queue.resized(after, at);
    this.#running.add(after);
    this.#runningByAttempt.set(after.attempt, after);
    this.#reservation = undefined;
  }

  nodesChanged(): void {
    this.#queue.nodesChanged();
    this.#startAfresh();
  }

  next(at: TimeMs): Choice<T> | undefined {
    this.#lastAt = at;
    const head = this.#queue.items(at)[0];
    if (head === undefined) return undefined;
    if (this.#passAt !== at) {
      this.#cursor = 0;
      this.#passAt = at;
      // Expected ends may have passed without an end.
      this.#reservation = undefined;
    }
    const choice = this.#start(head, undefined, at);
    if (choice !== undefined) return choice;
    if (this.#options.backfill === 'none') return undefined;
    if (this.#reservation?.head !== head) {
      this.#reservation = this.#reserve(head, at);
      this.#cursor = 0;
    }
    return this.#nextBackfill(head, at);
  }

  save(): unknown {
    const leaves = this.#queue.save();
    return leaves.length === 0 ? this.#index.save() : { leaves, demand: this.#index.save() };
  }

  restore(saved: unknown): void {
    const { leaves, demand } = savedMemory(saved);
    this.#index.restore(demand);
    this.#queue.restore(leaves);
  }

  /** The head of the queue. Those behind it wait for it, or for room that it does not need. */
  passedOver(): readonly T[] {
    return this.#queue.items(this.#lastAt).slice(0, 1);
  }

  /** Whether the head could still start when and where it is expected to. */
  mayTake(task: T, seats: readonly Seats[], at: TimeMs): boolean {
    const reservation = this.#reservation;
    if (reservation === undefined || reservation.head === task) return true;
    return seats.every(({ row, members }) => this.#beside(reservation, task, row, at) >= members);
  }

  devices(task: T, row: NodeIndex): readonly string[] {
    return this.#index.devices(row, this.#deps.shapes.ask(task.shape));
  }

  refusal(task: T): Refusal | undefined {
    const { table, shapes } = this.#deps;
    const ask = shapes.ask(task.shape);
    if (this.#index.best(task.shape, ask) !== undefined) return this.#held(task);
    const refusal = whyNot(table, ask);
    return refusal.code === 'no-nodes' && table.rows > 0 ? undefined : refusal;
  }

  /** It has room: the head of the queue, or what was promised to it, comes before. */
  #held(task: T): Refusal | undefined {
    const head = this.#queue.items(this.#lastAt)[0];
    if (head === undefined || head === task) return undefined;
    const reservation = this.#reservation;
    if (this.#options.backfill === 'none') {
      return { code: 'behind', task: head.id, queue: head.queue };
    }
    if (reservation === undefined) return undefined;
    const [row] = reservation.extras.keys();
    const node = this.#deps.table.node(row!)?.id;
    return { code: 'reserved-for', task: head.id, node, startsAt: reservation.at };
  }

  #nextBackfill(head: T, at: TimeMs): Choice<T> | undefined {
    const items = this.#backfill.items(at);
    const reservation = this.#reservation;
    const end = Math.min(items.length, this.#options.depth + 1);
    while (this.#cursor < end) {
      const task = items[this.#cursor]!;
      if (task !== head) {
        // What was chosen leaves the list: the cursor then points at the next.
        const choice = this.#start(task, reservation, at);
        if (choice !== undefined) return choice;
      }
      this.#cursor++;
    }
    return undefined;
  }

  /** It starts now, with all that it stands for, if that leaves the reservation as it is. */
  #start(task: T, reservation: Reservation<T> | undefined, at: TimeMs): Choice<T> | undefined {
    const together = this.#together.get(task);
    if (together === undefined) {
      const row = this.#place(task);
      if (row === undefined) return undefined;
      if (reservation !== undefined && this.#beside(reservation, task, row, at) < 1) {
        return undefined;
      }
      return { task, row, gpus: this.devices(task, row) };
    }
    const { smaller: _, ...largest } = together;
    // What a reservation leaves is counted in seats of one size.
    const plan = planGang(
      this.#deps.table,
      reservation === undefined
        ? together
        : {
            ...largest,
            members: together.count,
            roomMax: (row) => this.#beside(reservation, task, row, at),
          },
    );
    if (plan.kind !== 'fits') return undefined;
    const { seats } = plan;
    const [first] = seats;
    return first && { task, row: first.row, gpus: this.devices(task, first.row), seats };
  }

  #place(task: T): NodeIndex | undefined {
    if (this.#refused.has(task.shape)) return undefined;
    const row = this.#index.best(task.shape, this.#deps.shapes.ask(task.shape));
    if (row === undefined) this.#refused.add(task.shape);
    return row;
  }

  /** So many like this one may start on the row, and the head could start as expected. */
  #beside(reservation: Reservation<T>, task: T, row: NodeIndex, at: TimeMs): number {
    const extra = reservation.extras.get(row);
    if (extra === undefined || at + (task.estimateMs ?? UNLIMITED) <= reservation.at) {
      return UNLIMITED;
    }
    return timesIn(extra, this.#together.get(task)?.ask ?? this.#deps.shapes.request(task.shape));
  }

  /** The earliest expected end after which the head fits; undefined when that is unknown. */
  #reserve(head: T, at: TimeMs): Reservation<T> | undefined {
    const together = this.#together.get(head);
    if (together !== undefined) return this.#reserveTogether(head, together, at);
    const { table, shapes } = this.#deps;
    const ask = shapes.ask(head.shape);
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
        if (timesIn(free, ask) < 1 || !allowed(table, row, ask)) continue;
        // Amounts add up devices, of which none may give such a share.
        if (ask.gpu > 0 && lacksDevices(table.node(row)!, ask) !== undefined) continue;
        return { head, at: endAt, extras: new Map([[row, minus(free, ask)]]) };
      }
    }
    return undefined;
  }

  /** More ends never make less room, so that the first sufficient one is found by halving. */
  #reserveTogether(head: T, together: Together, at: TimeMs): Reservation<T> | undefined {
    const { table } = this.#deps;
    const ends = this.#running.items.filter((running) => expectedEnd(running) < UNLIMITED);
    const times = [...new Set(ends.map((running) => Math.max(at, expectedEnd(running))))];
    const after = <R>(time: number, look: () => R): R => {
      const trial = new Trial(table);
      for (const running of ends) {
        if (expectedEnd(running) > time) break;
        trial.give(running.row, running.held, running.gpus);
      }
      const seen = look();
      trial.undo();
      return seen;
    };
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { kind } = after(times[middle]!, () => planGang(table, together));
      if (kind === 'fits') high = middle;
      else low = middle + 1;
    }
    const time = times[low];
    if (time === undefined) return undefined;
    return after(time, () => {
      const plan = planGang(table, together);
      assert(plan.kind === 'fits', 'it fitted before');
      const extras = new Map<NodeIndex, Resources>();
      const parts = [together, ...(together.smaller ?? [])].flatMap(({ ask, members }) =>
        Array.from({ length: members }, () => ask),
      );
      for (const { row, members } of plan.seats) {
        for (const ask of parts.splice(0, members)) {
          extras.set(row, minus(extras.get(row) ?? freeOn(table, row), ask));
        }
      }
      return { head, at: time, extras };
    });
  }

  #startAfresh(): void {
    this.#refused.clear();
    this.#reservation = undefined;
    this.#passAt = -1;
  }
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

/** Beside what is kept for somebody. */
function freeOn(table: NodeTable, row: NodeIndex): Resources {
  const node = table.node(row)!;
  const aside = table.aside(row);
  const free = {
    cpu: table.freeCpu(row),
    memory: table.freeMemory(row),
    gpu: table.freeGpuSum(row) as Resources['gpu'],
    custom: node.custom.map(([name]) => [name, table.freeCustom(row, name)] as const),
  };
  return aside === undefined ? free : minus(free, aside);
}

/**
 * How often the ask goes into what is free. GPU shares are summed here, so a reservation may be early where the
 * free shares lie on several devices.
 */
function timesIn(free: Resources, ask: Resources): number {
  const times = (has: number, one: number): number =>
    one === 0 ? UNLIMITED : Math.max(0, Math.floor(has / one));
  return Math.min(
    times(free.cpu, ask.cpu),
    times(free.memory, ask.memory),
    times(free.gpu, ask.gpu),
    ...ask.custom.map(([name, amount]) => times(amountOf(free, name), amount)),
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
    custom:
      a.custom.length === 0
        ? a.custom
        : a.custom.map(([name, amount]) => [name, amount + sign * amountOf(b, name)] as const),
  };
}
