import { assert } from '../base/assert.ts';

/** So many tokens in each period, and at most `burst` at once. All whole and at least 1. */
export interface BucketRate {
  readonly tokens: number;
  /** In the unit of the caller's clock: milliseconds for requests, microseconds for bytes. */
  readonly period: number;
  readonly burst: number;
}

/**
 * A token bucket in whole numbers: in any window of length t no more than burst + tokens × t / period are taken,
 * and what is refused could not have been taken without breaking that. Full at first.
 *
 * Tokens are counted in parts of 1/period, so that nothing is ever rounded.
 */
export class TokenBucket {
  readonly #tokens: number;
  readonly #period: number;
  readonly #full: number;
  #level: number;
  #at: number;

  constructor(rate: BucketRate, at: number) {
    for (const n of [rate.tokens, rate.period, rate.burst]) {
      assert(Number.isSafeInteger(n) && n >= 1, `not a rate: ${n}`);
    }
    const divisor = greatestCommonDivisor(rate.tokens, rate.period);
    this.#tokens = rate.tokens / divisor;
    this.#period = rate.period / divisor;
    this.#full = rate.burst * this.#period;
    // A sum of a level and what one step adds must stay exact.
    assert(this.#full + this.#tokens <= Number.MAX_SAFE_INTEGER / 2, 'a burst too large to count');
    this.#level = this.#full;
    this.#at = at;
  }

  /** Takes all of `n` or nothing. More than the burst is never there. */
  take(n: number, at: number): boolean {
    this.#fill(at);
    const needed = n * this.#period;
    if (needed > this.#level) return false;
    this.#level -= needed;
    return true;
  }

  /** The first moment, not before `at`, when `n` are there if nobody takes any; undefined: never. */
  readyAt(n: number, at: number): number | undefined {
    this.#fill(at);
    const needed = n * this.#period;
    if (needed > this.#full) return undefined;
    const lacking = needed - this.#level;
    return lacking <= 0 ? this.#at : this.#at + Math.ceil(lacking / this.#tokens);
  }

  /** A clock that was set back gives nothing, and takes nothing. */
  #fill(at: number): void {
    if (at <= this.#at) return;
    const needed = Math.ceil((this.#full - this.#level) / this.#tokens);
    const passed = at - this.#at;
    this.#level = passed >= needed ? this.#full : this.#level + passed * this.#tokens;
    this.#at = at;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}
