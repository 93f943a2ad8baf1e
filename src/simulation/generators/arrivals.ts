import type { Prng } from '../../base/prng.ts';
import { exponential, uniform } from './distributions.ts';

const HOUR_S = 3_600;
const DAY_H = 24;
const DAYS = 7;

/** When jobs come. Time is counted from Monday, 0:00. */
export interface Arrivals {
  /** Of a week, on the average. */
  readonly perHour: number;
  /** 0 … 1: how much more than the average comes at the peak of a day, and how much less twelve hours from it. */
  readonly daySwing: number;
  readonly peakHour: number;
  /** 0 … 1: so much of a working day comes on a day of the weekend. */
  readonly weekend: number;
}

export const steadily = (perHour: number): Arrivals => ({
  perHour,
  daySwing: 0,
  peakHour: 14,
  weekend: 1,
});

/** Of the average of a week, how much comes then. */
export function rateAt({ daySwing, peakHour, weekend }: Arrivals, hours: number): number {
  const day = Math.floor(hours / DAY_H) % DAYS;
  const ofDay = (day < 5 ? 1 : weekend) / ((5 + 2 * weekend) / DAYS);
  return ofDay * (1 + daySwing * Math.cos((2 * Math.PI * (hours - peakHour)) / DAY_H));
}

/**
 * Seconds from the beginning at which jobs come, without an end: a Poisson process whose rate goes up and down, by
 * thinning one of the highest rate (Lewis and Shedler 1979).
 */
export function* arrivalTimes(arrivals: Arrivals, prng: Prng): Generator<number> {
  const { perHour, daySwing, weekend } = arrivals;
  const most = (1 + daySwing) / ((5 + 2 * weekend) / DAYS);
  const meanS = HOUR_S / (perHour * most);
  for (let s = exponential(prng, meanS); ; s += exponential(prng, meanS)) {
    if (uniform(prng) * most < rateAt(arrivals, s / HOUR_S)) yield s;
  }
}
