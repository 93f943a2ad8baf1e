import type { TimeMs } from '../base/units.ts';
import type { Clock } from '../runtime/ports.ts';
import type { Life } from './life.ts';
import type { Revoke, Timeline } from './timeline.ts';

/** The clock of one life, on virtual time. */
export class VirtualClock implements Clock {
  readonly #timeline: Timeline;
  readonly #life: Life;
  #revoke: Revoke | undefined;

  constructor(timeline: Timeline, life: Life) {
    this.#timeline = timeline;
    this.#life = life;
  }

  now(): TimeMs {
    this.#life.reaches('before-deciding');
    return this.#timeline.now;
  }

  alarm(at: TimeMs | undefined, ring: () => void): void {
    this.#revoke?.();
    this.#revoke = undefined;
    if (at === undefined || this.#life.over) return;
    this.#revoke = this.#timeline.at(at, () => {
      if (!this.#life.over) ring();
    });
  }
}
