import type { SpaceBook } from '../scheduling/space-book.ts';
import { PinnedCores } from './pinned-cores.ts';
import type { AttemptRecord } from './records.ts';

/** What placed attempts have of their nodes beside amounts: whole cores, and space by phases. */
export class PlacedParts {
  readonly cores = new PinnedCores();
  readonly #space: SpaceBook;
  readonly #rowOf: (attempt: AttemptRecord) => number | undefined;

  constructor(space: SpaceBook, rowOf: (attempt: AttemptRecord) => number | undefined) {
    this.#space = space;
    this.#rowOf = rowOf;
  }

  /** From its placement on. */
  add(attempt: AttemptRecord): void {
    this.cores.add(attempt);
    const scratch = attempt.task.step.spec.constraints?.scratch;
    const row = this.#rowOf(attempt);
    if (scratch === undefined || row === undefined) return;
    this.#space.hold(attempt.id, row, scratch, attempt.placedAt);
  }

  /** After its end. */
  remove(attempt: AttemptRecord): void {
    this.cores.remove(attempt);
    this.#space.release(attempt.id);
  }
}
