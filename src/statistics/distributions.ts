import { logGamma } from './chi-square.ts';

/**
 * Probability that a standard normal exceeds `z`. Numerical Recipes §6.2, erfc by Chebyshev fitting: relative
 * error below 1.2e-7 everywhere, also far out in the tail.
 */
export function normalTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * x);
  let sum = 0;
  for (let i = ERFC.length - 1; i >= 0; i--) sum = sum * t + ERFC[i]!;
  const erfc = t * Math.exp(-x * x + sum);
  return z >= 0 ? erfc / 2 : 1 - erfc / 2;
}

const ERFC = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
  -0.82215223, 0.17087277,
] as const;

const logChoose = (n: number, k: number): number =>
  logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);

export interface Draw {
  /** Of so many things … */
  readonly population: number;
  /** … so many are marked; */
  readonly marked: number;
  /** so many are drawn without putting back, … */
  readonly drawn: number;
  /** … and so many of them are marked. */
  readonly found: number;
}

/** Probability of at least as many marked ones by chance (hypergeometric; Fisher's exact test, one-sided). */
export function hypergeometricTail({ population, marked, drawn, found }: Draw): number {
  const most = Math.min(marked, drawn);
  const all = logChoose(population, drawn);
  let sum = 0;
  for (let k = Math.max(found, drawn - (population - marked), 0); k <= most; k++) {
    sum += Math.exp(logChoose(marked, k) + logChoose(population - marked, drawn - k) - all);
  }
  return Math.min(1, sum);
}

/** Probability that the supremum of a Brownian bridge exceeds `x` (Kolmogorov 1933). */
export function kolmogorovTail(x: number): number {
  if (x < 0.2) return 1;
  let sum = 0;
  if (x < 1.18) {
    // Jacobi's theta function the other way round: converges where the usual series does not.
    for (let k = 1; k <= 7; k += 2) sum += Math.exp((-k * k * Math.PI * Math.PI) / (8 * x * x));
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  for (let k = 1; k <= 8; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return Math.max(0, sum);
}
