import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import type { NodeIndex } from './node-table.ts';
import { Outlook } from './outlook.ts';
import { allowed, checkedScore, chooseDevices, feasible, whyNot } from './place.ts';
import { type Amount, Profile } from './profile.ts';
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
import type { Ask } from './shape.ts';
import { SortedList } from './sorted-list.ts';
import { TypicalDemand } from './typical-demand.ts';

/** Where and when a waiting task is expected to start. */
interface Planned<T> {
  readonly task: T;
  readonly row: NodeIndex;
  readonly startsAt: number;
}

/**
 * Conservative backfilling (Mu'alem and Feitelson 2001): every waiting task is planned, in order of priority
 * and age, at the earliest time at which it delays none before it. The whole plan is made anew whenever
 * something happened, so that an early end moves everybody up. Who is planned for now starts.
 */
export class ConservativeScheduler<T extends Candidate> implements OrderedScheduler<T> {
  readonly #deps: SchedulerDeps;
  readonly #scorer: Scorer;
  readonly #outlook: Outlook;
  readonly #depth: number;
  readonly #queue = new SortedList<T>((a, b) => b.priority - a.priority || byAge(a, b));
  readonly #running = new Map<string, Running<T>>();
  /** In the order of the queue; made at `#plannedAt`. */
  #plan: readonly Planned<T>[] = [];
  #plannedAt = -1;
  #cursor = 0;

  /** `depth`: waiting tasks that are planned; those behind them wait. */
  constructor(deps: SchedulerDeps, scorer: Scorer, options: { readonly depth: number }) {
    this.#deps = deps;
    this.#scorer = scorer;
    this.#outlook = new Outlook(deps.table, new TypicalDemand());
    this.#depth = options.depth;
  }

  enqueue(task: T): void {
    this.#queue.add(task);
    if (this.#scorer.looksAhead === true) {
      this.#outlook.demand.add(this.#deps.shapes.ask(task.shape));
    }
    this.#plannedAt = -1;
  }

  withdraw(task: T): void {
    if (this.#queue.remove(task)) this.#plannedAt = -1;
  }

  placed(running: Running<T>): void {
    this.#queue.remove(running.task);
    this.#running.set(running.attempt, running);
    // What starts as planned leaves the plan as it is.
    if (this.#plan[this.#cursor]?.task === running.task) this.#cursor++;
    else this.#plannedAt = -1;
  }

  ended(running: Running<T>): void {
    this.#running.delete(running.attempt);
    this.#plannedAt = -1;
  }

  resized(_before: Running<T>, after: Running<T>): void {
    this.#running.set(after.attempt, after);
    this.#plannedAt = -1;
  }

  nodesChanged(): void {
    this.#plannedAt = -1;
  }

  next(at: TimeMs): Choice<T> | undefined {
    if (this.#plannedAt !== at) this.#makePlan(at);
    const { table, shapes } = this.#deps;
    for (; this.#cursor < this.#plan.length; this.#cursor++) {
      const { task, row, startsAt } = this.#plan[this.#cursor]!;
      if (startsAt > at) continue;
      const ask = shapes.ask(task.shape);
      // A profile sums the shares of GPUs that may lie on several devices.
      if (!feasible(table, row, ask)) continue;
      const gpus = chooseDevices(table, row, ask, this.#scorer, this.#outlook);
      return { task, row, gpus };
    }
    return undefined;
  }

  save(): unknown {
    return this.#scorer.looksAhead === true ? this.#outlook.demand.save() : undefined;
  }

  restore(saved: unknown): void {
    const { demand } = savedMemory(saved);
    if (demand !== undefined) this.#outlook.demand.restore(demand);
  }

  /** Its tasks wait for the places that are planned for them; nobody is stopped. */
  passedOver(): readonly T[] {
    return [];
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
        (planned) => planned.row === row && planned.startsAt > this.#plannedAt,
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
    const end = Math.min(this.#depth, this.#queue.items.length);
    for (let i = 0; i < end; i++) {
      const task = this.#queue.items[i]!;
      const ask = shapes.ask(task.shape);
      const amount = amountOf(ask, profiles.names);
      const lengthMs = task.estimateMs ?? UNLIMITED;
      const best = this.#earliest(profiles.byRow, amount, lengthMs, ask);
      if (best === undefined) continue;
      profiles.byRow[best.row]!.take(best.startsAt, lengthMs, amount);
      plan.push({ task, ...best });
    }
    this.#plan = plan;
    this.#plannedAt = at;
    this.#cursor = 0;
  }

  /** The node where it starts first; of equals the best by score, then the first. */
  #earliest(
    profiles: readonly (Profile | undefined)[],
    amount: Amount,
    lengthMs: number,
    ask: Ask,
  ): { row: NodeIndex; startsAt: number } | undefined {
    let best: { row: NodeIndex; startsAt: number } | undefined;
    let bestScore = -1;
    for (let row = 0; row < profiles.length; row++) {
      const startsAt = profiles[row]?.earliest(amount, lengthMs) ?? UNLIMITED;
      if (startsAt >= UNLIMITED || (best !== undefined && startsAt > best.startsAt)) continue;
      const { table } = this.#deps;
      if (ask.constraints !== undefined && !allowed(table, row, ask)) continue;
      const fits = table.fits(row, ask);
      const score = fits ? checkedScore(this.#scorer, table, row, ask, this.#outlook) : 0;
      if (best !== undefined && startsAt === best.startsAt && score <= bestScore) continue;
      best = { row, startsAt };
      bestScore = score;
    }
    return best;
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
              table.freeCpu(row),
              table.freeMemory(row),
              table.freeGpuSum(row),
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

function amountOf({ cpu, memory, gpu, custom }: Resources, names: readonly string[]): Amount {
  const of = (name: string): number => custom.find(([other]) => other === name)?.[1] ?? 0;
  return [cpu, memory, gpu, ...names.map(of)];
}
