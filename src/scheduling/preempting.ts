import { milliGpu, type TimeMs } from '../base/units.ts';
import type { AttemptId, QueueName } from '../model/ids.ts';
import type { Preemption } from '../model/preemption.ts';
import type { Resources } from '../model/resources.ts';
import { aloneFor } from './device-owners.ts';
import { type Hold, type Holds, less, scaled } from './holds.ts';
import { type NodeTable, WHOLE_GPU } from './node-table.ts';
import type { Candidate } from './scheduler.ts';
import type { Ask } from './shape.ts';

const HOUR_MS = 3_600_000;

/** What is to be freed for one preemptor: it is nobody else's until the preemptor starts or gives up. */
export interface Nomination<T extends Candidate> {
  readonly preemptor: T;
  readonly ask: Resources;
  readonly victims: readonly AttemptId[];
  readonly holds: Hold[];
  /** Members that have not started yet. */
  left: number;
}

/** The preemptions in force, and those of the last hour for the budgets. */
export class Nominations<T extends Candidate> {
  readonly #table: NodeTable;
  readonly #holds: Holds;
  readonly #byOwner = new Map<string, Nomination<T>>();
  readonly #stops: { readonly at: TimeMs; readonly queue: QueueName }[] = [];

  constructor(table: NodeTable, holds: Holds) {
    this.#table = table;
    this.#holds = holds;
  }

  get size(): number {
    return this.#byOwner.size;
  }

  of(task: T): Nomination<T> | undefined {
    return this.#byOwner.get(ownerOf(task));
  }

  /** The first that was nominated first. */
  all(): Iterable<Nomination<T>> {
    return this.#byOwner.values();
  }

  add({ ask, victims, claims }: Preemption, at: TimeMs, preemptor: T | undefined): void {
    for (const { queue } of victims) this.#stops.push({ at, queue });
    if (preemptor === undefined) return;
    const owner = ownerOf(preemptor);
    // One that was given up is dropped when it comes up in `next`, which a replay does not call.
    const former = this.#byOwner.get(owner);
    if (former !== undefined) this.drop(former);
    const holds: Hold[] = [];
    let left = 0;
    for (const { node, members } of claims) {
      left += members;
      const row = this.#table.rowOf(node);
      if (row === undefined) continue;
      const amount = keptFor(ask, members);
      const hold: Hold = {
        row,
        amount,
        by: preemptor.id,
        from: 0 as TimeMs,
        isFor: (task) => ownerOf(task) === owner,
      };
      holds.push(hold);
      this.#holds.add(hold);
    }
    const attempts = victims.map(({ attempt }) => attempt);
    this.#byOwner.set(owner, { preemptor, ask, victims: attempts, holds, left });
  }

  /** A task was placed: what was held for it there is no longer. False when nothing was. */
  placed(task: T, row: number): boolean {
    const nomination = this.of(task);
    if (nomination === undefined) return false;
    nomination.left--;
    const hold = nomination.holds.find((one) => one.row === row);
    if (hold !== undefined) this.#holds.resize(hold, less(hold.amount, nomination.ask));
    if (nomination.left <= 0) this.drop(nomination);
    return true;
  }

  drop(nomination: Nomination<T>): void {
    for (const hold of nomination.holds) this.#holds.remove(hold);
    this.#byOwner.delete(ownerOf(nomination.preemptor));
  }

  /** How many more tasks of the queue may be stopped at `at`, of so many an hour. */
  budget(queue: QueueName, perHour: number, at: TimeMs): number {
    let used = 0;
    for (const stop of this.#stops) if (stop.queue === queue && stop.at > at - HOUR_MS) used++;
    return perHour - used;
  }

  /** When a stop of the last hour counts no longer. */
  forget(at: TimeMs): TimeMs | undefined {
    while (this.#stops.length > 0 && this.#stops[0]!.at <= at - HOUR_MS) this.#stops.shift();
    return this.#stops.length === 0 ? undefined : ((this.#stops[0]!.at + HOUR_MS) as TimeMs);
  }
}

/** A gang claims as one. */
export const ownerOf = (task: Candidate): string => task.gang?.key ?? task.id;

/** What is kept for a member: whose share is to be alone on its device needs all of that free, or of its own. */
export function keptAsk(ask: Ask): Resources {
  const { constraints: _, ...amounts } = ask;
  return aloneFor(ask) === undefined ? amounts : { ...amounts, gpu: milliGpu(WHOLE_GPU) };
}

/** A share by memory may be as much as its whole device: how much is known when one is chosen. */
export function keptFor(ask: Resources, members: number): Resources {
  const most = ask.gpuMemory === undefined ? ask : { ...ask, gpu: milliGpu(WHOLE_GPU) };
  return scaled(most, members);
}
