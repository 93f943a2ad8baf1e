import type { Prng } from '../base/prng.ts';
import { spanMs } from '../base/units.ts';
import { type ErrorCode, OperationError } from '../model/errors.ts';
import type { Event } from '../model/messages.ts';
import type { Journal } from '../runtime/ports.ts';
import type { Life } from './life.ts';
import type { Timeline } from './timeline.ts';

/** A slow disk. */
const WRITE_MAX_MS = 20;

export interface MemoryJournalDeps {
  readonly timeline: Timeline;
  readonly prng: Prng;
  /** Called right after a batch became durable, before anybody hears of it. */
  readonly onDurable: (events: readonly Event[]) => void;
}

/** A disk in memory that takes time, may be full for a while, and survives the daemon. */
export class MemoryJournal {
  readonly #deps: MemoryJournalDeps;
  readonly #batches: (readonly Event[])[] = [];
  /** Why it takes nothing at the moment. */
  refusing: ErrorCode | undefined;

  constructor(deps: MemoryJournalDeps) {
    this.#deps = deps;
  }

  get batches(): readonly (readonly Event[])[] {
    return this.#batches;
  }

  /** The journal as one life of the daemon sees it. */
  open(life: Life): Journal {
    return { append: (events) => this.#append(life, events) };
  }

  #append(life: Life, events: readonly Event[]): Promise<void> {
    const { timeline, prng, onDurable } = this.#deps;
    return new Promise((resolve, reject) => {
      if (life.reaches('before-journal')) return;
      const writeMs = spanMs(prng.below(WRITE_MAX_MS));
      const answerMs = spanMs(prng.below(WRITE_MAX_MS));
      timeline.after(writeMs, () => {
        if (life.over) return;
        if (this.refusing !== undefined) {
          reject(new OperationError(this.refusing, 'the modelled disk takes nothing'));
          return;
        }
        this.#batches.push([...events]);
        onDurable(events);
        if (life.reaches('before-acting')) return;
        timeline.after(answerMs, () => {
          if (!life.over) resolve();
        });
      });
    });
  }
}
