import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import { planGang, type Seats, seatsAmong } from './gang.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import { Outlook } from './outlook.ts';
import { allowed, checkedScore, chooseDevices, feasible, isIn, whyNot } from './place.ts';
import { type Amount, Profile } from './profile.ts';
import { lacksDevices } from './row-devices.ts';
import { savedMemory } from './saved-memory.ts';
import type {
  Candidate,
  Choice,
  OrderedScheduler,
  Running,
  SchedulerDeps,
  Together,
} from './scheduler.ts';
import { SCORE_MAX, type Scorer } from './scorer.ts';
import type { Ask } from './shape.ts';
import { TypicalDemand } from './typical-demand.ts';
import { FixedOrder, type WaitingOrder } from './waiting-order.ts';

/** Where and when a waiting task is expected to start. */
interface Planned<T> extends Start {
  readonly task: T;
}

interface Start {
  readonly seats: readonly Seats[];
  readonly startsAt: number;
}

/**
 * Conservative backfilling (Mu'alem and Feitelson 2001): every waiting task is planned, in the order of the
 * queue, at the earliest time at which it delays none before it. The whole plan is made anew whenever
 * something happened, so that an early end moves everybody up; it knows no former plan, so that on several nodes it may
 * seat somebody elsewhere at the same time, and somebody else later. Who is planned for now starts. The members of a
 * gang are planned for one time, where its topology lets them.
 */
export class ConservativeScheduler<T extends Candidate> implements OrderedScheduler<T> {
  readonly #deps: SchedulerDeps;
  readonly #scorer: Scorer;
  readonly #outlook: Outlook;
  readonly #depth: number;
  readonly #queue: WaitingOrder<T>;
  readonly #running = new Map<string, Running<T>>();
  readonly #together = new Map<T, Together>();
  readonly plansGangs = true;
  /** In the order of the queue; made at `#plannedAt`. */
  #plan: readonly Planned<T>[] = [];
  #plannedAt = -1;
  #lastAt = 0 as TimeMs;
  #cursor = 0;
  /** Somebody of the plan has started. */
  #started = false;
  /** How many may be on spot nodes is another number than when the plan was made. */
  #shareMoved = false;

  /** `depth`: waiting tasks that are planned; those behind them wait. `order`: absent, by priority and age. */
  constructor(
    deps: SchedulerDeps,
    scorer: Scorer,
    options: { readonly depth: number; readonly order?: WaitingOrder<T> },
  ) {
    this.#deps = deps;
    this.#scorer = scorer;
    this.#queue = options.order ?? new FixedOrder();
    this.#outlook = new Outlook(deps.table, new TypicalDemand());
    this.#depth = options.depth;
  }

  expect(task: T): void {
    if (this.#scorer.looksAhead === true) {
      this.#outlook.demand.add(this.#deps.shapes.ask(task.shape));
    }
  }

  enqueue(task: T, learnt = false, together?: Together): void {
    if (!learnt) this.expect(task);
    if (together !== undefined) this.#together.set(task, together);
    this.#queue.add(task);
    this.#plannedAt = -1;
  }

  withdraw(task: T): void {
    this.#together.delete(task);
    if (this.#queue.remove(task)) this.#plannedAt = -1;
  }

  placed(running: Running<T>): void {
    this.#together.delete(running.task);
    this.#queue.remove(running.task);
    this.#queue.placed(running);
    this.#running.set(running.attempt, running);
    // What starts as planned leaves the plan as it is.
    if (this.#plan[this.#cursor]?.task === running.task) {
      this.#cursor++;
      this.#started = true;
      const { constraints } = this.#deps.shapes.ask(running.task.shape);
      this.#shareMoved ||= constraints?.spot !== undefined;
    } else this.#plannedAt = -1;
  }

  ended(running: Running<T>, at: TimeMs): void {
    this.#queue.ended(running, at);
    this.#running.delete(running.attempt);
    this.#plannedAt = -1;
  }

  resized(before: Running<T>, after: Running<T>, at: TimeMs): void {
    this.#queue.ended(before, at);
    this.#queue.resized(after, at);
    this.#running.set(after.attempt, after);
    this.#plannedAt = -1;
  }

  nodesChanged(): void {
    this.#queue.nodesChanged();
    this.#plannedAt = -1;
  }

  next(at: TimeMs): Choice<T> | undefined {
    this.#lastAt = at;
    if (this.#plannedAt !== at) this.#makePlan(at);
    for (;;) {
      const choice = this.#nextPlanned(at);
      if (choice !== undefined) return choice;
      // Those that started make room in the depth for others.
      const hasMore = this.#queue.items(at).length > this.#plan.length;
      if (!this.#started || !(hasMore || this.#shareMoved)) return undefined;
      this.#makePlan(at);
    }
  }

  #nextPlanned(at: TimeMs): Choice<T> | undefined {
    for (; this.#cursor < this.#plan.length; this.#cursor++) {
      const { task, seats, startsAt } = this.#plan[this.#cursor]!;
      if (startsAt > at) continue;
      const choice = this.#start(task, seats);
      if (choice !== undefined) return choice;
    }
    return undefined;
  }

  /** As planned, unless the shares of GPUs that a profile sums lie on several devices. */
  #start(task: T, seats: readonly Seats[]): Choice<T> | undefined {
    const { table, shapes } = this.#deps;
    const { row } = seats[0]!;
    const together = this.#together.get(task);
    if (together === undefined) {
      const ask = shapes.ask(task.shape);
      if (!feasible(table, row, ask)) {
        this.#shareMoved ||= ask.constraints?.spot !== undefined;
        return undefined;
      }
      return { task, row, gpus: this.devices(task, row) };
    }
    const { ask, count: members, topology, allows } = together;
    const roomMax = (other: NodeIndex): number =>
      seats.find((seat) => seat.row === other)?.members ?? 0;
    const plan = planGang(table, { ask, members, topology, allows, roomMax });
    if (plan.kind !== 'fits') return undefined;
    const first = plan.seats[0]!.row;
    return { task, row: first, gpus: this.devices(task, first), seats: plan.seats };
  }

  devices(task: T, row: NodeIndex): readonly string[] {
    const ask = this.#deps.shapes.ask(task.shape);
    return chooseDevices(this.#deps.table, row, ask, this.#scorer, this.#outlook);
  }

  save(): unknown {
    const demand = this.#scorer.looksAhead === true ? this.#outlook.demand.save() : undefined;
    const leaves = this.#queue.save();
    return leaves.length === 0 ? demand : { leaves, demand };
  }

  restore(saved: unknown): void {
    const { leaves, demand } = savedMemory(saved);
    this.#queue.restore(leaves);
    if (demand !== undefined) this.#outlook.demand.restore(demand);
  }

  /** The head of the queue. Those behind it wait for the places that are planned for them. */
  passedOver(): readonly T[] {
    return this.#queue.items(this.#lastAt).slice(0, 1);
  }

  /** Whether it would end before anybody is to start on those nodes. */
  mayTake(task: T, seats: readonly Seats[], at: TimeMs): boolean {
    const endsAt = at + (task.estimateMs ?? UNLIMITED);
    const rows = new Set(seats.map(({ row }) => row));
    return this.#plan.every(
      (planned) =>
        planned.task === task ||
        planned.startsAt >= endsAt ||
        !planned.seats.some(({ row }) => rows.has(row)),
    );
  }

  refusal(task: T): Refusal | undefined {
    const { table, shapes } = this.#deps;
    const before = this.#behind(task);
    if (before !== undefined) return before;
    const refusal = whyNot(table, shapes.ask(task.shape));
    return refusal.code === 'no-nodes' && table.rows > 0 ? undefined : refusal;
  }

  /** When it would fit now, those before it are what it waits for. */
  #behind(task: T): Refusal | undefined {
    const { table, shapes } = this.#deps;
    const ask = shapes.ask(task.shape);
    for (let row = 0; row < table.rows; row++) {
      if (!feasible(table, row, ask)) continue;
      const first = this.#plan.find(
        ({ seats, startsAt }) =>
          startsAt > this.#plannedAt && seats.some((seat) => seat.row === row),
      );
      if (first === undefined || first.task === task) return undefined;
      const { startsAt } = first;
      const node = table.node(row)!.id;
      return { code: 'reserved-for', task: first.task.id, node, startsAt };
    }
    return undefined;
  }

  #makePlan(at: TimeMs): void {
    if (this.#scorer.looksAhead === true) this.#outlook.refresh();
    const { shapes } = this.#deps;
    const profiles = this.#profiles(at);
    const plan: Planned<T>[] = [];
    const waiting = this.#queue.items(at);
    const end = Math.min(this.#depth, waiting.length);
    for (let i = 0; i < end; i++) {
      const task = waiting[i]!;
      const together = this.#together.get(task);
      const ask = together?.ask ?? shapes.ask(task.shape);
      const amount = amountOf(ask, profiles.names);
      const lengthMs = task.estimateMs ?? UNLIMITED;
      const best =
        together === undefined
          ? this.#earliest(profiles.byRow, amount, lengthMs, ask)
          : this.#earliestTogether(profiles.byRow, { at, amount, lengthMs }, together);
      if (best === undefined) continue;
      for (const { row, members } of best.seats) {
        const all = amount.map((one) => one * members);
        profiles.byRow[row]!.take(best.startsAt, lengthMs, all);
      }
      plan.push({ task, ...best });
    }
    this.#plan = plan;
    this.#plannedAt = at;
    this.#cursor = 0;
    this.#started = false;
    this.#shareMoved = false;
  }

  /** The node where it starts first; of equals the best by score, then the first. */
  #earliest(
    profiles: readonly (Profile | undefined)[],
    amount: Amount,
    lengthMs: number,
    ask: Ask,
  ): Start | undefined {
    let best: { row: NodeIndex; startsAt: number } | undefined;
    let bestScore = -1;
    for (let row = 0; row < profiles.length; row++) {
      const startsAt = profiles[row]?.earliest(amount, lengthMs) ?? UNLIMITED;
      if (startsAt >= UNLIMITED || (best !== undefined && startsAt > best.startsAt)) continue;
      const { table } = this.#deps;
      if (!mayEverFit(table, row, ask)) continue;
      const fits = table.fits(row, ask);
      const score = fits
        ? checkedScore(this.#scorer, table, row, ask, this.#outlook) + this.#lead(row, ask)
        : 0;
      if (best !== undefined && startsAt === best.startsAt && score <= bestScore) continue;
      best = { row, startsAt };
      bestScore = score;
    }
    return best && { seats: [{ row: best.row, members: 1 }], startsAt: best.startsAt };
  }

  /** Who may be on spot nodes goes there first, whatever the score. */
  #lead(row: NodeIndex, ask: Ask): number {
    return ask.constraints?.spot && isIn(this.#deps.table, row, 'spot') ? SCORE_MAX : 0;
  }

  /** The first time at which all of them find seats; members that ask for less count as the largest. */
  #earliestTogether(
    profiles: readonly (Profile | undefined)[],
    { at, amount, lengthMs }: { at: TimeMs; amount: Amount; lengthMs: number },
    { ask, count, topology, allows }: Together,
  ): Start | undefined {
    const { table } = this.#deps;
    const rows = profiles.flatMap((_, row) => {
      if (table.node(row) === undefined || allows?.(row) === false) return [];
      return mayEverFit(table, row, ask) ? [row] : [];
    });
    const starts = new Set(rows.flatMap((row) => [...profiles[row]!.starts]));
    for (const startsAt of [...starts].sort((a, b) => a - b)) {
      const rooms = rows.map((row) => ({
        row,
        // Amounts add up devices; whether each share finds one is known of what is free now.
        members: Math.min(
          startsAt <= at ? table.slots(row, ask, undefined, count) : count,
          profiles[row]!.room(startsAt, lengthMs, amount),
        ),
      }));
      const seats = seatsAmong(table, rooms, count, topology);
      if (seats !== undefined) return { seats, startsAt };
    }
    return undefined;
  }

  #profiles(at: TimeMs): { names: readonly string[]; byRow: (Profile | undefined)[] } {
    const { table } = this.#deps;
    const names = new Set<string>();
    for (let row = 0; row < table.rows; row++) {
      for (const [name] of table.node(row)?.custom ?? []) names.add(name);
    }
    const sorted = [...names].sort();
    const byRow: (Profile | undefined)[] = [];
    for (let row = 0; row < table.rows; row++) {
      byRow.push(
        table.node(row) === undefined
          ? undefined
          : new Profile(at, [
              table.freeCpu(row) - (table.aside(row)?.cpu ?? 0),
              table.freeMemory(row) - (table.aside(row)?.memory ?? 0),
              table.freeGpuSum(row) - (table.aside(row)?.gpu ?? 0),
              ...sorted.map((name) => table.freeCustom(row, name)),
            ]),
      );
    }
    for (const { task, row, held, placedAt } of this.#running.values()) {
      const endsAt = Math.min(UNLIMITED, placedAt + (task.estimateMs ?? UNLIMITED));
      // What runs longer than expected is expected to end at any moment, but not now.
      byRow[row]?.release(Math.max(at + 1, endsAt), amountOf(held, sorted));
    }
    return { names: sorted, byRow };
  }
}

/** A profile adds up devices: whether there is one that gives such a share is asked of the node. */
function mayEverFit(table: NodeTable, row: NodeIndex, ask: Ask): boolean {
  if (ask.gpu > 0 && lacksDevices(table.node(row)!, ask) !== undefined) return false;
  return allowed(table, row, ask);
}

function amountOf({ cpu, memory, gpu, custom }: Resources, names: readonly string[]): Amount {
  const of = (name: string): number => custom.find(([other]) => other === name)?.[1] ?? 0;
  return [cpu, memory, gpu, ...names.map(of)];
}
