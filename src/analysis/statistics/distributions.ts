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

/** Natural logarithm of Γ(x), x > 0. Lanczos, g = 7: about 15 digits. */
export function logGamma(x: number): number {
  let sum = LANCZOS[0] as number;
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i]! / (x - 1 + i);
  const t = x - 1 + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
  -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
  1.5056327351493116e-7,
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

/** Probability that χ² with `degrees` exceeds `x`: the regularised upper incomplete gamma function, by series or fraction. */
export function chiSquareTail(x: number, degrees: number): number {
  if (x <= 0) return 1;
  const a = degrees / 2;
  const half = x / 2;
  const front = Math.exp(-half + a * Math.log(half) - logGamma(a));
  if (half < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < 500 && term > sum * 1e-16; n++) {
      term *= half / (a + n);
      sum += term;
    }
    return Math.max(0, 1 - front * sum);
  }
  return front * upperFraction(a, half);
}

/** Lentz's continued fraction. */
function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 500; i++) {
    const an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    const delta = d * c;
    h *= delta;
    if (Math.abs(delta - 1) < 1e-15) break;
  }
  return h;
}
