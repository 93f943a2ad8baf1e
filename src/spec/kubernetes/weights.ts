import type { BasisPoints } from '../../base/units.ts';
import { parseDecimal, printScaled } from '../decimal.ts';
import { parseWeight } from '../quantities.ts';
import { wholeWeights } from '../site-fields.ts';
import type { Sourced } from './findings.ts';

const PARTS = 10_000;
/** Of `parseWeight`. */
const PLACES = 4;

export interface FitWeights<T> {
  /** As a site document takes them, by what they are of. */
  readonly weights: ReadonlyMap<T, string>;
  /** They are whole parts of the largest, because they were too different or too exact. */
  readonly isRounded: boolean;
}

/** The weights of one set. Who has none has 1, which `implied` says of somebody who is not in the set. */
export function fitWeights<T>(
  weights: ReadonlyMap<T, Sourced<string> | undefined>,
  implied: boolean,
): FitWeights<T> {
  const given = [...weights].flatMap(([of, weight]) => (weight ? [[of, weight] as const] : []));
  if (given.length === 0) return { weights: new Map(), isRounded: false };
  const exact = given.map(([, { value }]) => exactWeight(value));
  const others = implied || given.length < weights.size ? [undefined] : [];
  const isFit =
    exact.every((one) => one !== undefined) && wholeWeights([...exact, ...others]) !== undefined;
  if (isFit) {
    const kept = given.map(([of], i) => [of, printScaled(exact[i]!, PLACES)] as const);
    return { weights: new Map(kept), isRounded: false };
  }
  const values = [...weights].map(([of, weight]) => [of, Number(weight?.value ?? 1)] as const);
  const largest = Math.max(...values.map(([, value]) => value));
  const part = (value: number) => String(Math.max(1, Math.round((value / largest) * PARTS)));
  return { weights: new Map(values.map(([of, value]) => [of, part(value)])), isRounded: true };
}

/** Undefined where it would be rounded. */
function exactWeight(written: string): BasisPoints | undefined {
  const decimal = parseDecimal(written);
  const parsed = parseWeight(written);
  if (decimal === undefined || !parsed.ok) return undefined;
  const isExact = (decimal.digits * 10n ** BigInt(PLACES)) % 10n ** BigInt(decimal.scale) === 0n;
  return isExact && parsed.value > 0 ? parsed.value : undefined;
}
