import type { Prng } from '../base/prng.ts';
import type { TimeMs } from '../base/units.ts';
import type { TenantId } from '../model/ids.ts';
import type { WorkloadSpec } from '../model/workload.ts';

const DAY_MS = 86_400_000;
/** Submissions that are remembered. */
const REMEMBERED = 5_000;
/** Days that one is drawn from, and days that are drawn, at most. */
const DAYS_MAX = 28;

export interface Arrival {
  readonly at: TimeMs;
  readonly tenant: TenantId;
  readonly spec: WorkloadSpec;
}

/**
 * What is submitted later, as far as the past tells: each coming day is like one of the last ones, submission for
 * submission at the same time of day. So bursts, hours and who asks for what stay as they are.
 */
export class Arrivals {
  readonly #known: Arrival[] = [];

  /** In order of time. */
  note(arrival: Arrival): void {
    this.#known.push(arrival);
    if (this.#known.length >= 2 * REMEMBERED) this.#known.splice(0, REMEMBERED);
  }

  /** From then on, for some weeks; nothing where less than a day is known. */
  *draw(prng: Prng, from: TimeMs): Generator<Arrival, void> {
    const known = this.#known;
    const days = Math.min(DAYS_MAX, Math.floor((from - (known[0]?.at ?? from)) / DAY_MS));
    if (days === 0) return;
    for (let day = 0; day < DAYS_MAX; day++) {
      const back = 1 + prng.below(days);
      const shift = (day + back) * DAY_MS;
      const begin = from - back * DAY_MS;
      for (let i = firstFrom(known, begin); i < known.length; i++) {
        const { at, tenant, spec } = known[i]!;
        if (at >= begin + DAY_MS) break;
        yield { at: (at + shift) as TimeMs, tenant, spec };
      }
    }
  }
}

function firstFrom(known: readonly Arrival[], at: number): number {
  let [low, high] = [0, known.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (known[middle]!.at >= at) high = middle;
    else low = middle + 1;
  }
  return low;
}
