import type { Prng } from '../../base/prng.ts';
import type { SpanMs } from '../../base/units.ts';
import type { SpanTerms } from '../../model/world.ts';

/** A thousand years: no simulation is longer, and sums stay exact. */
const SPAN_MAX_MS = 1_000 * 365.25 * 86_400_000;

/** In whole milliseconds, at least 1. */
export function drawSpan(terms: SpanTerms, prng: Prng): SpanMs {
  const drawn = drawOf(terms, prng);
  return Math.round(Math.min(Math.max(1, drawn), SPAN_MAX_MS)) as SpanMs;
}

function drawOf({ kind, meanMs, shape }: SpanTerms, prng: Prng): number {
  switch (kind) {
    case 'fixed':
      return meanMs;
    case 'exponential':
      return -meanMs * Math.log(open(prng));
    case 'weibull':
      // Scaled so that its mean is the one that is asked for.
      return (meanMs / gamma(1 + 1 / shape)) * (-Math.log(open(prng))) ** (1 / shape);
    case 'lognormal':
      return meanMs * Math.exp(shape * normal(prng) - (shape * shape) / 2);
  }
}

/** A number above 0 and below 1. */
const open = (prng: Prng): number => (prng.next() + 0.5) / 4_294_967_296;

/** Box and Muller (1958). */
const normal = (prng: Prng): number =>
  Math.sqrt(-2 * Math.log(open(prng))) * Math.cos(2 * Math.PI * open(prng));

const lanczos = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

/** Γ(x) for x ≥ 1, by Lanczos with g = 7; to 1e-13. */
export function gamma(x: number): number {
  const t = x + 6.5;
  let sum = 0.9999999999998099;
  lanczos.forEach((term, i) => {
    sum += term / (x + i);
  });
  return Math.sqrt(2 * Math.PI) * t ** (x - 0.5) * Math.exp(-t) * sum;
}
