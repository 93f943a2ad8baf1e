import { assert } from '../base/assert.ts';
import type { AttemptId } from '../model/ids.ts';
import { type AttemptRecord, type StepRecord, startsMore, type TaskRecord } from './records.ts';

/** Successes in a row before a step counts as quick. */
const PROOF = 4;
/** After so many the older half counts no more, so that the pace follows what happens now. */
const PACE_ENDS_MAX = 64;
/** What stands behind one attempt at most, however quick: a launcher that dies loses no more of its order. */
const LINE_MAX = 64;

/** What is to be put in line, and behind whom. */
export interface LineUp {
  readonly behind: AttemptRecord;
  readonly tasks: readonly TaskRecord[];
}

interface QuickStep {
  /** Its running attempts. */
  readonly seats: Set<AttemptRecord>;
  /** No task below this waits. */
  waitingFrom: number;
}

/**
 * Lines of attempts: where a step has proved that its tasks are short, the next ones are given in advance to
 * whoever runs them, so that no time passes between an end and the next start. A line is no longer than some
 * milliseconds of work, and nothing is put in one while tasks of another sort wait: whoever comes
 * later waits for that span at most.
 */
export class Lines {
  readonly #lengthMs: number;
  readonly #mayLine: (step: StepRecord) => boolean;
  readonly #mayFollow: (attempt: AttemptRecord) => boolean;
  readonly #running: () => Iterable<AttemptRecord>;
  readonly #deferred: () => number;
  readonly #lined = new Map<AttemptId, AttemptRecord>();
  /** Behind an attempt that did not succeed. */
  readonly #broken: AttemptRecord[] = [];
  readonly #quick = new Map<StepRecord, QuickStep>();
  /** Tasks in the scheduler's queue. */
  #queued = 0;

  constructor(options: {
    /** Of work, in one line. 0: nobody stands in line. */
    readonly lengthMs: number;
    /** What a step must be like, apart from quick. */
    readonly mayLine: (step: StepRecord) => boolean;
    /** Whether another may still come after this one, where it runs. */
    readonly mayFollow: (attempt: AttemptRecord) => boolean;
    readonly running: () => Iterable<AttemptRecord>;
    /** How many of those in the queue wait on purpose, and so for nobody's place. */
    readonly deferred: () => number;
  }) {
    this.#lengthMs = options.lengthMs;
    this.#mayLine = options.mayLine;
    this.#mayFollow = options.mayFollow;
    this.#running = options.running;
    this.#deferred = options.deferred;
  }

  /** In the order in which they came. */
  attempts(): IterableIterator<AttemptRecord> {
    return this.#lined.values();
  }

  queued({ step, memoryLimit }: TaskRecord, sign: 1 | -1): void {
    this.#queued += sign;
    step.queued += sign;
    if (memoryLimit === step.spec.limits.memory) step.queuedPlain += sign;
    const quick = this.#quick.get(step);
    if (quick !== undefined && sign === 1) quick.waitingFrom = 0;
  }

  /** None of its tasks is in the queue any more. */
  withdrawn(step: StepRecord): void {
    this.#queued -= step.queued;
    step.queued = 0;
    step.queuedPlain = 0;
  }

  seated(attempt: AttemptRecord): void {
    this.#quick.get(attempt.task.step)?.seats.add(attempt);
  }

  /** It gave up its place: whoever stood behind it takes over, or will be `unstarted`. */
  left(attempt: AttemptRecord): void {
    const { step } = attempt.task;
    const { next, end } = attempt;
    this.#quick.get(step)?.seats.delete(attempt);
    if (end!.cause === 'succeeded') {
      if (step.paceEnds === PACE_ENDS_MAX) {
        step.paceEnds /= 2;
        step.paceMs = Math.floor(step.paceMs / 2);
      }
      step.paceEnds++;
      step.paceMs += attempt.endedAt! - attempt.placedAt;
    } else {
      step.paceEnds = 0;
      step.paceMs = 0;
      if (next !== undefined) this.#broken.push(next);
    }
  }

  /** Finds out whether the step is quick. */
  judge(step: StepRecord): void {
    if (this.#depth(step) < 2 || !startsMore(step) || !this.#mayLine(step)) {
      this.#quick.delete(step);
      return;
    }
    if (this.#quick.has(step)) return;
    const seats = new Set<AttemptRecord>();
    for (const attempt of this.#running()) if (attempt.task.step === step) seats.add(attempt);
    this.#quick.set(step, { seats, waitingFrom: 0 });
  }

  add(attempt: AttemptRecord, behind: AttemptRecord): void {
    assert(behind.next === undefined, `one attempt stands behind another: ${behind.id}`);
    behind.next = attempt;
    attempt.behind = behind;
    this.#lined.set(attempt.id, attempt);
    if (behind.end !== undefined) this.#broken.push(attempt);
  }

  /** It took over its place. */
  remove(attempt: AttemptRecord): void {
    const { behind } = attempt;
    assert(behind !== undefined, `${attempt.id} stands in line`);
    behind.next = undefined;
    attempt.behind = undefined;
    this.#lined.delete(attempt.id);
  }

  /** It will never begin, nor will those behind it. */
  drop(attempt: AttemptRecord): void {
    assert(attempt.end?.cause === 'unstarted', `${attempt.id} has not run, for it stands in line`);
    if (attempt.next !== undefined) this.#broken.push(attempt.next);
    this.remove(attempt);
  }

  /** The first that will never begin. */
  firstBroken(): AttemptRecord | undefined {
    while (this.#broken.length > 0) {
      const last = this.#broken.at(-1)!;
      if (last.end === undefined) return last;
      this.#broken.pop();
    }
    return undefined;
  }

  /** Who is put in line next, or nothing. */
  next(): LineUp | undefined {
    if (this.#quick.size === 0) return undefined;
    const queued = this.#queued - this.#deferred();
    for (const step of this.#inOrder()) {
      // Stopped since it was judged: it keeps nobody else from a line.
      if (!startsMore(step)) continue;
      // Somebody else waits, if only a task of this step that asks for more.
      if (queued !== step.queuedPlain) return undefined;
      const quick = this.#quick.get(step)!;
      const depth = this.#depth(step);
      const left = this.#left(step);
      if (left === 0) continue;
      // Towards the end of the array each line gets a part of what is left.
      const share = Math.ceil(left / (2 * quick.seats.size));
      for (const seat of quick.seats) {
        if (seat.stop !== undefined || !isPlain(seat) || !this.#mayFollow(seat)) continue;
        let behind = seat;
        let length = 0;
        for (; behind.next !== undefined; behind = behind.next) length++;
        if (length > depth / 2) continue;
        const tasks = this.#waiting(step, quick, Math.min(depth - length, share));
        if (tasks.length > 0) return { behind, tasks };
      }
    }
    return undefined;
  }

  #inOrder(): StepRecord[] {
    const steps = [...this.#quick.keys()];
    return steps.sort((a, b) => a.workload.number - b.workload.number || a.index - b.index);
  }

  /** How many attempts make up the span of a line. */
  #depth({ paceEnds, paceMs }: StepRecord): number {
    if (paceEnds < PROOF) return 0;
    return Math.min(LINE_MAX, Math.floor((this.#lengthMs * paceEnds) / Math.max(1, paceMs)));
  }

  #left({ spec, released, returned, queued }: StepRecord): number {
    return queued + returned.length + spec.count - released;
  }

  /** The first of its tasks that wait in the queue, then of those that `maxParallel` holds back. */
  #waiting(step: StepRecord, quick: QuickStep, max: number): TaskRecord[] {
    const found: TaskRecord[] = [];
    if (step.queued > 0) {
      const { tasks, released } = step;
      let at = quick.waitingFrom;
      while (at < released && tasks[at]!.state !== 'waiting') at++;
      quick.waitingFrom = at;
      for (; at < released && found.length < max; at++) {
        if (tasks[at]!.state === 'waiting') found.push(tasks[at]!);
      }
    }
    for (const task of step.returned) if (found.length < max) found.push(task);
    for (let at = step.released; at < step.spec.count && found.length < max; at++) {
      found.push(step.tasks[at]!);
    }
    return found;
  }
}

/** It holds what its step asks for. */
const isPlain = ({ placement, task, live }: AttemptRecord): boolean =>
  live === undefined && placement.memoryLimit === task.step.spec.limits.memory;
