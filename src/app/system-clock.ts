import type { TimeMs } from '../base/units.ts';
import type { Clock } from '../runtime/ports.ts';

/** The longest that a timer of Node can wait. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;
/** Of the time that passes: by so much a difference to the wall clock shrinks. */
const CORRECTION = 0.5;
/** A difference this large is no correction: the machine slept, or had no time when it began. */
const JUMP_MS = 7_200_000;

interface Sources {
  /** Of the system, which somebody may set. */
  readonly wall: () => number;
  /** Goes on evenly, from anywhere. */
  readonly monotonic: () => number;
}

/**
 * The wall clock, without its steps: when the system's is set by up to two hours, this one goes at half
 * or one and a half times the pace until it agrees again. It never goes back and never stands still, so that
 * a holder who renews in good time keeps his lease, and a retry comes.
 */
export class SystemClock implements Clock {
  readonly #sources: Sources;
  #latest: number;
  #readAt: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param notBefore the last moment that is in the journal: the clock may have been set since. */
  constructor(
    notBefore: number,
    sources: Sources = { wall: Date.now, monotonic: () => performance.now() },
  ) {
    this.#sources = sources;
    this.#readAt = sources.monotonic();
    const wall = sources.wall();
    this.#latest = notBefore - wall > JUMP_MS ? wall : Math.max(notBefore, wall);
  }

  now(): TimeMs {
    const { wall, monotonic } = this.#sources;
    const readAt = monotonic();
    const passed = readAt - this.#readAt;
    const most = passed * CORRECTION;
    const behind = wall() - (this.#latest + passed);
    this.#readAt = readAt;
    this.#latest += passed + (behind > JUMP_MS ? behind : Math.min(most, Math.max(-most, behind)));
    return Math.floor(this.#latest) as TimeMs;
  }

  alarm(at: TimeMs | undefined, ring: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (at === undefined) return;
    const wait = Math.min(TIMEOUT_MAX_MS, Math.max(0, at - this.now()));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // After a very long wait, or while this clock goes slowly, it is too early still.
      if (this.now() < at) this.alarm(at, ring);
      else ring();
    }, wait);
  }
}
