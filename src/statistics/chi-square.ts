import { assert } from '../base/assert.ts';

/** Coefficients of Lanczos for g = 7, n = 9. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
  -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
  1.5056327351493116e-7,
];

/** ln Γ(x) for x > 0, to about 15 digits. */
export function logGamma(x: number): number {
  assert(x > 0, `Γ of ${x}`);
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const [first, ...more] = LANCZOS;
  const t = x + 6.5;
  const sum = more.reduce((total, one, i) => total + one / (x + i), first!);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

const PRECISION = 1e-15;

/** The regularised lower incomplete gamma function P(a, x): by its series below the bend, as a fraction above. */
export function gammaP(a: number, x: number): number {
  assert(a > 0 && x >= 0, `P(${a}, ${x})`);
  if (x === 0) return 0;
  return x < a + 1 ? scaleOf(a, x) * series(a, x) : 1 - scaleOf(a, x) * fraction(a, x);
}

const scaleOf = (a: number, x: number): number => Math.exp(a * Math.log(x) - x - logGamma(a));

/** Probability that χ² with `degrees` exceeds `x`; far out it is not 1 less what is below, which would be 0. */
export function chiSquareTail(x: number, degrees: number): number {
  const [a, half] = [degrees / 2, x / 2];
  if (half <= 0) return 1;
  return half < a + 1 ? 1 - gammaP(a, half) : scaleOf(a, half) * fraction(a, half);
}

/** Terms are used up a little past √a; this is beyond. */
const termsMax = (a: number): number => 200 + Math.ceil(20 * Math.sqrt(a));

function series(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < termsMax(a) && term > sum * PRECISION; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return sum;
}

/** Lentz's method, with terms of Legendre's continued fraction. */
function fraction(a: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let product = d;
  for (let n = 1; n < termsMax(a); n++) {
    const term = n * (a - n);
    b += 2;
    d = 1 / notZero(term * d + b, tiny);
    c = notZero(b + term / c, tiny);
    product *= d * c;
    if (Math.abs(d * c - 1) < PRECISION) break;
  }
  return product;
}

const notZero = (value: number, tiny: number): number => (Math.abs(value) < tiny ? tiny : value);

/** Below which a share `p` of χ² with `df` degrees of freedom lies. */
export function chiSquareQuantile(p: number, df: number): number {
  assert(p > 0 && p < 1 && df > 0, `χ² of ${p} with ${df}`);
  let low = 0;
  let high = df + 10;
  while (gammaP(df / 2, high / 2) < p) high *= 2;
  // Each step halves: 100 are more than a double can tell apart.
  for (let i = 0; i < 100 && high - low > high * 1e-13; i++) {
    const middle = (low + high) / 2;
    if (gammaP(df / 2, middle / 2) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
