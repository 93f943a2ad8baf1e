/** An exact decimal number: `digits` × 10^−`scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

const LENGTH_MAX = 64;
const EXPONENT_MAX = 400;

/** Reads `12`, `-0.5`, `.5`, `1e3`; nothing for any other text, or for one too long to be meant. */
export function parseDecimal(text: string): Decimal | undefined {
  if (text.length > LENGTH_MAX) return undefined;
  const found = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (found === null) return undefined;
  const [, sign, whole = '', afterWhole, bare, exponent = '0'] = found;
  const fraction = afterWhole ?? bare ?? '';
  const power = Number(exponent);
  if (Math.abs(power) > EXPONENT_MAX) return undefined;
  const digits = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
  const scale = fraction.length - power;
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

/** `decimal` × `factor`, rounded up to a whole number. */
export function timesRoundedUp(decimal: Decimal, factor: bigint): bigint {
  const product = decimal.digits * factor;
  const divisor = 10n ** BigInt(decimal.scale);
  const quotient = product / divisor;
  return product > 0n && product % divisor !== 0n ? quotient + 1n : quotient;
}

export function sameDecimal(a: Decimal, b: Decimal): boolean {
  return a.digits * 10n ** BigInt(b.scale) === b.digits * 10n ** BigInt(a.scale);
}

/** `amount` / 10^`places` without trailing zeros, but with at least `placesMin` places: 1500, 3 → `1.5`. */
export function printScaled(amount: number, places: number, placesMin = 0): string {
  const text = String(amount).padStart(places + 1, '0');
  const whole = text.slice(0, text.length - places);
  let fraction = text.slice(text.length - places);
  while (fraction.length > placesMin && fraction.endsWith('0')) fraction = fraction.slice(0, -1);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
