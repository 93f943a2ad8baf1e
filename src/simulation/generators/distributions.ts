import { assertNever } from '../../base/assert.ts';
import type { Prng } from '../../base/prng.ts';

const TWO_26 = 2 ** 26;
const TWO_53 = 2 ** 53;

/** Uniform in 0 < u < 1, of 53 bits. */
export function uniform(prng: Prng): number {
  return ((prng.next() >>> 5) * TWO_26 + (prng.next() >>> 6) + 0.5) / TWO_53;
}

export const exponential = (prng: Prng, mean: number): number => -mean * Math.log(uniform(prng));

/** Standard normal, by the polar method of Marsaglia; of a pair the second is not used, so that nothing is remembered. */
export function normal(prng: Prng): number {
  for (;;) {
    const x = 2 * uniform(prng) - 1;
    const y = 2 * uniform(prng) - 1;
    const s = x * x + y * y;
    if (s > 0 && s < 1) return x * Math.sqrt((-2 * Math.log(s)) / s);
  }
}

/** Gamma of mean `shape` × `scale` (Marsaglia and Tsang 2000). */
export function gamma(prng: Prng, shape: number, scale: number): number {
  if (shape < 1) {
    const boost = uniform(prng) ** (1 / shape);
    return gamma(prng, shape + 1, scale) * boost;
  }
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(prng);
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(uniform(prng)) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v * scale;
  }
}

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

/** ln Γ(x) for x > 0 (Lanczos, g = 7), to about 15 digits. */
export function logGamma(x: number): number {
  const z = x - 1;
  const sum = LANCZOS.reduce((all, c, i) => all + c / (z + i + 1), 0.9999999999998099);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

const TERMS_MAX = 10_000;

/** The part of a gamma distribution below x: its series, or its continued fraction where that is the shorter way. */
export function gammaCdf(x: number, shape: number, scale: number): number {
  const z = x / scale;
  if (z <= 0) return 0;
  const front = Math.exp(shape * Math.log(z) - z - logGamma(shape));
  if (z < shape + 1) {
    let term = 1 / shape;
    let sum = term;
    for (let n = 1; n < TERMS_MAX && term > sum * 1e-16; n++) {
      term *= z / (shape + n);
      sum += term;
    }
    return sum * front;
  }
  let b = z + 1 - shape;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let n = 1; n < TERMS_MAX; n++) {
    const a = n * (shape - n);
    b += 2;
    d = 1 / (a * d + b);
    c = b + a / c;
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return 1 - front * h;
}

/** How long things take, in seconds. */
export type Lengths =
  | { readonly kind: 'constant'; readonly meanS: number }
  | { readonly kind: 'exponential'; readonly meanS: number }
  /** ln of it is normal: half are below the median; a sigma of 2 is that of many sites. */
  | { readonly kind: 'lognormal'; readonly medianS: number; readonly sigma: number }
  /** Between two bounds; the smaller the shape, the more of the work is in a few: 1.1 and less is usual. */
  | {
      readonly kind: 'pareto';
      readonly shape: number;
      readonly minS: number;
      readonly maxS: number;
    }
  /** One of several exponential ones, each with its share; shares add up to 1. */
  | {
      readonly kind: 'hyper-exponential';
      readonly phases: readonly { readonly share: number; readonly meanS: number }[];
    };

export function drawLength(lengths: Lengths, prng: Prng): number {
  switch (lengths.kind) {
    case 'constant':
      return lengths.meanS;
    case 'exponential':
      return exponential(prng, lengths.meanS);
    case 'lognormal':
      return lengths.medianS * Math.exp(lengths.sigma * normal(prng));
    case 'pareto': {
      const { shape, minS, maxS } = lengths;
      const tail = 1 - (minS / maxS) ** shape;
      return minS * (1 - uniform(prng) * tail) ** (-1 / shape);
    }
    case 'hyper-exponential': {
      const chosen = uniform(prng);
      let below = 0;
      const phase =
        lengths.phases.find(({ share }) => {
          below += share;
          return chosen < below;
        }) ?? lengths.phases.at(-1)!;
      return exponential(prng, phase.meanS);
    }
    default:
      return assertNever(lengths);
  }
}

/** What they take on the average, in seconds. */
export function meanLength(lengths: Lengths): number {
  switch (lengths.kind) {
    case 'constant':
    case 'exponential':
      return lengths.meanS;
    case 'lognormal':
      return lengths.medianS * Math.exp(lengths.sigma ** 2 / 2);
    case 'pareto': {
      const { shape, minS, maxS } = lengths;
      const ratio = minS / maxS;
      const tail = 1 - ratio ** shape;
      if (Math.abs(shape - 1) < 1e-9) return (minS / tail) * Math.log(maxS / minS);
      return ((shape * minS) / ((shape - 1) * tail)) * (1 - ratio ** (shape - 1));
    }
    case 'hyper-exponential':
      return lengths.phases.reduce((sum, { share, meanS }) => sum + share * meanS, 0);
    default:
      return assertNever(lengths);
  }
}

/** Draws 0 … `count` − 1, the k-th in proportion to 1 / (k + 1)^`exponent`. */
export function zipf(count: number, exponent: number): (prng: Prng) => number {
  const below = new Float64Array(count);
  let sum = 0;
  for (let k = 0; k < count; k++) {
    sum += (k + 1) ** -exponent;
    below[k] = sum;
  }
  return (prng) => firstAbove(below, uniform(prng) * sum);
}

/** The index of the first value above `wanted`, of values that ascend; the last where none is. */
export function firstAbove(values: Float64Array, wanted: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}
