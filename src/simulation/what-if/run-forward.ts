import { Heap } from '../../base/heap.ts';
import type { TimeMs } from '../../base/units.ts';
import type { Decision } from '../../engine/decision.ts';
import type { Engine } from '../../engine/engine.ts';
import { keepLeases } from '../../engine/projection.ts';
import type { AttemptRecord, StepRecord, TaskRecord } from '../../engine/records.ts';
import { type AttemptEnd, causeOfStop, type EndCause } from '../../model/attempt.ts';
import type { AttemptId, WorkloadId } from '../../model/ids.ts';
import type { Command, Event } from '../../model/messages.ts';
import type { Refusal } from '../../model/refusal.ts';
import { commandOf, type WhatIfChange } from './change.ts';
import type { ExpectedEnd, RunTimeOrigin } from './expected-times.ts';
import { type Future, FutureRecord } from './future.ts';

/** When attempts end by themselves. */
export interface RunTimes {
  originOf(step: StepRecord): RunTimeOrigin;
  endOf(attempt: AttemptRecord, now: number): ExpectedEnd;
}

/** What comes from outside while it goes on; made then, for it may depend on what came before. */
export interface Arrival {
  readonly at: TimeMs;
  commands(engine: Engine): readonly Command[];
  /** What was decided on the last of its commands. */
  decided?(decision: Decision): void;
}

export interface ForwardOptions {
  /** A fork of its own, which is played forward. */
  readonly engine: Engine;
  readonly at: TimeMs;
  readonly times: RunTimes;
  /** Done in this order, before anything else happens. */
  readonly changes: readonly WhatIfChange[];
  /** In order of time; absent: nobody submits anything. */
  readonly arrivals?: readonly Arrival[];
  /** As a workload is called in what it is compared with. */
  readonly nameOf?: (id: WorkloadId) => WorkloadId;
  /** Nothing later is looked at. */
  readonly until: TimeMs;
  readonly eventsMax: number;
  /** Called now and then, with the events so far. */
  readonly onProgress?: (events: number) => void;
  /** Called with each event, after it was applied. */
  readonly onEvent?: (event: Event) => void;
  /** It goes on for as long as this holds, although all jobs have ended. */
  readonly awaits?: () => boolean;
}

interface End {
  readonly at: number;
  readonly order: number;
  readonly attempt: AttemptId;
  readonly cause: EndCause;
}

const TOLD_EVERY = 10_000;

/**
 * Plays a fork forward with the engine itself until all that is there has ended: attempts end when they are expected
 * to, and what is told to stop takes its whole grace. Services and leases run on.
 */
export function runForward(options: ForwardOptions): Future {
  return new Forward(options).run();
}

class Forward {
  readonly #options: ForwardOptions;
  readonly #engine: Engine;
  readonly #record: FutureRecord;
  readonly #arrivals: readonly Arrival[];
  #arrived = 0;
  #now: TimeMs;
  #events = 0;
  #ordered = 0;
  readonly #ends = new Heap<End>((a, b) => (a.at === b.at ? a.order < b.order : a.at < b.at));
  readonly #refused: { change: number; refusal: Refusal }[] = [];

  constructor(options: ForwardOptions) {
    const { engine, times, nameOf, arrivals = [] } = options;
    this.#options = options;
    this.#engine = engine;
    this.#now = options.at;
    this.#arrivals = arrivals;
    this.#record = new FutureRecord(engine.state, (step) => times.originOf(step), nameOf);
  }

  run(): Future {
    const { until, eventsMax, at } = this.#options;
    const { state } = this.#engine;
    state.money.paused = false;
    keepLeases(this.#engine);
    this.#record.begin(at);
    for (const attempt of state.runningAttempts()) this.#expectEnd(attempt);
    this.#change();
    this.#arrive();
    this.#pass();
    let next = this.#nextInstant();
    while (next !== undefined && next <= until && this.#events < eventsMax) {
      this.#now = next as TimeMs;
      this.#endDue();
      this.#arrive();
      this.#pass();
      next = this.#nextInstant();
    }
    this.#record.end(this.#now);
    const { jobs, holds, charged, origins } = this.#record;
    const cut = this.#cutBy(next);
    const end = { from: at, until: this.#now, cut, events: this.#events };
    return { ...end, jobs, holds, charged, origins, refused: this.#refused };
  }

  #cutBy(next: number | undefined): Future['cut'] {
    if (this.#record.open.size > 0 && this.#events >= this.#options.eventsMax) return 'events';
    return next !== undefined && next > this.#options.until ? 'horizon' : undefined;
  }

  #change(): void {
    this.#options.changes.forEach((change, i) => {
      const { answer } = this.#send(commandOf(change, this.#now));
      if (answer.kind === 'refused') this.#refused.push({ change: i, refusal: answer.refusal });
    });
  }

  #arrive(): void {
    for (;;) {
      const arrival = this.#arrivals[this.#arrived];
      if (arrival === undefined || arrival.at > this.#now) return;
      this.#arrived++;
      let last: Decision | undefined;
      for (const command of arrival.commands(this.#engine)) {
        last = this.#send({ ...command, at: this.#now });
        if (last.answer.kind !== 'refused') break;
      }
      if (last !== undefined) arrival.decided?.(last);
    }
  }

  #send(command: Command): Decision {
    const decision = this.#engine.decide(command);
    for (const event of decision.events) this.#apply(event);
    return decision;
  }

  /** Undefined when all that is to end has ended, or nothing will ever happen again. */
  #nextInstant(): number | undefined {
    const arrival = this.#arrivals[this.#arrived]?.at;
    const isOver = this.#record.open.size === 0 && arrival === undefined;
    if (isOver && this.#options.awaits?.() !== true) return undefined;
    const timer = this.#engine.nextTimer();
    const due = timer === undefined || timer <= this.#now ? undefined : timer;
    const instants = [arrival, due, this.#ends.peek()?.at].filter((at) => at !== undefined);
    return instants.length === 0 ? undefined : Math.min(...instants);
  }

  #endDue(): void {
    for (let first = this.#ends.peek(); first !== undefined && first.at <= this.#now; ) {
      this.#ends.pop();
      const { attempt, cause } = first;
      // Nothing, where it has ended already.
      this.#send({ kind: 'report-ended', at: this.#now, attempt, end: endOf(cause) });
      first = this.#ends.peek();
    }
  }

  #pass(): void {
    const { eventsMax } = this.#options;
    for (let event = this.#engine.next(this.#now); event !== undefined; ) {
      this.#apply(event);
      if (this.#events >= eventsMax) return;
      event = this.#engine.next(this.#now);
    }
  }

  #apply(event: Event): void {
    const { state } = this.#engine;
    this.#events++;
    if (this.#events % TOLD_EVERY === 0) this.#options.onProgress?.(this.#events);
    // Neither may be known any more once it has ended.
    const before = 'attempt' in event ? state.attempt(event.attempt) : undefined;
    const next = before?.next;
    this.#engine.apply(event);
    const attempt = before ?? ('attempt' in event ? state.attempt(event.attempt) : undefined);
    this.#record.happened(event, attempt);
    if (event.kind === 'task-placed') this.#expectEnd(attempt!);
    else if (event.kind === 'stop-ordered') {
      const { graceMs } = attempt!.task.step.spec.limits;
      this.#expect(event.attempt, this.#now + graceMs, causeOfStop(event.reason));
    } else if (event.kind === 'task-ended' && event.end.cause === 'succeeded' && next) {
      // Who stood in line behind it has its place now.
      this.#record.began(next, this.#now);
      this.#expectEnd(next);
    }
    this.#options.onEvent?.(event);
  }

  #expectEnd(attempt: AttemptRecord): void {
    const { id, task, stop, startedAt } = attempt;
    if (task.step.workload.service !== undefined) {
      // Who waits for a replica waits until it has started.
      if (startedAt !== undefined) return;
      this.#send({ kind: 'report-started', at: this.#now, attempt: id, pid: 0 });
    } else if (stop !== undefined) {
      this.#expect(id, this.#now + task.step.spec.limits.graceMs, causeOfStop(stop));
    } else if (runsToItsEnd(task)) {
      const { at, origin, cause } = this.#options.times.endOf(attempt, this.#now);
      this.#record.counts(attempt, origin);
      this.#expect(id, at, cause);
    }
  }

  #expect(attempt: AttemptId, at: number, cause: EndCause): void {
    this.#ends.push({ at, order: this.#ordered++, attempt, cause });
  }
}

const runsToItsEnd = ({ step }: TaskRecord): boolean => step.spec.run.kind !== 'held';

const endOf = (cause: EndCause): AttemptEnd => ({
  cause,
  usage: {},
  enforced: { driver: 'simulated', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
});
