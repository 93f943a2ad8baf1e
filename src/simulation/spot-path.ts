import type { Prng } from '../base/prng.ts';
import type { BasisPoints, MicroDollars, SpanMs, TimeMs } from '../base/units.ts';

/** From `at` on, until the next. */
export interface PricePoint {
  readonly at: TimeMs;
  readonly price: MicroDollars;
}

/** Prices in order of time; they may never end. */
export type PricePath = Iterator<PricePoint>;

/**
 * How a made-up price moves. It is drawn back to its base, trembles, and now and then jumps. Parameters are
 * chosen so that it is slow and seldom dear, as AWS has described its own since 2017 (supply and demand over
 * days, not auctions); they are fitted to nothing.
 */
export interface MarketMood {
  readonly base: MicroDollars;
  /** It never costs more: whoever names no highest price pays at most this at AWS. */
  readonly onDemand: MicroDollars;
  readonly stepMs: SpanMs;
  /** Of the way back to the base, in each step. */
  readonly reversion: BasisPoints;
  /** Standard deviation of a step, as a part of the base. */
  readonly tremble: BasisPoints;
  /** Of a million steps, how many are jumps. */
  readonly jumpsPerMillion: number;
  /** A jump is by 1 … so many parts of the base. */
  readonly jumpMax: BasisPoints;
}

const SCALE = 10_000;
const FINE = 1_000;

/** A mean-reverting price with jumps (Ornstein–Uhlenbeck in steps, in whole micro-dollars). */
export function* randomPath(mood: MarketMood, start: TimeMs, prng: Prng): Generator<PricePoint> {
  const { base, onDemand, stepMs, reversion, tremble, jumpsPerMillion, jumpMax } = mood;
  let price: number = base;
  for (let at: number = start; ; at += stepMs) {
    yield { at: at as TimeMs, price: price as MicroDollars };
    const back = Math.trunc(((base - price) * reversion) / SCALE);
    const shake = Math.trunc((base * tremble * nearlyNormal(prng)) / (SCALE * FINE));
    const jumps = prng.below(1_000_000) < jumpsPerMillion;
    const jump = jumps ? Math.trunc((base * prng.between(1, jumpMax)) / SCALE) : 0;
    price = Math.min(onDemand, Math.max(Math.ceil(base / 2), price + back + shake + jump));
  }
}

/** A sum of three uniform numbers of standard deviation 1,000, without logarithms, which differ by machine. */
function nearlyNormal(prng: Prng): number {
  return [0, 0, 0].reduce((sum) => sum + prng.between(-FINE, FINE), 0);
}

const TRACE_POINTS_MAX = 1_000_000;
/** Prices of clouds have at most 6 digits after the point. */
const MICRO = 1_000_000;

export type ReadTrace =
  | { readonly ok: true; readonly points: readonly PricePoint[] }
  | { readonly ok: false; readonly line: number; readonly message: string };

/**
 * A recorded price: CSV with the columns `time,price`, times in ISO 8601 or milliseconds, ascending, prices in
 * dollars an hour. A first line of names, empty lines and lines that begin with `#` say nothing.
 */
export function readSpotTrace(text: string): ReadTrace {
  const points: PricePoint[] = [];
  for (const [i, row] of text.split('\n').entries()) {
    const cells = row.trim();
    if (cells === '' || cells.startsWith('#') || (i === 0 && /^time,price$/i.test(cells))) continue;
    const wrong = (message: string): ReadTrace => ({ ok: false, line: i + 1, message });
    const [time = '', price = '', ...more] = cells.split(',').map((cell) => cell.trim());
    if (more.length > 0 || price === '') return wrong('not two columns, time and price');
    const at = /^\d+$/.test(time) ? Number(time) : Date.parse(time);
    if (!Number.isSafeInteger(at) || at < 0) return wrong(`no time: ${time.slice(0, 64)}`);
    const amount = /^\d+(\.\d+)?$/.test(price) ? Math.round(Number(price) * MICRO) : 0;
    if (!Number.isSafeInteger(amount) || amount <= 0)
      return wrong(`no price above 0: ${price.slice(0, 64)}`);
    const last = points.at(-1);
    if (last !== undefined && at <= last.at) return wrong('no later than the line before it');
    if (points.length === TRACE_POINTS_MAX) return wrong(`more than ${TRACE_POINTS_MAX} prices`);
    points.push({ at: at as TimeMs, price: amount as MicroDollars });
  }
  return points.length > 0 ? { ok: true, points } : { ok: false, line: 1, message: 'no prices' };
}
