import { assertNever } from '../base/assert.ts';
import { type SpanMs, spanMs, type TimeMs } from '../base/units.ts';
import type { Answer } from '../engine/decision.ts';
import { type Engine, isEarly } from '../engine/engine.ts';
import type { AttemptRecord } from '../engine/records.ts';
import { causeOfStop } from '../model/attempt.ts';
import { type ErrorCode, OperationError } from '../model/errors.ts';
import { cpuWeightOf } from '../model/execution-terms.ts';
import type { AttemptId } from '../model/ids.ts';
import type { Command, Event } from '../model/messages.ts';
import { attemptStart, type LaunchSite } from './attempt-start.ts';
import { fillTask } from './fill-holes.ts';
import type { AttemptStart, Clock, Driver, Journal, KnownAttempt, Report } from './ports.ts';

/** Between tries of a batch that the journal could not take. */
const RETRY_APPEND_MS = 1_000;
/** Commands taken into one batch, so that one answer never waits for an endless stream. */
const BATCH_COMMANDS_MAX = 1_000;

/** Of what is left before a node is taken away, the grace is at most this part: 1 / so much. */
const GRACE_OF_NOTICE = 4;

/** A command without its time: the loop stamps it when its turn comes. */
export type Request = Command extends infer C ? (C extends Command ? Omit<C, 'at'> : never) : never;

interface Waiter {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export interface LoopDeps {
  readonly engine: Engine;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly driver: Driver;
  /** Called with each batch once it is durable. Must not throw. */
  readonly onBatch: (events: readonly Event[]) => void;
  /** An invariant broke, or the journal failed for good: nothing more is decided. The process should end. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * The live loop around the engine. Its order is fixed: decide and apply every command that waits, journal
 * the events as one batch, then act on them and answer. Nothing leaves before the batch is durable.
 */
export class Loop {
  readonly #deps: LoopDeps;
  readonly #site: LaunchSite;
  #queue: Waiter[] = [];
  /** Ends of attempts whose turn in line has not come, as far as is known: they wait for the end before. */
  #early: Waiter[] = [];
  #draining: Promise<void> | undefined;
  #stalled: OperationError | undefined;
  #closed = false;
  /** Ends the pause of a stalled loop. */
  #resume: () => void = () => {};

  constructor(site: LaunchSite, deps: LoopDeps) {
    this.#site = site;
    this.#deps = deps;
    deps.engine.state.money.paused = true;
  }

  /** Why the journal takes nothing at the moment, or undefined. */
  get stalled(): OperationError | undefined {
    return this.#stalled;
  }

  /** Resolves once what was decided is durable and was acted upon. */
  send(request: Request): Promise<Answer> {
    if (this.#closed) return Promise.reject(new OperationError('DAEMON_DOWN', 'Berth is ending.'));
    if (this.#stalled !== undefined && fromPeople[request.kind])
      return Promise.reject(this.#stalled);
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#queue.push({ request, resolve, reject });
    });
    this.#draining ??= this.#drain();
    return answer;
  }

  /** What the driver tells. Never rejects: a report that cannot be taken now is asked for again at start. */
  report(report: Report): void {
    this.send(requestOf(report)).then(
      () => {
        if (report.kind === 'ended') this.#deps.driver.settle(report.attempt);
      },
      () => {},
    );
  }

  /**
   * Brings the state and the world together after a start: adopts what runs, settles what ended, starts
   * what was placed and never begun, stops what nobody asked for. Nothing is decided while the driver
   * tells what it knows, so that only what is durable is compared and acted on.
   */
  async reconcile(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining;
    const telling = this.#deps.driver.known();
    this.#draining = telling.then(
      () => {},
      () => {},
    );
    let answers: Promise<unknown>[] = [];
    try {
      answers = this.#compare(await telling);
    } finally {
      this.#draining = this.#drain();
    }
    await Promise.all(answers);
    this.#deps.engine.state.money.paused = false;
    this.#setAlarm();
  }

  #compare(told: readonly KnownAttempt[]): Promise<unknown>[] {
    const { engine, driver } = this.#deps;
    const known = new Map(told.map((attempt) => [attempt.attempt, attempt]));
    const answers: Promise<unknown>[] = [];
    // Who stands in line after those before them.
    const live = [...engine.state.runningAttempts(), ...engine.state.lines.attempts()];
    for (const attempt of live) {
      const found = known.get(attempt.id);
      known.delete(attempt.id);
      if (found === undefined) this.#start(attempt.id);
      else if (found.state === 'running') {
        answers.push(this.send({ kind: 'report-started', attempt: attempt.id, pid: found.pid }));
      } else {
        const ended = this.send({ kind: 'report-ended', attempt: attempt.id, end: found.end });
        const settled = ended.then(() => driver.settle(attempt.id));
        // Nobody waits for those that wait for another end.
        if (attempt.behind === undefined) answers.push(settled);
        else settled.catch(() => {});
        continue;
      }
      if (found?.state === 'running') this.#adopt(attempt);
      if (attempt.stop !== undefined) this.#stop(attempt.id);
    }
    for (const stranger of known.values()) {
      if (stranger.state === 'running') driver.stop(stranger.attempt, 'cancelled', spanMs(0));
      else driver.settle(stranger.attempt);
    }
    answers.push(this.send({ kind: 'tick' }));
    return answers;
  }

  /**
   * Takes no more; resolves when what was taken is durable. While the journal takes nothing, what is not
   * durable after one last try is given up, and whoever waits for it is told.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#deps.clock.alarm(undefined, () => {});
    this.#resume();
    await this.#draining;
  }

  async #drain(): Promise<void> {
    // Requests of the same moment share a batch; and a drain that has nothing to write still ends after `send`.
    await undefined;
    let taken: Waiter[] = [];
    try {
      while (this.#queue.length > 0) {
        taken = this.#queue.splice(0, BATCH_COMMANDS_MAX);
        const { events, answers } = this.#decide(taken);
        if (events.length > 0) await this.#append(events);
        for (const event of events) this.#act(event);
        taken.forEach((waiter, i) => {
          const answer = answers[i];
          if (answer === undefined) this.#early.push(waiter);
          else waiter.resolve(answer);
        });
        if (events.some(({ kind }) => kind === 'task-ended'))
          this.#queue.push(...this.#early.splice(0));
        if (events.length > 0) this.#deps.onBatch(events);
      }
      this.#setAlarm();
    } catch (error) {
      const givenUp = this.#closed && error === this.#stalled;
      this.#closed = true;
      const waiting = [...taken, ...this.#queue, ...this.#early.splice(0)];
      this.#queue = [];
      for (const waiter of waiting) waiter.reject(error);
      if (!givenUp) this.#deps.onFatal(error);
    } finally {
      this.#draining = undefined;
    }
  }

  /** Decides and applies, one event at a time; the whole pass is one batch. What comes too early has no answer. */
  #decide(waiters: readonly Waiter[]): { events: Event[]; answers: (Answer | undefined)[] } {
    const { engine } = this.#deps;
    const at = this.#deps.clock.now();
    const events: Event[] = [];
    const answers: (Answer | undefined)[] = [];
    const apply = (event: Event): void => {
      engine.apply(event);
      events.push(event);
    };
    for (const { request } of waiters) {
      if (this.#isEarly(request)) {
        answers.push(undefined);
        continue;
      }
      const decision = engine.decide({ ...request, at } as Command);
      decision.events.forEach(apply);
      answers.push(decision.answer);
    }
    for (let event = engine.next(at); event !== undefined; event = engine.next(at)) apply(event);
    return { events, answers };
  }

  #isEarly(request: Request): boolean {
    if (request.kind !== 'report-ended') return false;
    const attempt = this.#deps.engine.state.attempt(request.attempt);
    return attempt !== undefined && attempt.end === undefined && isEarly(attempt, request.end);
  }

  /** A full disk stalls the loop, and loses nothing: the batch is tried again until it is durable. */
  async #append(events: readonly Event[]): Promise<void> {
    for (;;) {
      const last = this.#closed;
      try {
        await this.#deps.journal.append(events);
        this.#stalled = undefined;
        return;
      } catch (error) {
        if (!(error instanceof OperationError) || !passing.includes(error.code)) throw error;
        this.#stall(error);
        if (last) throw error;
        if (!this.#closed) await this.#pause(RETRY_APPEND_MS);
      }
    }
  }

  /** People who wait in the queue are told at once; what the driver reports waits on. */
  #stall(error: OperationError): void {
    this.#stalled = error;
    const people = this.#queue.filter((waiter) => fromPeople[waiter.request.kind]);
    this.#queue = this.#queue.filter((waiter) => !fromPeople[waiter.request.kind]);
    for (const waiter of people) waiter.reject(error);
  }

  #pause(lengthMs: number): Promise<void> {
    const { clock } = this.#deps;
    return new Promise((resolve) => {
      this.#resume = resolve;
      clock.alarm((clock.now() + lengthMs) as TimeMs, resolve);
    });
  }

  #setAlarm(): void {
    if (this.#closed) return;
    this.#deps.clock.alarm(this.#deps.engine.nextTimer(), () => {
      this.send({ kind: 'tick' }).catch(() => {});
    });
  }

  #act(event: Event): void {
    const { driver } = this.#deps;
    switch (event.kind) {
      case 'task-placed':
        this.#start(event.attempt);
        return;
      case 'attempts-lined-up':
        for (const attempt of event.attempts) this.#start(attempt);
        return;
      case 'stop-ordered':
        this.#stop(event.attempt);
        return;
      case 'task-ended':
        // Its node may only have been out of reach, and what it held there is given to others.
        // What is taken from a line may not begin after all.
        if (event.end.cause === 'lost' || event.end.cause === 'unstarted')
          driver.stop(event.attempt, 'cancelled', spanMs(0));
        return;
      case 'attempt-adjusted':
        this.#adjust(event.attempt);
        return;
      case 'move-ordered':
        if (event.move.cores !== undefined) this.#pin(event.move.attempt);
        return;
      case 'attempt-paused':
        driver.pause(event.attempt);
        return;
      case 'attempt-resumed':
        driver.resume(event.attempt);
        return;
      case 'node-joined':
      case 'node-left':
      case 'workload-submitted':
      case 'workload-spilled':
      case 'spill-dropped':
      case 'task-started':
      case 'preemption-ordered':
      case 'seats-kept':
      case 'retry-due':
      case 'step-opened':
      case 'step-expanded':
      case 'step-ended':
      case 'attempt-used':
      case 'storage-measured':
      case 'limit-reached':
      case 'cancel-requested':
      case 'lease-renewed':
      case 'adjustment-reported':
      case 'priority-changed':
      case 'eviction-ordered':
      case 'spot-noticed':
      case 'spot-priced':
      case 'rebalance-started':
      case 'move-ended':
      case 'task-probed':
      case 'service-scaled':
      case 'service-updated':
      case 'service-rolled-back':
      case 'canary-passed':
      case 'rollout-finished':
      case 'replica-opened':
      case 'replica-retired':
      case 'reserve-renewed':
      case 'spend-settled':
      case 'budget-warned':
      case 'budget-exceeded':
      case 'workload-ended':
      case 'workload-retired':
        return;
      default:
        assertNever(event);
    }
  }

  #start(id: AttemptId): void {
    const attempt = this.#deps.engine.state.attempt(id);
    if (attempt === undefined || attempt.end !== undefined || isHeld(attempt)) return;
    const filled = fillTask(attempt.task);
    if ('why' in filled) this.#refuse(id, filled.why);
    else this.#deps.driver.start(this.#startOf(attempt));
  }

  /** It cannot even be told to a driver. */
  #refuse(attempt: AttemptId, message: string): void {
    const { driver } = this.#deps;
    const end = {
      cause: 'start-failed',
      usage: {},
      enforced: driver.enforcement,
      message,
    } as const;
    this.send({ kind: 'report-ended', attempt, end }).catch(() => {});
  }

  #startOf(attempt: AttemptRecord): AttemptStart {
    const { state } = this.#deps.engine;
    const row = state.table.rowOf(attempt.placement.node);
    const devices = row === undefined ? [] : state.table.node(row)!.gpus;
    return attemptStart(attempt, this.#site, devices);
  }

  #stop(id: AttemptId): void {
    const attempt = this.#deps.engine.state.attempt(id);
    if (attempt?.stop === undefined || attempt.end !== undefined || isHeld(attempt)) return;
    const { graceMs, withinMs } = this.#timesOf(attempt);
    const terms = attempt.task.step.spec.execution?.checkpoint;
    // Who is stopped for others may save his work; who is cancelled has asked for it.
    const { policy } = this.#deps.engine.state.table.spot;
    const isAsked = attempt.stop !== 'spot' || (policy?.onInterruption ?? SAVES) === SAVES;
    const saves = terms !== undefined && isAsked && causeOfStop(attempt.stop) === 'preempted';
    const saving = saves ? { terms, withinMs, start: this.#startOf(attempt) } : undefined;
    this.#deps.driver.stop(id, attempt.stop, graceMs, saving);
  }

  /** For saving and for the grace; where its node is taken away, both together end before that. */
  #timesOf({ task, placement }: AttemptRecord): { graceMs: SpanMs; withinMs: SpanMs } {
    const { limits, execution } = task.step.spec;
    const timeoutMs = execution?.checkpoint?.timeoutMs ?? spanMs(0);
    const { deadline } = this.#deps.engine.state.live.notice(placement.node) ?? {};
    if (deadline === undefined) return { graceMs: limits.graceMs, withinMs: timeoutMs };
    const left = Math.max(0, deadline - this.#deps.clock.now());
    const graceMs = Math.min(limits.graceMs, Math.floor(left / GRACE_OF_NOTICE));
    return { graceMs: spanMs(graceMs), withinMs: spanMs(Math.min(timeoutMs, left - graceMs)) };
  }

  #adjust(id: AttemptId): void {
    const attempt = this.#deps.engine.state.attempt(id);
    if (attempt?.live?.limits === undefined || attempt.end !== undefined) return;
    const { held, cores } = attempt.placement;
    const weight = cpuWeightOf(held.cpu, attempt.task.step.spec.execution?.process);
    this.#deps.driver.adjust(id, { ...attempt.live.limits, weight });
    if (cores !== undefined) this.#deps.driver.pin(id, cores);
  }

  /** To the CPUs of its placement: all of its node where that names none. */
  #pin(id: AttemptId): void {
    const { state } = this.#deps.engine;
    const attempt = state.attempt(id);
    if (attempt === undefined || attempt.end !== undefined) return;
    const { node, cores } = attempt.placement;
    const row = state.table.rowOf(node);
    const all = row === undefined ? undefined : state.table.node(row)!.cpus?.map(({ id }) => id);
    const wanted = cores ?? all;
    if (wanted !== undefined) this.#deps.driver.pin(id, wanted);
  }

  /** The daemon may have died between what it journalled and what it did. */
  #adopt(attempt: AttemptRecord): void {
    if (isHeld(attempt)) return;
    const { driver } = this.#deps;
    if (attempt.task.step.spec.execution?.checkpoint !== undefined) {
      driver.adopt(this.#startOf(attempt));
    }
    const { live, id } = attempt;
    if (live === undefined || attempt.stop !== undefined) return;
    this.#adjust(id);
    if (live.repinned) this.#pin(id);
    if (live.pausedBy !== undefined) driver.pause(id);
    else if (live.wasPaused) driver.resume(id);
  }
}

/** Its holder runs what he likes; there is nothing to start or stop. */
const isHeld = ({ task }: AttemptRecord): boolean => task.step.spec.run.kind === 'held';

function requestOf(report: Report): Request {
  const { attempt } = report;
  switch (report.kind) {
    case 'started':
      return {
        kind: 'report-started',
        attempt,
        pid: report.pid,
        ...(report.terms && { terms: report.terms }),
      };
    case 'ended':
      return { kind: 'report-ended', attempt, end: report.end };
    case 'used':
      return { kind: 'report-use', attempt, used: report.used };
    case 'adjusted':
      return { kind: 'report-adjusted', attempt, terms: report.terms };
  }
}

const SAVES = 'checkpoint_and_retry';

/** Failures of the journal that may pass; the rest end the daemon. */
const passing: readonly ErrorCode[] = ['STATE_FULL', 'STATE_UNWRITABLE'];

/** What a person asked for is refused while nothing can be made durable; what happened is not. */
const fromPeople: Record<Request['kind'], boolean> = {
  submit: true,
  'enter-spilled': true,
  'drop-spilled': false,
  retry: true,
  cancel: true,
  'renew-lease': true,
  'release-lease': true,
  'join-node': false,
  'leave-node': false,
  adjust: true,
  pause: true,
  unpause: true,
  rebalance: true,
  'spot-notice': false,
  'spot-price': false,
  'report-adjusted': false,
  'report-pressure': false,
  'report-started': false,
  'report-ended': false,
  'report-use': false,
  'report-storage': false,
  'report-probe': false,
  'report-spend': false,
  scale: true,
  update: true,
  resume: false,
  tick: false,
};
