import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { type BitsPerSecond, UNLIMITED } from '../../base/units.ts';
import type { TrafficClass } from '../../model/network-config.ts';
import { type LinkUser, ShapedLink } from '../shaped-link.ts';

interface Piece {
  readonly grant: () => void;
}

export interface ClassCounts {
  bytes: number;
  /** Pieces that waited longer than the class has it. */
  late: number;
}

const nowUs = (): number => Math.floor(performance.now() * 1000);

/** Classes whose guarantee is nothing still get a little: a weight is at least 1 of 10,000. */
export const weightsOf = (classes: readonly TrafficClass[]): { readonly weight: number }[] =>
  classes.map(({ share }) => ({ weight: Math.max(1, Math.round(share / 100)) }));

/** One direction of the link, in real time. Nothing is kept here: who waits holds his own piece. */
export class Shaper {
  readonly #link: ShapedLink<Piece>;
  readonly #latencies: readonly number[];
  readonly counts: readonly ClassCounts[];
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Immediate | undefined;

  constructor(rate: BitsPerSecond, classes: readonly TrafficClass[]) {
    this.#link = new ShapedLink(rate, { classes: weightsOf(classes), at: nowUs() });
    this.#latencies = classes.map(({ latencyMs }) => latencyMs * 1000);
    this.counts = classes.map(() => ({ bytes: 0, late: 0 }));
  }

  /** Copies to the end, and ends `to`. Rejects when one of them breaks, or with the reason of the abort. */
  async copy(from: Readable, to: Writable, user: LinkUser, signal: AbortSignal): Promise<void> {
    const counts = this.counts[user.class]!;
    const isShaped = this.#link.isShaped(user);
    const most = isShaped ? this.#link.pieceOf(user) : UNLIMITED;
    this.#link.open(user, nowUs());
    try {
      // The other direction goes on after the end of this one.
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        const bytes: Buffer = chunk;
        for (let at = 0; at < bytes.length; at += most) {
          const piece = bytes.subarray(at, Math.min(bytes.length, at + most));
          if (isShaped) await this.#take(user, piece.length, signal);
          counts.bytes += piece.length;
          if (!to.write(piece)) await once(to, 'drain', { signal });
        }
      }
      to.end();
    } finally {
      this.#link.close(user.key);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#soon);
  }

  async #take(user: LinkUser, size: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const piece: Piece = { grant: resolve };
    const leave = (): void => {
      this.#link.withdraw(piece);
      reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    const since = nowUs();
    this.#link.ask(user.key, size, piece);
    this.#soon ??= setImmediate(() => this.#turn());
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
    if (nowUs() - since > this.#latencies[user.class]!) this.counts[user.class]!.late++;
  }

  #turn(): void {
    this.#soon = undefined;
    clearTimeout(this.#timer);
    const at = nowUs();
    const { granted, nextAt } = this.#link.turn(at);
    for (const { grant } of granted) grant();
    if (nextAt === undefined) return;
    if (nextAt <= at) {
      this.#soon = setImmediate(() => this.#turn());
      return;
    }
    this.#timer = setTimeout(() => this.#turn(), Math.ceil((nextAt - at) / 1000));
  }
}
