import type { LogChunk } from '../../src/api/contract/documents.ts';
import type { LogRequest } from '../../src/api/contract/views.ts';

/** One stream of one attempt, capped as the real one is: the oldest bytes go first. */
export class ToyLog {
  readonly #cap: number;
  #kept = Buffer.alloc(0);
  #dropped = 0;
  ended = false;

  constructor(cap: number) {
    this.#cap = cap;
  }

  write(text: string): void {
    this.#kept = Buffer.concat([this.#kept, Buffer.from(text)]);
    const over = this.#kept.byteLength - this.#cap;
    if (over <= 0) return;
    this.#kept = this.#kept.subarray(over);
    this.#dropped += over;
  }

  read({ attempt, stream, from, maxBytes }: LogRequest): LogChunk {
    const end = this.#dropped + this.#kept.byteLength;
    const wanted = Math.max(0, Math.min(from < 0 ? end + from : from, end));
    const offset = Math.max(wanted, this.#dropped);
    const begin = offset - this.#dropped;
    let stop = Math.min(begin + maxBytes, this.#kept.byteLength);
    // A piece never ends within a character: the next one begins with it.
    while (stop > begin && (this.#kept[stop] ?? 0) >> 6 === 0b10) stop--;
    const piece = this.#kept.subarray(begin, stop);
    return {
      attempt,
      stream,
      text: piece.toString('utf8'),
      offset,
      next: offset + piece.byteLength,
      dropped: from < 0 ? 0 : offset - wanted,
      ended: this.ended,
    };
  }
}
