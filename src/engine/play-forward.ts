import { Heap } from '../base/heap.ts';
import type { SpanMs, TimeMs } from '../base/units.ts';
import { type AttemptEnd, causeOfStop, type EndCause } from '../model/attempt.ts';
import type { AttemptId } from '../model/ids.ts';
import type { Command } from '../model/messages.ts';
import type { Engine } from './engine.ts';
import type { AttemptRecord } from './records.ts';

/** How a copy of the state goes on. */
export interface Course {
  /** When an attempt that holds its place now ends of its own accord; undefined: it never does. */
  readonly endOf: (attempt: AttemptRecord, now: TimeMs) => number | undefined;
  /** A task was placed; `after` is the attempt whose end came just before, undefined where time alone did it. */
  readonly placed: (attempt: AttemptRecord, at: TimeMs, after: AttemptId | undefined) => void;
  /** Looked at after each pass: whether enough is known. */
  readonly isDone?: () => boolean;
  /** One pass for all that ends at one instant, and not one for each of them. */
  readonly endsTogether?: boolean;
  /** What is submitted meanwhile, in order of `at`. */
  readonly submissions?: Iterator<Submission, unknown>;
  readonly eventsMax: number;
  readonly horizonMs: number;
}

/** So many timers in a row that let nothing start or end: what waits waits for something else. */
const IDLE_MAX = 200;

export type Submission = Extract<Command, { kind: 'submit' }>;

interface End {
  readonly at: number;
  readonly id: AttemptId;
  readonly cause: EndCause;
}

export interface Played {
  /** Everything until then has happened. */
  readonly until: TimeMs;
  readonly events: number;
}

/**
 * Plays a copy of the state forward with the engine itself: attempts end when the course says, and what is placed then
 * is what would be placed. Gives way after each pass with the number of events so far, so that it can be done in pieces.
 */
export function* playForward(
  engine: Engine,
  from: TimeMs,
  course: Course,
): Generator<number, Played> {
  const play = new Play(engine, from, course);
  play.pass(from, undefined);
  while (!play.isOver) {
    yield play.events;
    if (!play.step()) break;
  }
  return { until: play.at, events: play.events };
}

class Play {
  at: TimeMs;
  events = 0;
  readonly #engine: Engine;
  readonly #course: Course;
  readonly #last: number;
  readonly #ends = new Heap<End>((a, b) => (a.at === b.at ? a.id < b.id : a.at < b.at));
  /** The next submission. */
  #due: Submission | undefined;
  #idle = 0;

  constructor(engine: Engine, from: TimeMs, course: Course) {
    this.#engine = engine;
    this.#course = course;
    this.at = from;
    this.#last = from + course.horizonMs;
    this.#due = this.#nextSubmission();
    for (const attempt of engine.state.runningAttempts()) {
      if (attempt.stop === undefined) this.#expect(attempt);
      else this.#stop(attempt, from);
    }
  }

  get isOver(): boolean {
    const { eventsMax, isDone } = this.#course;
    return this.events > eventsMax || isDone?.() === true;
  }

  /** Goes to what happens next; false when nothing does. */
  step(): boolean {
    const end = this.#ends.peek();
    const timer = this.#engine.nextTimer();
    const due = this.#due;
    const first = Math.min(
      end?.at ?? Number.POSITIVE_INFINITY,
      timer ?? Number.POSITIVE_INFINITY,
      due?.at ?? Number.POSITIVE_INFINITY,
    );
    if (first > this.#last) return false;
    if (first === end?.at) {
      this.#ends.pop();
      this.#idle = 0;
      this.at = Math.max(this.at, end.at) as TimeMs;
      let last = end;
      this.#finish(end);
      while (this.#course.endsTogether === true && this.#ends.peek()?.at === end.at) {
        last = this.#ends.pop();
        this.#finish(last);
      }
      this.pass(this.at, last.id);
    } else if (first === due?.at) {
      this.#due = this.#nextSubmission();
      this.at = Math.max(this.at, due.at) as TimeMs;
      this.#send({ ...due, at: this.at });
      this.pass(this.at, undefined);
    } else {
      // A timer that is due and does nothing would be due for ever.
      if (first <= this.at || ++this.#idle > IDLE_MAX) return false;
      this.at = first as TimeMs;
      this.events++;
      this.pass(this.at, undefined);
    }
    return true;
  }

  pass(at: TimeMs, after: AttemptId | undefined): void {
    const { state } = this.#engine;
    for (let e = this.#engine.next(at); e !== undefined; e = this.#engine.next(at)) {
      this.#engine.apply(e);
      if (++this.events > this.#course.eventsMax) return;
      if (e.kind === 'task-placed') {
        const attempt = state.attempt(e.attempt)!;
        this.#idle = 0;
        this.#course.placed(attempt, at, after);
        this.#expect(attempt);
      } else if (e.kind === 'stop-ordered') this.#stop(state.attempt(e.attempt)!, at);
    }
  }

  #nextSubmission(): Submission | undefined {
    const next = this.#course.submissions?.next();
    return next === undefined || next.done === true ? undefined : next.value;
  }

  #expect(attempt: AttemptRecord): void {
    const at = this.#course.endOf(attempt, this.at);
    if (at !== undefined) this.#ends.push({ at, id: attempt.id, cause: 'succeeded' });
  }

  #stop({ id, stop, task }: AttemptRecord, at: TimeMs): void {
    const { graceMs } = task.step.spec.limits;
    this.#ends.push({ at: at + graceMs, id, cause: causeOfStop(stop!) });
  }

  #finish({ id, cause }: End): void {
    const next = this.#engine.state.attempt(id)?.next;
    this.events += finish(this.#engine, id, cause, this.at);
    // Who stood in line has taken over.
    if (next !== undefined && next.behind === undefined && next.end === undefined) {
      this.#course.placed(next, this.at, id);
      this.#expect(next);
    }
  }

  #send(command: Command): void {
    const { events } = this.#engine.decide(command);
    for (const event of events) this.#engine.apply(event);
    this.events += events.length;
  }
}

/** Ends an attempt of a copy; nothing where it has ended. Returns how many events that made. */
export function finish(engine: Engine, attempt: AttemptId, cause: EndCause, at: TimeMs): number {
  const end: AttemptEnd = {
    cause,
    usage: { wallMs: 0 as SpanMs },
    enforced: { driver: 'simulated', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
  };
  const { events } = engine.decide({ kind: 'report-ended', at, attempt, end });
  for (const event of events) engine.apply(event);
  return events.length;
}
