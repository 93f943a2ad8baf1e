import type { TimeMs } from '../base/units.ts';
import type { Clock } from '../runtime/ports.ts';

/** The longest that a timer of Node can wait. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/** The wall clock, held still while the system's is set back, so that events never go backwards. */
export class SystemClock implements Clock {
  #latest = 0;
  #timer: NodeJS.Timeout | undefined;

  now(): TimeMs {
    this.#latest = Math.max(this.#latest, Date.now());
    return this.#latest as TimeMs;
  }

  alarm(at: TimeMs | undefined, ring: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (at === undefined) return;
    const wait = Math.min(TIMEOUT_MAX_MS, Math.max(0, at - this.now()));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // After a very long wait, or a clock set back, it is too early still.
      if (this.now() < at) this.alarm(at, ring);
      else ring();
    }, wait);
  }
}
