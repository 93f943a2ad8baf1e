import { assert } from '../base/assert.ts';
import { logGamma } from './chi-square.ts';

const PRECISION = 1e-15;
const TERMS_MAX = 10_000;
const TINY = 1e-300;

/**
 * The regularised incomplete beta function I_x(a, b), by its continued fraction (Numerical Recipes §6.4) on the
 * side where that converges quickly.
 */
export function betaI(x: number, a: number, b: number): number {
  assert(a > 0 && b > 0 && x >= 0 && x <= 1, `I_${x}(${a}, ${b})`);
  if (x === 0 || x === 1) return x;
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  );
  return x < (a + 1) / (a + b + 2)
    ? (front * fraction(x, a, b)) / a
    : 1 - (front * fraction(1 - x, b, a)) / b;
}

function fraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1));
  let product = d;
  for (let m = 1; m < TERMS_MAX; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / notZero(1 + even * d);
    c = notZero(1 + even / c);
    product *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / notZero(1 + odd * d);
    c = notZero(1 + odd / c);
    product *= d * c;
    if (Math.abs(d * c - 1) < PRECISION) break;
  }
  return product;
}

const notZero = (value: number): number => (Math.abs(value) < TINY ? TINY : value);

/** Probability that Student's t with `degrees` of freedom (not only whole ones) exceeds `t`. */
export function studentTail(t: number, degrees: number): number {
  assert(degrees > 0, `t with ${degrees} degrees`);
  if (!Number.isFinite(t)) return t > 0 ? 0 : 1;
  const beyond = betaI(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  return t >= 0 ? beyond : 1 - beyond;
}

/** Above which a part `tail` (below a half) of Student's t lies. */
export function studentQuantile(tail: number, degrees: number): number {
  assert(tail > 0 && tail < 0.5, `a tail of ${tail}`);
  let low = 0;
  let high = 2;
  while (studentTail(high, degrees) > tail) high *= 2;
  // Each step halves: 100 are more than a double can tell apart.
  for (let i = 0; i < 100 && high - low > high * 1e-14; i++) {
    const middle = (low + high) / 2;
    if (studentTail(middle, degrees) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
