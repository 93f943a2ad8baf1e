import { parseDecimal, timesRoundedUp } from '../decimal.ts';

const THOUSANDTHS: Readonly<Record<string, number>> = { n: 9, u: 6, m: 3 };
const TIMES: Readonly<Record<string, bigint>> = Object.fromEntries([
  ['', 1n],
  ...['k', 'M', 'G', 'T', 'P', 'E'].map((unit, i) => [unit, 1000n ** BigInt(i + 1)] as const),
  ...['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((unit, i) => [unit, 1024n ** BigInt(i + 1)] as const),
]);

export const QUANTITY_FORM = 'a quantity such as 100, 500m, 4Gi or 1e3';

/**
 * A quantity of Kubernetes (apimachinery, pkg/api/resource) in parts of which one unit has `perUnit`, rounded up as
 * Kubernetes does. Undefined: it is none, or below 0.
 */
export function parseQuantity(written: string | number, perUnit: bigint): bigint | undefined {
  const [, number, unit = '', exponent = ''] =
    /^\+?((?:\d+\.?\d*|\.\d+))(?:(n|u|m|k|[MGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?$/.exec(
      String(written),
    ) ?? [];
  if (number === undefined) return undefined;
  const decimal = parseDecimal(exponent === '' ? number : `${number}e${exponent}`);
  if (decimal === undefined) return undefined;
  const down = Object.hasOwn(THOUSANDTHS, unit) ? THOUSANDTHS[unit]! : 0;
  const times = Object.hasOwn(TIMES, unit) ? TIMES[unit]! : 1n;
  return timesRoundedUp({ ...decimal, scale: decimal.scale + down }, times * perUnit);
}
