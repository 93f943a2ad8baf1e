import { assert } from '../base/assert.ts';
import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { AttemptRecord } from '../engine/records.ts';
import type { EndCause } from '../model/attempt.ts';
import type { TaskCourse, TraceJob } from './trace.ts';

/** Below this part of a millisecond, what is left of some work is an error of rounding. */
const ROUNDING = 1e-6;

/** What an attempt has to do, from the beginning of its place on. */
export interface Undertaking {
  readonly attempt: AttemptRecord;
  /** Absent: not of the trace. */
  readonly job: TraceJob | undefined;
  readonly outcome: TaskCourse['outcome'];
  /** Work in milliseconds at pace 1; Infinity: it never ends by itself. */
  readonly workMs: number;
  /** Before it works at all. */
  readonly startupMs: number;
  readonly pace: number;
}

/** How an attempt gets on, and when it ends if nothing changes. */
export class Course {
  readonly attempt: AttemptRecord;
  readonly job: TraceJob | undefined;
  readonly #outcome: TaskCourse['outcome'];
  readonly #workMs: number;
  readonly #wallAt: number;
  #startupMs: number;
  #workedMs = 0;
  #pace: number;
  #since: TimeMs;
  #stop: { readonly at: number; readonly cause: EndCause } | undefined;
  /** UNLIMITED: never, as things are. */
  endsAt = UNLIMITED;
  cause: EndCause = 'succeeded';
  /** Of `Courses`. */
  order = 0;
  slot = -1;

  constructor({ attempt, job, outcome, workMs, startupMs, pace }: Undertaking, now: TimeMs) {
    const { wallMs } = attempt.task.step.spec.limits;
    this.attempt = attempt;
    this.job = job;
    this.#outcome = outcome;
    this.#workMs = workMs;
    this.#startupMs = startupMs;
    this.#pace = pace;
    this.#since = now;
    this.#wallAt = wallMs === UNLIMITED ? UNLIMITED : attempt.placedAt + wallMs;
    this.#foresee();
  }

  /** Its time has come, as its trace says: nobody stopped it, and no limit did. */
  isDone(now: TimeMs): boolean {
    return this.endsAt <= now && this.cause === this.#outcome;
  }

  workedMs(now: TimeMs): number {
    this.#advance(now);
    return this.#workedMs;
  }

  setPace(pace: number, now: TimeMs): void {
    this.#advance(now);
    this.#pace = pace;
    this.#foresee();
  }

  /** It was told to stop, and has until then to end by itself. */
  stopBy(at: number, cause: EndCause): void {
    this.#stop = { at, cause };
    this.#foresee();
  }

  #advance(now: TimeMs): void {
    const elapsed = now - this.#since;
    const startup = Math.min(this.#startupMs, elapsed);
    this.#startupMs -= startup;
    this.#workedMs = Math.min(this.#workMs, this.#workedMs + (elapsed - startup) * this.#pace);
    this.#since = now;
  }

  /** Of ends at one instant its own comes first, then that by its time limit. */
  #foresee(): void {
    const left = this.#workMs - this.#workedMs;
    const needs = left <= ROUNDING ? 0 : left / this.#pace;
    const own = Math.ceil(this.#since + this.#startupMs + needs - ROUNDING);
    this.endsAt = Math.min(UNLIMITED, own);
    this.cause = this.#outcome;
    if (this.#wallAt < this.endsAt) {
      this.endsAt = this.#wallAt;
      this.cause = 'timed-out';
    }
    if (this.#stop !== undefined && this.#stop.at < this.endsAt) {
      this.endsAt = this.#stop.at;
      this.cause = this.#stop.cause;
    }
  }
}

/** What runs, by who ends first; of equals by who began first. A heap that knows where each one is. */
export class Courses {
  readonly #heap: Course[] = [];
  readonly #byAttempt = new Map<AttemptRecord, Course>();
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  of(attempt: AttemptRecord): Course | undefined {
    return this.#byAttempt.get(attempt);
  }

  /** Who ends first; undefined where nobody does as things are. */
  first(): Course | undefined {
    const first = this.#heap[0];
    return first === undefined || first.endsAt >= UNLIMITED ? undefined : first;
  }

  add(course: Course): void {
    assert(!this.#byAttempt.has(course.attempt), `${course.attempt.id} begins once`);
    this.#byAttempt.set(course.attempt, course);
    course.order = this.#order++;
    course.slot = this.#heap.length;
    this.#heap.push(course);
    this.#rise(course);
  }

  remove(course: Course): void {
    this.#byAttempt.delete(course.attempt);
    const last = this.#heap.pop()!;
    if (last === course) return;
    last.slot = course.slot;
    this.#heap[last.slot] = last;
    this.moved(last);
  }

  /** Its end is another one now. */
  moved(course: Course): void {
    this.#rise(course);
    this.#sink(course);
  }

  #rise(course: Course): void {
    const heap = this.#heap;
    let { slot } = course;
    while (slot > 0) {
      const above = heap[(slot - 1) >> 1]!;
      if (!before(course, above)) break;
      heap[slot] = above;
      const { slot: free } = above;
      above.slot = slot;
      slot = free;
    }
    heap[slot] = course;
    course.slot = slot;
  }

  #sink(course: Course): void {
    const heap = this.#heap;
    let { slot } = course;
    for (;;) {
      let below = 2 * slot + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1]!, heap[below]!)) below++;
      const next = heap[below]!;
      if (!before(next, course)) break;
      heap[slot] = next;
      next.slot = slot;
      slot = below;
    }
    heap[slot] = course;
    course.slot = slot;
  }
}

const before = (a: Course, b: Course): boolean =>
  a.endsAt < b.endsAt || (a.endsAt === b.endsAt && a.order < b.order);
