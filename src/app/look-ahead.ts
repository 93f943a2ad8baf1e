import { Prng } from '../base/prng.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { keepLeases, type Start, startsAtEnds } from '../engine/projection.ts';
import type { AttemptRecord, WorkloadRecord } from '../engine/records.ts';
import { Arrivals } from '../forecasting/arrivals.ts';
import {
  type CalibrationShare,
  type Interval,
  IntervalCalibration,
} from '../forecasting/interval-calibration.ts';
import { RunTimes } from '../forecasting/run-times.ts';
import type { TaskId, WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import { forecastStarts, type StartForecast } from '../simulation/start-times.ts';
import { hasRunTime, tellsRunTime, workOf } from '../simulation/work-of.ts';
import { Pieces } from './journal-window.ts';

/** What was foreseen is looked at again after so long, though nothing happened. */
const KEPT_MS = 5_000;
/** Looking ahead may take a tenth of the time at most. */
const LOAD_SHARE = 9;
/** Whether or not somebody asks, so that it is known how often intervals are right. */
const LOOK_EVERY_MS = 60_000;
/** A bigger state is not looked ahead in: its answer would come too late to be of use. */
const ACTIVE_MAX = 4_000;
/** Some tenths of a second of work, in small pieces. */
const EVENTS_MAX = 30_000;
const DRAWS_MAX = 19;
/** Where more tasks than this are active, ends that are near each other are taken for one. */
const GRAIN_FROM = 200;
const GRAIN = 32;
/** Ends of before the daemon started that run times are learnt from. */
const ENDS_PRIMED = 2_000;
/** Starts that were foretold and have not come; the oldest are given up. */
const FORETOLD_MAX = 2_000;
/** Of one look: what starts next is told of first. */
const FORETOLD_EACH = 100;
const SEED = 1;

interface LookAheadDeps {
  readonly engine: Engine;
  readonly now: () => TimeMs;
  readonly warn: (message: string, error: unknown) => void;
}

/** What was said of a start when it was first foretold. */
interface Foretold {
  readonly at: TimeMs;
  readonly drawn: Interval;
  readonly shown: Interval;
}

/**
 * When waiting tasks start; made when somebody asks, in small pieces, and kept until something changes. What comes is
 * held against what was said, and corrects what is said next.
 */
export class LookAhead {
  readonly #deps: LookAheadDeps;
  readonly #runTimes = new RunTimes();
  readonly #arrivals = new Arrivals();
  readonly #calibration = new IntervalCalibration();
  readonly #foretold = new Map<TaskId, Foretold>();
  #isPrimed = false;
  #making: Promise<void> | undefined;
  #starts: ReadonlyMap<TaskId, Start> | undefined;
  #isStale = true;
  #madeAt = Number.NEGATIVE_INFINITY;
  #restUntil = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: LookAheadDeps) {
    this.#deps = deps;
  }

  /** From now on it looks by itself, too. */
  begin(): void {
    const look = (): void => {
      if (this.#deps.engine.state.tasksActive === 0) return;
      this.look().catch((error: unknown) => this.#deps.warn('starts were not foretold', error));
    };
    this.#timer = setInterval(look, LOOK_EVERY_MS).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#making?.catch(() => {});
  }

  /** How many of the intervals of late held the start that came. */
  get calibration(): CalibrationShare {
    return this.#calibration.share;
  }

  /** The loop's `onBatch`. */
  noteEvents(events: readonly Event[]): void {
    this.#isStale = true;
    if (!this.#isPrimed) return;
    const { state } = this.#deps.engine;
    for (const event of events) {
      if (event.kind === 'task-ended') {
        const attempt = state.attempt(event.attempt);
        if (attempt !== undefined) this.#learn(attempt);
      } else if (event.kind === 'task-placed') {
        const attempt = state.attempt(event.attempt);
        if (attempt !== undefined) this.#started(attempt.task.id, event.at);
      } else if (event.kind === 'workload-submitted') {
        const workload = state.workload(event.workload);
        if (workload !== undefined) this.#submitted(workload);
      } else if (event.kind === 'workload-ended') this.#forget(event.workload);
    }
  }

  /**
   * As of some seconds ago at most. Undefined where nobody looked, the state is too large, or it was asked too often:
   * `look` makes it known.
   */
  starts(): ReadonlyMap<TaskId, Start> | undefined {
    return performance.now() - this.#madeAt < KEPT_MS ? this.#starts : undefined;
  }

  /** Resolves when the starts are known as they are now, or no more is to be had. */
  look(): Promise<void> {
    if (this.#making !== undefined) return this.#making;
    const now = performance.now();
    const isFresh = !this.#isStale && now - this.#madeAt < KEPT_MS;
    if (isFresh || now < this.#restUntil) return Promise.resolve();
    this.#making = this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  async #make(): Promise<void> {
    const { engine, now } = this.#deps;
    const pieces = new Pieces();
    if (!this.#isPrimed) await this.#prime(pieces);
    this.#isStale = false;
    this.#starts = undefined;
    if (engine.state.tasksActive > ACTIVE_MAX) return;
    let usedMs = 0;
    let begun = performance.now();
    const at = now();
    const base = engine.fork();
    keepLeases(base);
    const drawing = forecastStarts({
      fork: () => base.fork(),
      at,
      runTimeOf: (task) => (hasRunTime(task) ? this.#runTimes.predict(workOf(task)) : undefined),
      seed: SEED,
      drawsMax: DRAWS_MAX,
      eventsMax: EVENTS_MAX,
      ...(engine.state.tasksActive > GRAIN_FROM && { grain: GRAIN }),
      arrivals: (draw) => this.#later(draw, at),
    });
    let step = drawing.next();
    for (; step.done !== true; step = drawing.next()) {
      if (!pieces.isOver) continue;
      usedMs += performance.now() - begun;
      await pieces.next();
      begun = performance.now();
    }
    this.#starts = this.#startsOf(step.value, base, at);
    this.#madeAt = performance.now();
    usedMs += this.#madeAt - begun;
    this.#restUntil = this.#madeAt + LOAD_SHARE * usedMs;
  }

  *#later(draw: number, at: TimeMs) {
    for (const arrival of this.#arrivals.draw(new Prng(SEED + 7919 * draw), at)) {
      yield { kind: 'submit' as const, ...arrival };
    }
  }

  #startsOf(
    forecasts: ReadonlyMap<TaskId, StartForecast>,
    base: Engine,
    at: TimeMs,
  ): ReadonlyMap<TaskId, Start> {
    const starts = new Map<TaskId, Start>();
    const told = [...forecasts].sort(([, a], [, b]) => (a.median ?? at) - (b.median ?? at));
    for (const [id, { low, median, high, after }] of told) {
      if (median === undefined || low === undefined) continue;
      const drawn = { low: low - at, high: high === undefined ? undefined : high - at };
      const shown = this.#calibration.correct(drawn);
      if (starts.size < FORETOLD_EACH) this.#foretell(id, { at, drawn, shown });
      const interval = {
        low: Math.min(median, at + Math.floor(shown.low)) as TimeMs,
        high:
          shown.high === undefined
            ? undefined
            : (Math.max(median, at + Math.ceil(shown.high)) as TimeMs),
      };
      starts.set(id, { at: median, after, interval });
    }
    // What nobody knows the end of never ends in a draw.
    const open = [...base.state.runningAttempts()].filter(
      ({ task }) => !hasRunTime(task) || this.#runTimes.predict(workOf(task)) === undefined,
    );
    startsAtEnds(() => base.fork(), { open, at, starts });
    return starts;
  }

  #foretell(id: TaskId, foretold: Foretold): void {
    if (this.#foretold.has(id)) return;
    if (this.#foretold.size >= FORETOLD_MAX) {
      const [oldest] = this.#foretold.keys();
      this.#foretold.delete(oldest!);
    }
    this.#foretold.set(id, foretold);
  }

  #started(id: TaskId, at: TimeMs): void {
    const foretold = this.#foretold.get(id);
    if (foretold === undefined) return;
    this.#foretold.delete(id);
    this.#calibration.learn(foretold.drawn, foretold.shown, at - foretold.at);
  }

  /** What was cancelled never starts, and says nothing of what was foretold. */
  #forget(id: WorkloadId): void {
    if (this.#foretold.size === 0) return;
    for (const { tasks } of this.#deps.engine.state.workload(id)?.steps ?? []) {
      for (const task of tasks) this.#foretold.delete(task.id);
    }
  }

  #learn({ task, placedAt, end, endedAt }: AttemptRecord): void {
    if (end === undefined || endedAt === undefined || end.cachedFrom !== undefined) return;
    if (tellsRunTime[end.cause] && hasRunTime(task)) {
      this.#runTimes.learn(workOf(task), endedAt - placedAt);
    }
  }

  #submitted({ spec, tenant, submittedAt: at }: WorkloadRecord): void {
    const comesByItself = spec.kind === 'job' || spec.kind === 'pipeline';
    if (comesByItself && spec.submittedBy === undefined) this.#arrivals.note({ at, tenant, spec });
  }

  /** What the state still knows of before. */
  async #prime(pieces: Pieces): Promise<void> {
    this.#isPrimed = true;
    const workloads = [...this.#deps.engine.state.workloads()].sort((a, b) => a.number - b.number);
    for (const workload of workloads) this.#submitted(workload);
    const ended: AttemptRecord[] = [];
    for (const { steps } of workloads.reverse()) {
      for (const { tasks } of steps) {
        for (const { attempts } of tasks) {
          for (const one of attempts) if (one.endedAt !== undefined) ended.push(one);
        }
        if (pieces.isOver) await pieces.next();
      }
      if (ended.length >= ENDS_PRIMED) break;
    }
    const inOrder = ended.sort((a, b) => a.endedAt! - b.endedAt!).slice(-ENDS_PRIMED);
    for (const attempt of inOrder) {
      this.#learn(attempt);
      if (pieces.isOver) await pieces.next();
    }
  }
}
