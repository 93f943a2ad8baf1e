import { type SpanMs, spanMs } from '../../base/units.ts';
import type { AttemptRecord, TaskRecord } from '../../engine/records.ts';
import type { CheckpointTerms } from '../../model/world.ts';
import type { SiteModel } from '../site-model.ts';

/**
 * What saving work costs, and what it is worth: a task works less while it saves, a later attempt first reads what
 * was saved, and does not do that part again.
 */
export class CheckpointCost implements SiteModel {
  readonly #terms: CheckpointTerms;
  /** Tasks of which something was saved. */
  readonly #saved = new WeakSet<TaskRecord>();

  constructor(terms: CheckpointTerms) {
    this.#terms = terms;
  }

  pace(attempt: AttemptRecord): number {
    const every = this.#intervalOf(attempt);
    return every === undefined ? 1 : every / (every + this.#terms.saveMs);
  }

  startupMs({ task }: AttemptRecord): SpanMs {
    if (!this.#saved.has(task)) return spanMs(0);
    return task.step.spec.stops?.restartMs ?? this.#terms.restartMs;
  }

  savedMs(attempt: AttemptRecord, workedMs: SpanMs): SpanMs {
    const every = this.#intervalOf(attempt);
    if (every === undefined) return spanMs(0);
    const saved = this.#savesLast(attempt) ? workedMs : workedMs - (workedMs % every);
    if (saved > 0) this.#saved.add(attempt.task);
    return spanMs(saved);
  }

  /** Whoever is told to stop may have time for one more. */
  #savesLast({ stop, end, task }: AttemptRecord): boolean {
    const { onStop, saveMs } = this.#terms;
    const isTold = stop !== undefined && end?.cause !== 'lost';
    return onStop && isTold && task.step.spec.limits.graceMs >= saveMs;
  }

  #intervalOf({ task }: AttemptRecord): SpanMs | undefined {
    return task.step.spec.stops?.checkpointMs ?? this.#terms.everyMs;
  }
}
