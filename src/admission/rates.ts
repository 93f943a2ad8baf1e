import { type MicroDollars, type TimeMs, UNLIMITED } from '../base/units.ts';
import type { ModelPrice, Rates } from '../model/money.ts';
import type { Resources } from '../model/resources.ts';
import type { SpotQuote } from '../model/spot.ts';

const HOUR_MS = 3_600_000n;
const GIB = 1024n ** 3n;
/** 365.25 × 24 / 12. */
const MONTH_HOURS = 730.5;
/** Parts of a micro-dollar in which the parts of a rate are added up before it is rounded. */
const FINE = 1_000_000n;

/** What an attempt holds, as far as it has a price. */
export interface Priced {
  readonly held: Pick<Resources, 'cpu' | 'memory' | 'gpu'>;
  /** Of the devices that it holds; of one that waits, those that it may get: the dearest counts. */
  readonly gpuModels: readonly string[];
  /** Of scratch space and volumes. */
  readonly storageBytes: number;
  readonly spot: boolean;
  /** What the market says of its node; absent where it says nothing. */
  readonly quote?: SpotQuote | undefined;
}

export interface HourlyRate {
  /** Rounded up to a whole micro-dollar. */
  readonly perHour: MicroDollars;
  /** What is held and has no known price, in the order of the table. */
  readonly unpriced: readonly string[];
}

/** The entry that holds at `at`: the last one that is valid from then or before. */
export function validAt<T extends { readonly validFrom: TimeMs }>(
  entries: readonly T[],
  at: TimeMs,
): T | undefined {
  return entries.findLast(({ validFrom }) => validFrom <= at);
}

/** What an hour of all that is held costs. */
export function hourlyRate(priced: Priced, rates: Rates): HourlyRate {
  const { held, storageBytes, spot } = priced;
  const unpriced: string[] = [];
  let fine = 0n;
  const add = (name: string, amount: bigint, unit: bigint, rate: number | undefined): void => {
    if (amount === 0n) return;
    if (rate === undefined) unpriced.push(name);
    else fine += (amount * BigInt(rate) * FINE) / unit;
  };
  add('cpu', BigInt(held.cpu), 1_000n, rates.cpuHour);
  add('memory', BigInt(held.memory), GIB, rates.memoryHour);
  const gpu = dearest(held.gpu, priced.gpuModels, rates.gpuHour, rates.otherGpuHour);
  add(gpu.name, BigInt(held.gpu), 1_000n, gpu.value);
  const { storageMonth } = rates;
  // Thousandths of a micro-dollar, so that a small price of a month is not nothing in an hour.
  const storageHour =
    storageMonth === undefined ? undefined : Math.round((storageMonth * 1_000) / MONTH_HOURS);
  add('storage', BigInt(storageBytes), GIB * 1_000n, storageHour);
  if (spot) fine = onSpot(fine, rates, priced.quote);
  const energy = energyOf(priced, rates);
  unpriced.push(...energy.unpriced);
  fine += energy.fine;
  return { perHour: bounded((fine + FINE - 1n) / FINE), unpriced };
}

/**
 * What the same costs on demand, times what the market asks beside that; where it does not say what it is on
 * demand, the site's own factor is for the base price.
 */
function onSpot(fine: bigint, { spotFactor }: Rates, quote: SpotQuote | undefined): bigint {
  const { price, base, onDemand } = quote ?? {};
  if (price !== undefined && onDemand !== undefined) {
    return (fine * BigInt(price)) / BigInt(onDemand);
  }
  const usual = spotFactor === undefined ? fine : (fine * BigInt(spotFactor)) / 10_000n;
  return price === undefined ? usual : (usual * BigInt(price)) / BigInt(base!);
}

function energyOf({ held, gpuModels }: Priced, { energy }: Rates) {
  if (energy === undefined) return { fine: 0n, unpriced: [] };
  const { wattsPerCpu, wattsPerGib, gpuWatts, otherGpuWatts } = energy;
  const gpu = dearest(held.gpu, gpuModels, gpuWatts, otherGpuWatts);
  const unknown = held.gpu > 0 && gpu.value === undefined;
  const milliwatts =
    BigInt(held.cpu) * BigInt(wattsPerCpu) +
    (BigInt(held.memory) * BigInt(wattsPerGib) * 1_000n) / GIB +
    (unknown ? 0n : BigInt(held.gpu) * BigInt(gpu.value ?? 0));
  // mW × µ$/kWh × PUE/10,000: a kilowatt is a million milliwatts.
  const fine =
    (milliwatts * BigInt(energy.kilowattHour) * BigInt(energy.pue) * FINE) / 10_000_000_000n;
  return { fine, unpriced: unknown ? [`energy of ${gpu.name}`] : [] };
}

/** The largest value of those models; of one that is not named, the one for all others. */
function dearest(
  gpus: number,
  models: readonly string[],
  byModel: Readonly<Record<string, number>>,
  other: number | undefined,
): { name: string; value: number | undefined } {
  if (gpus === 0) return { name: 'gpu', value: undefined };
  let value: number | undefined;
  let unknown = 'gpu';
  for (const model of models) {
    const own = Object.hasOwn(byModel, model) ? byModel[model] : other;
    if (own === undefined) unknown = `gpu ${model}`;
    else if (value === undefined || own > value) value = own;
  }
  return { name: unknown, value: value ?? (models.length === 0 ? other : undefined) };
}

/** rate × time, rounded up to a whole micro-dollar: the one place where an amount is rounded. */
export function costOf(perHour: MicroDollars, ms: number): MicroDollars {
  if (ms <= 0) return 0 as MicroDollars;
  if (ms >= UNLIMITED) return (perHour === 0 ? 0 : UNLIMITED) as MicroDollars;
  return bounded((BigInt(perHour) * BigInt(Math.ceil(ms)) + HOUR_MS - 1n) / HOUR_MS);
}

/** How long an amount lasts at that rate; UNLIMITED where it costs nothing. */
export function lastsMs(amount: MicroDollars, perHour: MicroDollars): number {
  if (perHour === 0 || amount >= UNLIMITED) return UNLIMITED;
  return Number(bounded((BigInt(amount) * HOUR_MS) / BigInt(perHour)));
}

/** Tokens of one or more calls. `cachedInput` and `cacheWrite` are counted in `input`, too. */
export interface TokenCount {
  readonly input: number;
  readonly output: number;
  readonly cachedInput?: number;
  readonly cacheWrite?: number;
}

/** What one call costs, rounded up; undefined where a price that it needs is not known. */
export function tokenCost(price: ModelPrice, tokens: TokenCount): MicroDollars | undefined {
  const { cachedInput = 0, cacheWrite = 0 } = tokens;
  const long = price.above !== undefined && tokens.input > price.above.inputTokens;
  const input = (long ? price.above?.input : undefined) ?? price.input;
  const output = (long ? price.above?.output : undefined) ?? price.output;
  const parts: readonly (readonly [number, number | undefined])[] = [
    [Math.max(0, tokens.input - cachedInput - cacheWrite), input],
    // What says nothing of the cache charges for it as for any other input.
    [cachedInput, price.cachedInput ?? input],
    [cacheWrite, price.cacheWrite ?? input],
    [tokens.output, output],
  ];
  let fine = 0n;
  for (const [count, perMillion] of parts) {
    if (count === 0) continue;
    if (perMillion === undefined) return undefined;
    fine += BigInt(count) * BigInt(perMillion);
  }
  return bounded((fine + 999_999n) / 1_000_000n);
}

const bounded = (n: bigint): MicroDollars =>
  Number(n > BigInt(UNLIMITED) ? BigInt(UNLIMITED) : n) as MicroDollars;
