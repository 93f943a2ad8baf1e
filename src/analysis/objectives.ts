import { assert } from '../base/assert.ts';
import type { Objective } from '../model/objective.ts';
import type { Occurrence, Whose } from './operations-ledger.ts';

export interface Counts {
  readonly good: number;
  readonly bad: number;
}

/** One pair of windows: it fires when the budget burns too fast in both. */
export interface BurnWindow {
  readonly longMs: number;
  readonly shortMs: number;
  /** 1: the budget lasts exactly as long as the period. Undefined: nothing was counted. */
  readonly burnLong: number | undefined;
  readonly burnShort: number | undefined;
  readonly threshold: number;
  readonly fires: boolean;
  readonly severity: 'warning' | 'critical';
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Of a period of 30 days, as in chapter 5 of Google's SRE workbook: 2 %, 5 % and 10 % of the budget. */
const BASE_PERIOD_MS = 30 * DAY_MS;
const windows = [
  { longMs: HOUR_MS, shortMs: 5 * MINUTE_MS, threshold: 14.4, severity: 'critical' },
  { longMs: 6 * HOUR_MS, shortMs: 30 * MINUTE_MS, threshold: 6, severity: 'critical' },
  { longMs: 3 * DAY_MS, shortMs: 6 * HOUR_MS, threshold: 1, severity: 'warning' },
] as const;

const budgetOf = ({ target }: Pick<Objective, 'target'>): number => 1 - target / 10_000;

/** How fast the budget burns: the share of bad ones, by the share that may be. */
export function burnOf(objective: Pick<Objective, 'target'>, { good, bad }: Counts) {
  const total = good + bad;
  return total === 0 ? undefined : bad / total / budgetOf(objective);
}

/** What is left of the budget of bad ones, 0 … 1; below 0 where more than all of it is spent. */
export function budgetLeft(objective: Pick<Objective, 'target'>, counts: Counts) {
  const burn = burnOf(objective, counts);
  return burn === undefined ? undefined : 1 - burn;
}

/** `within`: what was counted in the newest so many milliseconds. Windows scale with the period. */
export function burnWindows(
  objective: Pick<Objective, 'target' | 'periodMs'>,
  within: (spanMs: number) => Counts,
): BurnWindow[] {
  const scale = objective.periodMs / BASE_PERIOD_MS;
  return windows.map(({ longMs, shortMs, threshold, severity }) => {
    const spans = { longMs: Math.round(longMs * scale), shortMs: Math.round(shortMs * scale) };
    const burnLong = burnOf(objective, within(spans.longMs));
    const burnShort = burnOf(objective, within(spans.shortMs));
    const fires = (burnLong ?? 0) > threshold && (burnShort ?? 0) > threshold;
    return { ...spans, burnLong, burnShort, threshold, fires, severity };
  });
}

/** Five for the shortest window: a period always has so many. */
const BUCKETS = 43_200;

/** Counts of a period in buckets of equal length; what is older is forgotten. */
export class CountRing {
  readonly #bucketMs: number;
  readonly #good = new Float64Array(BUCKETS);
  readonly #bad = new Float64Array(BUCKETS);
  /** Number of the newest bucket since 1970. */
  #newest = 0;

  constructor(periodMs: number) {
    assert(periodMs >= BUCKETS, `a period of ${periodMs} ms`);
    this.#bucketMs = periodMs / BUCKETS;
  }

  add(at: number, good: number, bad: number): void {
    const bucket = Math.floor(at / this.#bucketMs);
    this.#advance(bucket);
    if (bucket <= this.#newest - BUCKETS) return;
    this.#good[bucket % BUCKETS]! += good;
    this.#bad[bucket % BUCKETS]! += bad;
  }

  /** A time, shared among the buckets that it lies in. */
  addTime(from: number, to: number, isGood: boolean): void {
    const first = Math.max(from, to - BUCKETS * this.#bucketMs);
    let at = first;
    while (at < to) {
      const end = Math.min(to, (Math.floor(at / this.#bucketMs) + 1) * this.#bucketMs);
      // The sum of two floats may be where it was.
      const next = end > at ? end : to;
      this.add(at, isGood ? next - at : 0, isGood ? 0 : next - at);
      at = next;
    }
  }

  /** From so long before `at` on; the oldest bucket counts as a whole. */
  within(spanMs: number, at: number): Counts {
    const to = Math.floor(at / this.#bucketMs);
    const count = Math.min(BUCKETS, Math.max(1, Math.round(spanMs / this.#bucketMs)));
    let good = 0;
    let bad = 0;
    const oldest = this.#newest - BUCKETS + 1;
    for (let n = Math.max(0, oldest, to - count + 1); n <= Math.min(to, this.#newest); n++) {
      good += this.#good[n % BUCKETS]!;
      bad += this.#bad[n % BUCKETS]!;
    }
    return { good, bad };
  }

  #advance(bucket: number): void {
    if (bucket <= this.#newest) return;
    const first = Math.max(this.#newest + 1, bucket - BUCKETS + 1);
    for (let n = first; n <= bucket; n++) {
      this.#good[n % BUCKETS] = 0;
      this.#bad[n % BUCKETS] = 0;
    }
    this.#newest = bucket;
  }
}

export interface ObjectiveState {
  readonly objective: Objective;
  /** In the period. Of availability in milliseconds. */
  readonly counts: Counts;
  readonly windows: readonly BurnWindow[];
}

interface Kept {
  readonly objective: Objective;
  readonly ring: CountRing;
}

interface ServiceSpell {
  readonly whose: Whose;
  state: 'up' | 'down';
  since: number;
}

/** Counts for all objectives of a site, as the journal goes on. */
export class ObjectiveBook {
  readonly #kept: readonly Kept[];
  readonly #services = new Map<string, ServiceSpell>();

  constructor(objectives: readonly Objective[]) {
    this.#kept = objectives.map((objective) => ({
      objective,
      ring: new CountRing(objective.periodMs),
    }));
  }

  add(occurrence: Occurrence): void {
    if (occurrence.kind === 'service') {
      this.#service(occurrence);
      return;
    }
    for (const { objective, ring } of this.#kept) {
      const isGood = judge(objective, occurrence);
      if (isGood !== undefined) ring.add(occurrence.at, isGood ? 1 : 0, isGood ? 0 : 1);
    }
  }

  /** `waiting`: tasks that wait now, since when, which may be bad already although they were never placed. */
  states(now: number, waiting: readonly Waiting[] = []): ObjectiveState[] {
    for (const spell of this.#services.values()) this.#settle(spell, now);
    return this.#kept.map(({ objective, ring }) => {
      const overdue = overdueOf(objective, waiting, now);
      const within = (spanMs: number): Counts => {
        const { good, bad } = ring.within(spanMs, now);
        const { length } = overdue.filter((at) => at > now - spanMs);
        return { good, bad: bad + length };
      };
      const windows = burnWindows(objective, within);
      return { objective, counts: within(objective.periodMs), windows };
    });
  }

  #service({ at, whose, state }: Extract<Occurrence, { kind: 'service' }>): void {
    const spell = this.#services.get(whose.workload);
    if (spell !== undefined) this.#settle(spell, at);
    if (state === 'off') this.#services.delete(whose.workload);
    else this.#services.set(whose.workload, { whose, state, since: at });
  }

  #settle(spell: ServiceSpell, until: number): void {
    for (const { objective, ring } of this.#kept) {
      if (objective.indicator.kind !== 'availability' || !isMeant(objective, spell.whose)) continue;
      ring.addTime(spell.since, until, spell.state === 'up');
    }
    spell.since = Math.max(spell.since, until);
  }
}

export interface Waiting {
  readonly whose: Pick<Whose, 'name' | 'tenant' | 'queue'>;
  readonly step: string;
  readonly since: number;
  readonly isHandoff: boolean;
}

/** Moments at which those that wait became bad. */
function overdueOf(objective: Objective, waiting: readonly Waiting[], now: number): number[] {
  const { indicator } = objective;
  if (indicator.kind !== 'waiting' && indicator.kind !== 'handoff') return [];
  return waiting
    .filter(({ whose, step, isHandoff }) => {
      return isMeant(objective, whose, step) && (indicator.kind === 'waiting' || isHandoff);
    })
    .map(({ since }) => since + indicator.belowMs)
    .filter((at) => at < now);
}

/** Whether it is good by the objective; undefined where it does not count. */
function judge(objective: Objective, occurrence: Occurrence): boolean | undefined {
  const { indicator } = objective;
  switch (occurrence.kind) {
    case 'workload-ended':
      if (indicator.kind !== 'jobs' || !isMeant(objective, occurrence.whose)) return undefined;
      if (occurrence.of !== 'job' && occurrence.of !== 'pipeline') return undefined;
      return occurrence.state === 'cancelled' ? undefined : occurrence.state === 'succeeded';
    case 'task-placed':
      if (indicator.kind !== 'waiting' && indicator.kind !== 'handoff') return undefined;
      if (indicator.kind === 'handoff' && !occurrence.isHandoff) return undefined;
      if (!isMeant(objective, occurrence.whose, occurrence.step)) return undefined;
      return occurrence.waitMs <= indicator.belowMs;
    case 'attempt-ended':
      if (indicator.kind !== 'runs') return undefined;
      if (!isMeant(objective, occurrence.whose, occurrence.step)) return undefined;
      if (wasStopped(occurrence.cause)) return undefined;
      return occurrence.cause === 'succeeded' && occurrence.tookMs <= indicator.belowMs;
    default:
      return undefined;
  }
}

/** Somebody or something else ended it: it says nothing of the step. */
export const wasStopped = (cause: string): boolean =>
  ['cancelled', 'preempted', 'unstarted'].includes(cause);

function isMeant(
  { only }: Objective,
  whose: Pick<Whose, 'name' | 'tenant' | 'queue'>,
  step?: string,
): boolean {
  return (
    (only.queue === undefined || only.queue === whose.queue) &&
    (only.tenant === undefined || only.tenant === whose.tenant) &&
    (only.workload === undefined || only.workload === whose.name) &&
    (only.step === undefined || only.step === step)
  );
}
