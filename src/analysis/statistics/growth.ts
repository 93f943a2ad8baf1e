import { kolmogorovTail } from '../../statistics/distributions.ts';

/** How things that happen one after the other gather speed. */
export interface Growth {
  /** `burst`: nearly all at once. `unclear`: too few to tell, or none of these. */
  readonly shape: 'exponential' | 'linear' | 'burst' | 'unclear';
  /** Time in which their number doubles; of `exponential` only. */
  readonly doublingMs?: number;
}

const EVENTS_MIN = 6;
/** So much of them … */
const BURST_SHARE = 0.8;
/** … within so much of the whole time, or within a few seconds. */
const BURST_TIME = 0.04;
const BURST_MS = 10_000;
/** Akaike's criterion has to be better by so much: 4 to 7 is "considerably less support" (Burnham & Anderson). */
const AIC_LEAD = 4;
/** Of logistic growth over the whole time. */
const RATE_MAX = 40;

/**
 * Between the first and the last, moments of a constant rate are uniform, those of an exponential rate have the
 * density b·e^(bt) / (e^(bT) − 1), and those of what runs out of victims a logistic one. Which it is, is Akaike's
 * criterion over the three; uniform has to pass Kolmogorov–Smirnov besides.
 */
export function growthOf(moments: readonly number[]): Growth {
  const times = [...moments].sort((a, b) => a - b);
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  if (times.length < 3) return { shape: 'unclear' };
  if (isBurst(times, span)) return { shape: 'burst' };
  if (times.length < EVENTS_MIN) return { shape: 'unclear' };
  // As shares of the whole; the first and the last have set its ends, and tell nothing.
  const shares = times.slice(1, -1).map((time) => (time - times[0]!) / span);
  const exponential = fitExponential(shares);
  const logistic = fitLogistic(shares);
  // The logarithm of the uniform density is 0.
  const aic = { exponential: 2 - 2 * exponential.fit, logistic: 4 - 2 * logistic.fit };
  if (exponential.rate > 0 && aic.exponential < -AIC_LEAD && aic.exponential <= aic.logistic) {
    return { shape: 'exponential', doublingMs: Math.round((Math.LN2 / exponential.rate) * span) };
  }
  const saturates = logistic.turn > 0.2 && logistic.rate > 4;
  // Steeper than that is no growth that anybody could see.
  if (logistic.rate > RATE_MAX && aic.logistic < -AIC_LEAD) return { shape: 'burst' };
  if (saturates && aic.logistic < -AIC_LEAD) {
    return { shape: 'exponential', doublingMs: Math.round((Math.LN2 / logistic.rate) * span) };
  }
  return { shape: isUniform(shares) ? 'linear' : 'unclear' };
}

function isBurst(times: readonly number[], span: number): boolean {
  const most = Math.ceil(times.length * BURST_SHARE);
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i + most <= times.length; i++) {
    shortest = Math.min(shortest, times[i + most - 1]! - times[i]!);
  }
  return shortest <= Math.max(BURST_MS, span * BURST_TIME);
}

interface ExponentialFit {
  readonly rate: number;
  readonly fit: number;
}

/** Maximum likelihood of b over a span of 1, by bisection on the mean: it grows with b. */
function fitExponential(shares: readonly number[]): ExponentialFit {
  const mean = shares.reduce((a, b) => a + b, 0) / shares.length;
  const expected = (b: number): number =>
    Math.abs(b) < 1e-6 ? 0.5 + b / 12 : 1 / (1 - Math.exp(-b)) - 1 / b;
  let low = -200;
  let high = 200;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (expected(middle) < mean) low = middle;
    else high = middle;
  }
  const rate = (low + high) / 2;
  const norm = Math.abs(rate) < 1e-6 ? 0 : Math.log(rate / Math.expm1(rate));
  return { rate, fit: shares.length * (norm + rate * mean) };
}

/** Growth by `rate` that turns at `turn` of the span: the best of a grid. */
function fitLogistic(shares: readonly number[]): {
  readonly rate: number;
  readonly turn: number;
  readonly fit: number;
} {
  let best = { rate: 0, turn: 0, fit: 0 };
  for (let rate = 2; rate <= 64; rate *= 1.3) {
    for (let turn = 0.05; turn <= 1; turn += 0.05) {
      const grown = (t: number): number => 1 / (1 + Math.exp(-rate * (t - turn)));
      const norm = Math.log(rate / (grown(1) - grown(0)));
      let fit = shares.length * norm;
      for (const share of shares) {
        const g = grown(share);
        fit += Math.log(Math.max(g * (1 - g), Number.MIN_VALUE));
      }
      if (fit > best.fit) best = { rate, turn, fit };
    }
  }
  return best;
}

function isUniform(shares: readonly number[]): boolean {
  const n = shares.length;
  let distance = 0;
  shares.forEach((share, i) => {
    distance = Math.max(distance, Math.abs(share - i / n), Math.abs(share - (i + 1) / n));
  });
  const root = Math.sqrt(n);
  return kolmogorovTail((root + 0.12 + 0.11 / root) * distance) > 0.02;
}
