import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { projectStarts, type Start } from '../engine/projection.ts';
import type { TaskId } from '../model/ids.ts';

/** Expected ends pass without an end: what was projected is looked at again after so long. */
const KEPT_MS = 5_000;
/** Looking ahead may take a tenth of the time at most. */
const LOAD_SHARE = 9;

/** When waiting tasks start by the estimates; made when somebody asks, and kept until something changes. */
export class LookAhead {
  readonly #engine: Engine;
  readonly #now: () => TimeMs;
  #starts: ReadonlyMap<TaskId, Start> | undefined;
  #madeAt = Number.NEGATIVE_INFINITY;
  #restUntil = Number.NEGATIVE_INFINITY;

  constructor(engine: Engine, now: () => TimeMs) {
    this.#engine = engine;
    this.#now = now;
  }

  /** Something happened: what was projected may be wrong. */
  forget(): void {
    this.#starts = undefined;
    this.#madeAt = Number.NEGATIVE_INFINITY;
  }

  /** Undefined where the state is too large, or it was asked too often. */
  starts(): ReadonlyMap<TaskId, Start> | undefined {
    const begun = performance.now();
    if (begun - this.#madeAt < KEPT_MS) return this.#starts;
    if (begun < this.#restUntil) return undefined;
    this.#starts = projectStarts(this.#engine, this.#now());
    const end = performance.now();
    this.#madeAt = end;
    this.#restUntil = end + LOAD_SHARE * (end - begun);
    return this.#starts;
  }
}
