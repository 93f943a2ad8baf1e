import { UNLIMITED } from '../base/units.ts';
import type { Candidate, Running } from './scheduler.ts';
import { SortedList } from './sorted-list.ts';

interface Ending {
  readonly running: Running<Candidate>;
}

/** So many ends lie in one heap of them that sorting it when it is looked at costs little. */
const HEAP_MS = 60_000;

/**
 * What runs, by when it is expected to end: cheap to change and to look at the first few of, as the many that run
 * change often, and whoever looks ahead seldom looks far.
 */
export class ExpectedEnds<O extends Ending> {
  readonly #heaps = new Map<number, Set<O>>();
  readonly #minutes = new SortedList<number>((a, b) => a - b);

  add(ending: O): void {
    const minute = minuteOf(ending);
    const heap = this.#heaps.get(minute);
    if (heap !== undefined) {
      heap.add(ending);
      return;
    }
    this.#heaps.set(minute, new Set([ending]));
    this.#minutes.add(minute);
  }

  remove(ending: O): void {
    const minute = minuteOf(ending);
    const heap = this.#heaps.get(minute)!;
    heap.delete(ending);
    if (heap.size > 0) return;
    this.#heaps.delete(minute);
    this.#minutes.remove(minute);
  }

  *inOrder(): Generator<O> {
    for (const minute of this.#minutes.items) {
      yield* [...this.#heaps.get(minute)!].sort(byExpectedEnd);
    }
  }
}

export const expectedEnd = ({ running: { placedAt, task } }: Ending): number =>
  Math.min(UNLIMITED, placedAt + (task.estimateMs ?? UNLIMITED));

export function byExpectedEnd(a: Ending, b: Ending): number {
  return (
    expectedEnd(a) - expectedEnd(b) ||
    a.running.placedAt - b.running.placedAt ||
    (a.running.attempt < b.running.attempt ? -1 : 1)
  );
}

const minuteOf = (ending: Ending): number => Math.floor(expectedEnd(ending) / HEAP_MS);
