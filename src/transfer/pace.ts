import { TokenBucket } from '../admission/token-bucket.ts';
import type { BitsPerSecond } from '../base/units.ts';

const MICROS = 1_000_000;
const PIECE_MAX = 256 * 1024;
/** A pause that lasts longer than it should is made up for out of what was saved meanwhile. */
const BURST_PER_SECOND = 10;
const BURST_MIN = 16 * 1024;
const BURST_MAX = 4 * 1024 * 1024;

/** Holds a stream of bytes to a rate: in no window of length t more than burst + rate × t. */
export class Pace {
  /** No piece may be larger. */
  readonly pieceMax: number;
  readonly #bucket: TokenBucket | undefined;

  /** @param at in microseconds. Undefined: as fast as it goes. */
  constructor(rate: BitsPerSecond | undefined, at: number) {
    const perSecond = rate === undefined ? Number.POSITIVE_INFINITY : Math.floor(rate / 8);
    const share = Math.floor(perSecond / BURST_PER_SECOND);
    const burst = Math.min(BURST_MAX, Math.max(BURST_MIN, share));
    this.pieceMax = Math.min(PIECE_MAX, burst);
    this.#bucket =
      rate === undefined
        ? undefined
        : new TokenBucket({ tokens: perSecond, period: MICROS, burst }, at);
  }

  /** Takes a piece, and says until when to wait first; `at` and the answer in microseconds. */
  next(bytes: number, at: number): number {
    if (this.#bucket === undefined || this.#bucket.take(bytes, at)) return at;
    return this.#bucket.readyAt(bytes, at)!;
  }
}
