import { UNLIMITED } from '../../base/units.ts';
import type { AttemptRecord, StepRecord, WorkloadRecord } from '../../engine/records.ts';
import type { EndCause } from '../../model/attempt.ts';

/**
 * Where a run time that is counted on is from: how long it really ran, what its user expects, how long its like took,
 * or none of these.
 */
export type RunTimeOrigin = 'true' | 'estimate' | 'history' | 'limit' | 'assumed';

export interface ExpectedTime {
  readonly ms: number;
  readonly origin: RunTimeOrigin;
}

/** When an attempt ends, and how. */
export interface ExpectedEnd {
  readonly at: number;
  readonly cause: EndCause;
  readonly origin: RunTimeOrigin;
}

/** From what is known best to what is known least. */
const ranks: readonly RunTimeOrigin[] = ['true', 'estimate', 'history', 'limit', 'assumed'];

export const leastKnown = (origins: readonly RunTimeOrigin[]): RunTimeOrigin =>
  ranks[Math.max(...origins.map((origin) => ranks.indexOf(origin)))] ?? 'true';

/** Where nothing has ended yet and nobody says anything. */
export const ASSUMED_MS = 3_600_000;
/** Of one kind of task; how it ran long ago says little. */
const REMEMBERED = 20;

/**
 * How long tasks are expected to run: what their documents say; else the median of the last ones of the same tenant,
 * name and step; else, not known, their time limit; else, not known, the median of all that ended, or an hour.
 * What is not known counts `factor` times.
 */
export class ExpectedTimes {
  readonly #factor: number;
  readonly #byKind: ReadonlyMap<string, number>;
  /** What is assumed of those of whom nothing is known. */
  readonly assumedMs: number;

  constructor(known: KnownTimes, factor = 1) {
    this.#factor = factor;
    this.#byKind = known.byKind;
    this.assumedMs = known.medianMs ?? ASSUMED_MS;
  }

  /** Of each task of a step, from its placement to its end. */
  of(step: StepRecord): ExpectedTime {
    const { estimateMs, limits } = step.spec;
    const limit = limits.wallMs === UNLIMITED ? Number.POSITIVE_INFINITY : limits.wallMs;
    if (estimateMs !== undefined) return { ms: Math.min(estimateMs, limit), origin: 'estimate' };
    const known = this.#byKind.get(kindOf(step));
    if (known !== undefined) return { ms: Math.min(known, limit), origin: 'history' };
    if (limit < Number.POSITIVE_INFINITY) return { ms: this.#scaled(limit), origin: 'limit' };
    return { ms: this.#scaled(this.assumedMs), origin: 'assumed' };
  }

  originOf(step: StepRecord): RunTimeOrigin {
    return this.of(step).origin;
  }

  /** Of an attempt, when it ends; one that runs longer than expected is assumed to run twice as long as it has. */
  endOf({ task, placedAt }: AttemptRecord, now: number): ExpectedEnd {
    const { ms, origin } = this.of(task.step);
    const cause = 'succeeded';
    if (placedAt + ms > now) return { at: placedAt + ms, origin, cause };
    const at = Math.max(now + 1, placedAt + this.#scaled(2 * (now - placedAt)));
    return { at, origin: 'assumed', cause };
  }

  #scaled(ms: number): number {
    return Math.max(1, Math.round(ms * this.#factor));
  }
}

export interface KnownTimes {
  readonly byKind: ReadonlyMap<string, number>;
  /** Of all; undefined where nothing ended. */
  readonly medianMs: number | undefined;
}

/** What the workloads of a state tell of run times: medians of attempts that succeeded. */
export function knownTimes(workloads: Iterable<WorkloadRecord>): KnownTimes {
  const taken = new Map<string, number[]>();
  const all: number[] = [];
  for (const { steps, service } of workloads) {
    if (service !== undefined) continue;
    for (const { tasks } of steps) {
      for (const task of tasks) {
        const last = task.attempts.at(-1);
        if (last?.end?.cause !== 'succeeded' || last.endedAt === undefined) continue;
        const ms = Math.max(1, last.endedAt - last.placedAt);
        const kind = kindOf(task.step);
        const like = taken.get(kind);
        if (like === undefined) taken.set(kind, [ms]);
        else {
          like.push(ms);
          if (like.length > REMEMBERED) like.shift();
        }
        all.push(ms);
      }
    }
  }
  const byKind = new Map([...taken].map(([kind, times]) => [kind, medianOf(times)] as const));
  return { byKind, medianMs: all.length === 0 ? undefined : medianOf(all) };
}

const kindOf = ({ spec, workload }: StepRecord): string =>
  `${workload.tenant}\0${workload.spec.name}\0${spec.id}`;

/** A whole number; of two in the middle the lower one. */
function medianOf(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[(times.length - 1) >> 1]!;
}
