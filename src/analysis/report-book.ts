import { Prng } from '../base/prng.ts';
import { type Estimate, quantileOf } from './intervals.ts';
import { wasStopped } from './objectives.ts';
import type { Occurrence } from './operations-ledger.ts';

/** Times of which quantiles are told: all of them up to so many. */
const SAMPLES_MAX = 5_000;
/** The same report twice has the same figures. */
const SEED = 19_850_301;
/** Groups that are told apart; the first that come. */
const GROUPS_MAX = 2_000;

/**
 * Samples of something of which there may be any number, in memory that is bounded. Of more than are kept each has the
 * same chance to be (Vitter's algorithm R, 1985): every second one would be of one step only where two take turns.
 */
export class Samples {
  readonly #values: number[] = [];
  readonly #prng = new Prng(SEED);
  #seen = 0;
  max = 0;

  get count(): number {
    return this.#seen;
  }

  add(value: number): void {
    this.max = Math.max(this.max, value);
    const place = this.#seen < SAMPLES_MAX ? this.#seen : this.#prng.below(this.#seen + 1);
    if (place < SAMPLES_MAX) this.#values[place] = value;
    this.#seen++;
  }

  quantile(q: number): Estimate {
    return quantileOf(
      this.#values.toSorted((a, b) => a - b),
      q,
    );
  }
}

export interface FailureRow {
  readonly cause: string;
  readonly attempts: number;
  /** The newest. */
  readonly example: string;
}

export interface WaitRow {
  readonly queue: string;
  readonly waits: Samples;
}

/** A step of a pipeline: how long it runs, and how long it waits after those that it needs. */
export interface StageRow {
  readonly pipeline: string;
  readonly step: string;
  readonly runs: Samples;
  readonly handoffs: Samples;
  readonly failed: number;
}

interface Stage {
  readonly pipeline: string;
  readonly step: string;
  readonly runs: Samples;
  readonly handoffs: Samples;
  failed: number;
}

/** What happened within a window, for a report. */
export class ReportBook {
  readonly #window: { readonly from: number; readonly to: number };
  readonly ended = { succeeded: 0, failed: 0, cancelled: 0 };
  readonly waits = new Samples();
  readonly took = new Samples();
  readonly #causes = new Map<string, { attempts: number; example: string }>();
  readonly #queues = new Map<string, Samples>();
  readonly #stages = new Map<string, Stage>();

  constructor(window: { readonly from: number; readonly to: number }) {
    this.#window = window;
  }

  add(occurrence: Occurrence): void {
    const { from, to } = this.#window;
    if (occurrence.at < from || occurrence.at >= to) return;
    switch (occurrence.kind) {
      case 'workload-ended':
        if (occurrence.of === 'lease') return;
        this.ended[occurrence.state]++;
        if (occurrence.state === 'succeeded') this.took.add(occurrence.tookMs);
        return;
      case 'task-placed':
        this.#placed(occurrence);
        return;
      case 'attempt-ended':
        this.#attemptEnded(occurrence);
        return;
      default:
    }
  }

  /** The most frequent first. */
  failures(): FailureRow[] {
    return [...this.#causes]
      .map(([cause, { attempts, example }]) => ({ cause, attempts, example }))
      .sort((a, b) => b.attempts - a.attempts || (a.cause < b.cause ? -1 : 1));
  }

  /** Those with the longest waits first. */
  queues(): WaitRow[] {
    return [...this.#queues]
      .map(([queue, waits]) => ({ queue, waits }))
      .sort((a, b) => b.waits.max - a.waits.max || (a.queue < b.queue ? -1 : 1));
  }

  /** Pipelines by name, their steps as they were met. */
  stages(): StageRow[] {
    return [...this.#stages.values()].sort((a, b) =>
      a.pipeline === b.pipeline ? 0 : a.pipeline < b.pipeline ? -1 : 1,
    );
  }

  #placed({ whose, step, waitMs, isHandoff }: Extract<Occurrence, { kind: 'task-placed' }>): void {
    this.waits.add(waitMs);
    const queue = this.#queues.get(whose.queue) ?? new Samples();
    if (this.#queues.size < GROUPS_MAX) this.#queues.set(whose.queue, queue);
    queue.add(waitMs);
    if (isHandoff) this.#stage(whose.name, step)?.handoffs.add(waitMs);
  }

  #attemptEnded(occurrence: Extract<Occurrence, { kind: 'attempt-ended' }>): void {
    const { whose, step, cause, attempt, tookMs } = occurrence;
    if (wasStopped(cause)) return;
    const stage = this.#stage(whose.name, step);
    if (cause === 'succeeded') {
      stage?.runs.add(tookMs);
      return;
    }
    if (stage !== undefined) stage.failed++;
    const row = this.#causes.get(cause) ?? { attempts: 0, example: attempt };
    this.#causes.set(cause, { attempts: row.attempts + 1, example: attempt });
  }

  #stage(pipeline: string, step: string): Stage | undefined {
    const key = JSON.stringify([pipeline, step]);
    const known = this.#stages.get(key);
    if (known !== undefined || this.#stages.size >= GROUPS_MAX) return known;
    const made = { pipeline, step, runs: new Samples(), handoffs: new Samples(), failed: 0 };
    this.#stages.set(key, made);
    return made;
  }
}
