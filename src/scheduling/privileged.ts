import type { ReservationBook } from './reservations.ts';
import { byAge, type Candidate } from './scheduler.ts';
import { SortedList } from './sorted-list.ts';

/** Waiting tasks that may use what is kept for some: those that it is for, and those that may end before. */
export class Privileged<T extends Candidate> {
  readonly #meant = new SortedList<T>(byRank);
  readonly #brief = new SortedList<T>(byRank);

  add(task: T, reservations: Pick<ReservationBook, 'isFor'>): void {
    (reservations.isFor(task) ? this.#meant : this.#brief).add(task);
  }

  remove(task: T): void {
    if (!this.#meant.remove(task)) this.#brief.remove(task);
  }

  /** At most `max` of each kind: many of those that may end before hide nobody for whom it is kept. */
  first(max: number): readonly T[] {
    return [...this.#meant.items.slice(0, max), ...this.#brief.items.slice(0, max)];
  }
}

const byRank = (a: Candidate, b: Candidate): number => b.priority - a.priority || byAge(a, b);
