import type { Prng } from '../../base/prng.ts';
import type { AttemptRecord } from '../../engine/records.ts';
import type { RequestTerms } from '../../model/world.ts';

/** Requests of one tick to one worker, by the same number of tries. */
interface Cohort {
  readonly sentAt: number;
  /** Tries before this one. */
  readonly tries: number;
  count: number;
  /** Their clients wait no longer; the worker does not know. */
  abandoned: boolean;
}

/** What a worker made of a tick: good answers, and requests that failed at their client, by tries. */
export interface Served {
  readonly good: number;
  /** Work for clients that had gone. */
  readonly wasted: number;
  readonly timedOut: readonly (readonly [tries: number, count: number])[];
}

/** Fewer answers than this in a window say nothing of a worker. */
const ANSWERS_MIN = 5;

/** One worker: a queue in memory, a pace of serving, and the breaker that clients keep for it. */
export class RequestWorker {
  readonly attempt: AttemptRecord;
  readonly readyAt: number;
  readonly compartment: number;
  readonly #terms: RequestTerms;
  /** Half to one and a half of what the terms say: no two machines have as much left beside what else they hold. */
  readonly #room: number;
  #queue: Cohort[] = [];
  /** Cohorts before it are served, or their clients gone. */
  #head = 0;
  #expired = 0;
  #queued = 0;
  /** Parts of a request that were served. */
  #credit = 0;
  #windowFrom = 0;
  #answered = 0;
  #failed = 0;
  #openUntil = 0;

  constructor(
    attempt: AttemptRecord,
    terms: RequestTerms,
    { now, prng }: { readonly now: number; readonly prng: Prng },
  ) {
    this.attempt = attempt;
    this.#terms = terms;
    this.#room = terms.queueMax * (0.5 + prng.below(1001) / 1000);
    this.readyAt = now + terms.warmupMs;
    this.compartment = attempt.task.index % (terms.bulkhead?.compartments ?? 1);
  }

  get queued(): number {
    return this.#queued;
  }

  /** Part of its memory that requests fill; above 1 it is killed. */
  get fill(): number {
    return this.#queued / this.#room;
  }

  isOpen(now: number): boolean {
    return now < this.#openUntil;
  }

  isFull(): boolean {
    const most = this.#terms.backpressure?.queueMax;
    return most !== undefined && this.#queued >= most;
  }

  take(tries: number, now: number): void {
    const last = this.#queue.at(-1);
    this.#queued++;
    if (last?.sentAt === now && last.tries === tries && !last.abandoned) last.count++;
    else this.#queue.push({ sentAt: now, tries, count: 1, abandoned: false });
  }

  /** Serves in order for so long; what its clients gave up before is served all the same. */
  serve(now: number, tickMs: number): Served {
    const timedOut = this.#expire(now);
    let good = 0;
    let wasted = 0;
    this.#credit += (this.#terms.serves * tickMs) / 1000;
    while (this.#credit >= 1 && this.#head < this.#queue.length) {
      const first = this.#queue[this.#head]!;
      const count = Math.min(first.count, Math.floor(this.#credit));
      this.#credit -= count;
      this.#queued -= count;
      first.count -= count;
      if (first.abandoned) wasted += count;
      else good += count;
      if (first.count === 0) this.#head++;
    }
    // It cannot save up time in which it had nothing to do.
    if (this.#head === this.#queue.length) this.#credit = Math.min(this.#credit, 1);
    this.#shrink();
    this.#answered += good;
    this.#judge(now);
    return { good, wasted, timedOut };
  }

  /** It is gone: those who still waited, by tries. */
  drop(): (readonly [tries: number, count: number])[] {
    return this.#queue
      .slice(this.#head)
      .flatMap(({ tries, count, abandoned }) => (abandoned ? [] : [[tries, count] as const]));
  }

  #expire(now: number): (readonly [number, number])[] {
    const timedOut: [number, number][] = [];
    this.#expired = Math.max(this.#expired, this.#head);
    for (; this.#expired < this.#queue.length; this.#expired++) {
      const cohort = this.#queue[this.#expired]!;
      if (cohort.sentAt + this.#terms.timeoutMs > now) break;
      cohort.abandoned = true;
      this.#failed += cohort.count;
      timedOut.push([cohort.tries, cohort.count]);
    }
    return timedOut;
  }

  #shrink(): void {
    if (this.#head < 64) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#expired = Math.max(0, this.#expired - this.#head);
    this.#head = 0;
  }

  #judge(now: number): void {
    const { breaker } = this.#terms;
    if (breaker === undefined) return;
    const all = this.#answered + this.#failed;
    if (all >= ANSWERS_MIN && this.#failed * 10_000 >= all * breaker.failures) {
      this.#openUntil = now + breaker.openMs;
      this.#newWindow(now);
    }
    if (now - this.#windowFrom >= breaker.windowMs) this.#newWindow(now);
  }

  #newWindow(now: number): void {
    this.#windowFrom = now;
    this.#answered = 0;
    this.#failed = 0;
  }
}
