import { Prng } from '../../base/prng.ts';
import { spanMs, type TimeMs } from '../../base/units.ts';
import type { Engine } from '../../engine/engine.ts';
import type { AttemptRecord } from '../../engine/records.ts';
import type { Event } from '../../model/messages.ts';
import type { RequestTerms } from '../../model/world.ts';
import type { ModelledSite, SiteModel } from '../site-model.ts';
import type { AbsentNodes } from './absent-nodes.ts';
import { RequestWorker } from './request-worker.ts';

const TICK_MS = 250;
const TICKS_A_SECOND = 1000 / TICK_MS;
/** Seconds that are kept: a week. */
const SECONDS_MAX = 7 * 86_400;
/** From this part of its memory on, a worker waits for memory. */
const PRESSED = 0.8;

/** What happened within a second. Requests are counted once, tries each time. */
export interface RequestSecond {
  readonly at: TimeMs;
  requests: number;
  /** Sent again after a failure. */
  retries: number;
  good: number;
  /** Given up by their clients for good. */
  failed: number;
  /** Refused by a full worker or an open breaker, and not tried again. */
  refused: number;
  /** Answers that nobody waited for any more. */
  wasted: number;
  /** Good answers by compartment. */
  readonly goodOf: number[];
  killed: number;
  /** Of its ticks, those at which some worker waited for memory. */
  pressed: number;
  workers: number;
}

/**
 * Requests that come to the workers of a job whatever becomes of it: without headroom the loss of a few makes the
 * others slow, clients that give up try again, and the work done twice brings the next ones down. Workers hold
 * requests in memory, and are killed when it is full. The cures are terms: a breaker, backpressure, a bulkhead.
 */
export class RequestLoad implements SiteModel {
  readonly seconds: RequestSecond[] = [];
  /** By index of their tasks, workers that were killed at least once. */
  readonly killed = new Set<number>();
  readonly #terms: RequestTerms;
  readonly #absent: AbsentNodes;
  readonly #workers = new Map<AttemptRecord, RequestWorker>();
  readonly #compartments: number;
  /** By tick, then compartment: tries that are made again. */
  readonly #again = new Map<number, number[][]>();
  #site: ModelledSite | undefined;
  #prng: Prng | undefined;
  #seed = 0;
  #tick = 0;
  #begin = 0;
  /** Requests come once the first workers answer. */
  #opensAt = Number.POSITIVE_INFINITY;

  constructor(terms: RequestTerms, absent: AbsentNodes) {
    this.#terms = terms;
    this.#absent = absent;
    this.#compartments = terms.bulkhead?.compartments ?? 1;
  }

  begin(site: ModelledSite, prng: Prng): void {
    this.#site = site;
    this.#prng = prng;
    this.#seed = prng.next();
    this.#begin = site.now;
    const tick = (): void => {
      this.#pass(site.now);
      this.#tick++;
      site.at((this.#begin + this.#tick * TICK_MS) as TimeMs, tick);
    };
    site.at(site.now, tick);
  }

  /** Asked once, when it starts. */
  startupMs(attempt: AttemptRecord) {
    const { step } = attempt.task;
    if (step.workload.spec.name === this.#terms.workload) {
      const worker = new RequestWorker(attempt, this.#terms, {
        now: this.#site!.now,
        prng: Prng.of(this.#seed, attempt.placement.node),
      });
      this.#workers.set(attempt, worker);
      this.#opensAt = Math.min(this.#opensAt, worker.readyAt);
    }
    return spanMs(0);
  }

  happened(event: Event, engine: Engine): void {
    if (event.kind !== 'task-ended') return;
    const attempt = engine.state.attempt(event.attempt);
    const worker = attempt && this.#workers.get(attempt);
    if (worker === undefined) return;
    this.#workers.delete(worker.attempt);
    for (const [tries, count] of worker.drop()) this.#fail(worker.compartment, tries, count);
  }

  /** Of tries, at most within a second, those that were made again; of time, at most, that somebody lacked memory. */
  measured(from: number, to: number): { retransmitRatio?: number; pressureRatio?: number } {
    const within = this.seconds.filter(({ at }) => at >= from && at <= to);
    if (within.length === 0) return {};
    const most = (of: (second: RequestSecond) => number): number =>
      within.reduce((max, second) => Math.max(max, of(second)), 0);
    return {
      retransmitRatio: most(({ requests, retries }) => retries / Math.max(1, requests + retries)),
      pressureRatio: most(({ pressed }) => pressed / TICKS_A_SECOND),
    };
  }

  #pass(now: TimeMs): void {
    if (now < this.#opensAt || this.seconds.length > SECONDS_MAX) return;
    const second = this.#second(now);
    const due = this.#again.get(this.#tick) ?? [];
    this.#again.delete(this.#tick);
    const workers = [...this.#workers.values()].filter(({ readyAt }) => readyAt <= now);
    second.workers = workers.length;
    for (let compartment = 0; compartment < this.#compartments; compartment++) {
      const own = workers.filter((worker) => worker.compartment === compartment);
      const fresh = this.#drawFresh();
      second.requests += fresh;
      this.#send(own, { compartment, tries: 0, count: fresh }, second);
      due[compartment]?.forEach((count, tries) => {
        second.retries += count;
        this.#send(own, { compartment, tries, count }, second);
      });
    }
    let isPressed = false;
    for (const worker of workers) {
      const { good, wasted, timedOut } = worker.serve(now, TICK_MS);
      second.good += good;
      second.wasted += wasted;
      second.goodOf[worker.compartment]! += good;
      for (const [tries, count] of timedOut) this.#fail(worker.compartment, tries, count);
      if (worker.fill > PRESSED) isPressed = true;
      if (worker.fill > 1) this.#kill(worker, second);
    }
    if (isPressed) second.pressed++;
  }

  /** Of those that answer, each goes to the emptier one of two. */
  #send(
    workers: readonly RequestWorker[],
    { compartment, tries, count }: Tries,
    second: RequestSecond,
  ): void {
    const { now } = this.#site!;
    for (let i = 0; i < count; i++) {
      if (workers.length === 0) {
        this.#fail(compartment, tries, count);
        return;
      }
      const worker = this.#pick(workers);
      if (worker.isOpen(now) || worker.isFull()) second.refused++;
      else worker.take(tries, now);
    }
  }

  #pick(workers: readonly RequestWorker[]): RequestWorker {
    const [one, other] = [this.#prng!.pick(workers), this.#prng!.pick(workers)];
    return other.queued < one.queued ? other : one;
  }

  /** A try failed: its client makes another one, or gives up. */
  #fail(compartment: number, tries: number, count: number): void {
    if (tries >= this.#terms.retries) {
      this.#second(this.#site!.now).failed += count;
      return;
    }
    const tick = this.#tick + Math.max(1, Math.ceil(this.#terms.backoffMs / TICK_MS));
    const due = this.#again.get(tick) ?? Array.from({ length: this.#compartments }, () => []);
    const row = due[compartment]!;
    for (let i = row.length; i <= tries + 1; i++) row[i] = 0;
    row[tries + 1]! += count;
    this.#again.set(tick, due);
  }

  #kill({ attempt }: RequestWorker, second: RequestSecond): void {
    const site = this.#site!;
    second.killed++;
    this.killed.add(attempt.task.index);
    const { node } = attempt.placement;
    const end = {
      cause: 'oom-killed' as const,
      usage: { wallMs: spanMs(site.now - attempt.placedAt) },
      enforced: { driver: 'simulated', cpu: 'none', memory: 'kernel', pids: 'none', notes: [] },
    } as const;
    site.send({ kind: 'report-ended', at: site.now, attempt: attempt.id, end });
    if (this.#terms.onKill !== 'node') return;
    const why = 'out of memory';
    this.#absent.take(site, node, why);
    site.at((site.now + this.#terms.rebootMs) as TimeMs, () => this.#absent.give(site, node, why));
  }

  #second(now: number): RequestSecond {
    const at = (now - (now % 1000)) as TimeMs;
    const last = this.seconds.at(-1);
    if (last?.at === at) return last;
    const second: RequestSecond = {
      at,
      requests: 0,
      retries: 0,
      good: 0,
      failed: 0,
      refused: 0,
      wasted: 0,
      goodOf: new Array<number>(this.#compartments).fill(0),
      killed: 0,
      pressed: 0,
      workers: this.#workers.size,
    };
    this.seconds.push(second);
    return second;
  }

  /** New requests of one compartment within a tick: a Poisson number, by its normal approximation. */
  #drawFresh(): number {
    const mean = (this.#terms.rate * TICK_MS) / 1000 / this.#compartments;
    const prng = this.#prng!;
    // Twelve uniform numbers have a sum of variance 1: no logarithm, whose last digits differ by machine.
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += (prng.next() + 0.5) / 4_294_967_296;
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * sum));
  }
}

interface Tries {
  readonly compartment: number;
  readonly tries: number;
  readonly count: number;
}
