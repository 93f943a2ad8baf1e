import { type FairClass, FairQueue, type Sized } from '../admission/fair-queue.ts';
import { type BucketRate, TokenBucket } from '../admission/token-bucket.ts';
import { type BitsPerSecond, UNLIMITED } from '../base/units.ts';

/** The most that is sent at once: what others wait for at least. */
const PIECE_BYTES = 16 * 1024;
/** What may be sent at once after a pause, as a time at the full rate: longer than timers come late. */
const BURST_MS = 100;
const PIECE_MIN = 1024;
/** Users without a connection, before those with a full cap are forgotten. */
const IDLE_MAX = 64;
const SECOND_US = 1_000_000;
/** Above it, rates are whole megabits, so that a burst can be counted in parts of a microsecond. */
const COARSE = 1_000_000_000;
const BITS = 8;

export interface LinkUser {
  /** The task: its connections share what it has. */
  readonly key: string;
  readonly class: number;
  /** It gets no more. */
  readonly cap: BitsPerSecond;
  /** It gets that before the link is shared; 0 for nothing. */
  readonly guaranteed: BitsPerSecond;
}

export interface LinkNews<T> {
  readonly granted: readonly T[];
  /** In microseconds; undefined: nothing waits. */
  readonly nextAt: number | undefined;
}

interface UserState {
  readonly user: LinkUser;
  readonly cap: TokenBucket | undefined;
  readonly guarantee: TokenBucket | undefined;
  open: number;
  waiting: number;
}

/** The most of one ask at these rates: a small rate is given in small pieces. */
export function pieceBytes(...rates: readonly BitsPerSecond[]): number {
  const least = Math.min(...rates);
  if (least === UNLIMITED) return PIECE_BYTES;
  return Math.max(PIECE_MIN, Math.min(PIECE_BYTES, bytesIn(least, BURST_MS)));
}

const bytesIn = (rate: number, ms: number): number => Math.floor((rate / 1000 / BITS) * ms);

function bucketOf(rate: BitsPerSecond, at: number): TokenBucket | undefined {
  if (rate === UNLIMITED) return undefined;
  const tokens = rate > COARSE ? rate - (rate % SECOND_US) : rate;
  const bucket: BucketRate = { tokens, period: SECOND_US, burst: burstBits(rate) };
  return new TokenBucket(bucket, at);
}

const burstBits = (rate: BitsPerSecond): number =>
  Math.max(pieceBytes(rate), bytesIn(rate, BURST_MS)) * BITS;

/**
 * One direction of a link that tasks share. First what tasks are guaranteed, then the classes by their weights
 * and their tasks by equal parts; nobody above his cap. Work conserving: what is there for somebody who may
 * have it is given. In virtual microseconds.
 */
export class ShapedLink<T> {
  readonly #rate: BitsPerSecond;
  readonly #bucket: TokenBucket | undefined;
  readonly #queue: FairQueue<T>;
  readonly #users = new Map<string, UserState>();
  readonly #flowOf = new Map<T, UserState>();
  #guaranteed: UserState[] = [];
  #turn = 0;

  constructor(
    rate: BitsPerSecond,
    options: { readonly classes: readonly FairClass[]; readonly at: number },
  ) {
    this.#rate = rate;
    this.#bucket = bucketOf(rate, options.at);
    this.#queue = new FairQueue(options.classes, PIECE_BYTES);
  }

  /** A connection of the user begins; the same terms for all of them. */
  open(user: LinkUser, at: number): void {
    if (!this.#users.has(user.key)) {
      if (this.#users.size >= IDLE_MAX) this.#forgetIdle(at);
      const guarantee = user.guaranteed === 0 ? undefined : bucketOf(user.guaranteed, at);
      const state = { user, cap: bucketOf(user.cap, at), guarantee, open: 0, waiting: 0 };
      this.#users.set(user.key, state);
      if (guarantee !== undefined) this.#guaranteed.push(state);
    }
    this.#users.get(user.key)!.open++;
  }

  /** One ends. What the user had stays counted: whoever comes back has no burst again. */
  close(key: string): void {
    this.#users.get(key)!.open--;
  }

  #forgetIdle(at: number): void {
    for (const [key, state] of this.#users) {
      const { user, cap, open } = state;
      if (open > 0 || (cap && cap.readyAt(burstBits(user.cap), at) !== at)) continue;
      this.#users.delete(key);
    }
    this.#guaranteed = this.#guaranteed.filter(({ user }) => this.#users.has(user.key));
  }

  /** Whether a user's bytes must be asked for at all. */
  isShaped({ cap }: LinkUser): boolean {
    return this.#bucket !== undefined || cap !== UNLIMITED;
  }

  pieceOf({ cap }: LinkUser): number {
    return pieceBytes(this.#rate, cap);
  }

  /** `size`: at most `pieceOf` the user. */
  ask(key: string, size: number, item: T): void {
    const state = this.#users.get(key)!;
    state.waiting++;
    this.#flowOf.set(item, state);
    this.#queue.push({ class: state.user.class, flow: key }, { size, item });
  }

  /** One that waits has gone away. */
  withdraw(item: T): void {
    const state = this.#flowOf.get(item);
    if (state === undefined) return;
    this.#flowOf.delete(item);
    state.waiting--;
    this.#queue.remove({ class: state.user.class, flow: state.user.key }, item);
  }

  /** After a grant that leaves its user nothing to wait for, it is his turn still: he may ask again before the next. */
  turn(at: number): LinkNews<T> {
    const granted: T[] = [];
    for (;;) {
      const ready = this.#flowOf.size === 0 ? at : this.#readyAt(at);
      if (ready !== at) return { granted, nextAt: ready };
      const entry = this.#draw(at);
      if (entry === undefined) return { granted, nextAt: this.#capsReadyAt(at) };
      granted.push(entry.item);
      const state = this.#flowOf.get(entry.item)!;
      this.#flowOf.delete(entry.item);
      state.waiting--;
      if (state.waiting === 0) return { granted, nextAt: at };
    }
  }

  get waiting(): number {
    return this.#flowOf.size;
  }

  /** When the link has room for a piece of anybody. */
  #readyAt(at: number): number | undefined {
    return this.#bucket === undefined
      ? at
      : this.#bucket.readyAt(pieceBytes(this.#rate) * BITS, at);
  }

  #draw(at: number): Sized<T> | undefined {
    const entry = this.#drawGuaranteed(at) ?? this.#queue.next((e) => this.#isBelowCap(e, at));
    if (entry === undefined) return undefined;
    this.#bucket?.take(entry.size * BITS, at);
    this.#flowOf.get(entry.item)!.cap?.take(entry.size * BITS, at);
    return entry;
  }

  #drawGuaranteed(at: number): Sized<T> | undefined {
    if (this.#bucket === undefined) return undefined;
    const users = this.#guaranteed;
    for (let i = 0; i < users.length; i++) {
      const { user, guarantee } = users[(this.#turn + i) % users.length]!;
      const entry = this.#queue.nextOf(
        { class: user.class, flow: user.key },
        (e) => this.#isBelowCap(e, at) && guarantee!.readyAt(e.size * BITS, at) === at,
      );
      if (entry === undefined) continue;
      guarantee!.take(entry.size * BITS, at);
      this.#turn = (this.#turn + i + 1) % users.length;
      return entry;
    }
    return undefined;
  }

  #isBelowCap({ item, size }: Sized<T>, at: number): boolean {
    const { cap } = this.#flowOf.get(item)!;
    return cap === undefined || cap.readyAt(size * BITS, at) === at;
  }

  /** When the first of those that wait for their own cap has enough for any piece. */
  #capsReadyAt(at: number): number | undefined {
    let next: number | undefined;
    for (const { cap, waiting, user } of this.#users.values()) {
      if (cap === undefined || waiting === 0) continue;
      const ready = cap.readyAt(this.pieceOf(user) * BITS, at);
      if (ready !== undefined && (next === undefined || ready < next)) next = ready;
    }
    return next;
  }
}
