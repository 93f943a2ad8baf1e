import { assertNever } from '../../base/assert.ts';
import type { Prng } from '../../base/prng.ts';
import { exponential, uniform } from './distributions.ts';

/** What users say that their jobs take. */
export type Estimates =
  | { readonly kind: 'none' | 'exact' }
  /** The run time × a number between 1 and this, any as likely (the f-model of Mu'alem and Feitelson 2001). */
  | { readonly kind: 'factor'; readonly max: number }
  /**
   * A round time, as most do (Tsafrir, Etsion and Feitelson 2005): the next one above the run time × 1 and some more;
   * a part of them says the longest there is, whatever the job is.
   */
  | {
      readonly kind: 'round';
      /** How much more than it takes, on the average: 1 is twice as long. */
      readonly slack: number;
      /** 0 … 1. */
      readonly sayMost: number;
    };

const MINUTE_S = 60;
const HOUR_S = 3_600;
/** Times that people ask for. The last is the longest; what runs longer is said in whole days. */
const ROUND_S: readonly number[] = [
  ...[1, 2, 5, 10, 15, 20, 30, 45].map((n) => n * MINUTE_S),
  ...[1, 2, 3, 4, 5, 6, 8, 10, 12, 18, 24, 36, 48].map((n) => n * HOUR_S),
];
const LONGEST_S = ROUND_S.at(-1)!;
const DAY_S = 24 * HOUR_S;

/** In seconds; never less than the run time: who says too little is stopped, and such a run is cut already. */
export function drawEstimate(estimates: Estimates, runS: number, prng: Prng): number | undefined {
  switch (estimates.kind) {
    case 'none':
      return undefined;
    case 'exact':
      return runS;
    case 'factor':
      return runS * (1 + (estimates.max - 1) * uniform(prng));
    case 'round': {
      // Both are drawn always, so that a job's course does not depend on another one's parameters.
      const most = uniform(prng) < estimates.sayMost;
      const wanted = runS * (1 + exponential(prng, estimates.slack));
      const least = most ? Math.max(wanted, LONGEST_S) : wanted;
      return ROUND_S.find((round) => round >= least) ?? Math.ceil(least / DAY_S) * DAY_S;
    }
    default:
      return assertNever(estimates);
  }
}
