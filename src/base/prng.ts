/**
 * Seeded pseudo-random numbers, the same on every machine (integer arithmetic only).
 * Mulberry32 by Tommy Ettinger: period 2^32, enough for drawing scenarios; not for secrets.
 */
export class Prng {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer in 0 … 2^32 − 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** An integer in 0 … bound − 1, unbiased by rejection. */
  below(bound: number): number {
    const limit = 4294967296 - (4294967296 % bound);
    let drawn = this.next();
    while (drawn >= limit) drawn = this.next();
    return drawn % bound;
  }

  /** An integer in low … high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(outOf100: number): boolean {
    return this.below(100) < outOf100;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** An independent stream, so that drawing more of one thing does not change another. */
  fork(): Prng {
    return new Prng(this.next());
  }

  /** The stream of one thing among many: what others there are does not change it. */
  static of(seed: number, name: string): Prng {
    return new Prng(fnv1a(seed, name));
  }
}

/** FNV-1a over code units, begun with a seed. */
function fnv1a(seed: number, name: string): number {
  let h = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193) >>> 0;
  return h;
}
