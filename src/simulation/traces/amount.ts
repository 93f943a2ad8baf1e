const UNITS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * An amount as Kubernetes and Berth write it (`500m`, `64Gi`, `16GB`, `1e3`), in parts of which one unit has
 * `perUnit`, rounded up. Undefined: it is none, below 0, or too large for a whole number.
 */
export function readAmount(written: unknown, perUnit: number): number | undefined {
  if (typeof written !== 'string' && typeof written !== 'number') return undefined;
  const [, number, unit = ''] =
    /^\+?(\d{1,20}(?:\.\d{0,20})?(?:[eE][+-]?\d{1,2})?|\.\d{1,20})([numkKMGTPE]i?)?B?$/.exec(
      String(written).trim().slice(0, 64),
    ) ?? [];
  const scale = unit === '' ? 1 : UNITS[unit];
  if (number === undefined || scale === undefined) return undefined;
  const amount = Number(number) * scale * perUnit;
  // The nearest double of 2.007 × 1000 lies just above the whole number that is meant.
  const rounded = Number.isInteger(amount) ? amount : Math.ceil(Number(amount.toPrecision(15)));
  return Number.isSafeInteger(rounded) ? rounded : undefined;
}
