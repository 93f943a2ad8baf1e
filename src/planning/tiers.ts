import type { MicroDollars } from '../base/units.ts';
import type { FileUse, Tier, TierConfig, TierName } from '../model/tiers.ts';

const GIB = 1024 ** 3;
const DAYS_PER_MONTH = 365.25 / 12;
const ONE = 10_000;

export interface TierMove extends FileUse {
  readonly to: TierName;
  /** Of storage, each month; undefined where a price is. Below 0: it costs more. */
  readonly storageSaved?: MicroDollars;
  /** Of reading it there instead, each month, where the uses are counted and prices known. */
  readonly accessCost?: MicroDollars;
}

export interface BreakEven {
  readonly dearer: TierName;
  readonly cheaper: TierName;
  /** Reads of a whole file a day above which the dearer storage costs less in all; undefined: unknown. */
  readonly perDay: number | undefined;
}

export interface TierPlan {
  readonly moves: readonly TierMove[];
  /** They would cost more than they save: they stay. */
  readonly notWorth: readonly TierMove[];
  /** Files of which nobody knows when they were used. */
  readonly unknown: number;
  readonly stays: number;
  readonly bytes: number;
  /** Of all moves with known prices, each month. */
  readonly saved: MicroDollars | undefined;
  readonly breakEven: readonly BreakEven[];
}

/**
 * Reads a day of each GiB at which two tiers cost the same: the dearer storage is paid back by reads that cost less.
 * Above it, the tier with dearer storage is the cheaper one. 0: always; Infinity: never.
 */
export function breakEven(a: Tier, b: Tier): number | undefined {
  if (a.storage === undefined || b.storage === undefined) return undefined;
  if (a.access === undefined || b.access === undefined) return undefined;
  const saved = a.storage - b.storage;
  const paid = (b.access - a.access) * DAYS_PER_MONTH;
  if (saved <= 0) return 0;
  return paid <= 0 ? Number.POSITIVE_INFINITY : saved / paid;
}

/** The tier that a file belongs in; the one that it is in where nothing is known, or it is near the bound. */
export function tierFor(use: FileUse, { tiers, hysteresis }: TierConfig): TierName {
  const now = tiers.findIndex(({ name }) => name === use.tier);
  const wider = 1 + hysteresis / ONE;
  const { perDay, idleMs } = use;
  /** Whether a file belongs to tier `i` or a hotter one, with every bound moved by `by`. */
  const isHot = (i: number, by: number): boolean => {
    if (perDay !== undefined) return perDay > tiers[i]!.above * by;
    return idleMs! < tiers[i + 1]!.idleMs / by;
  };
  if (perDay === undefined && idleMs === undefined) return use.tier;
  const last = tiers.length - 1;
  const place = (by: number): number => {
    for (let i = 0; i < last; i++) if (isHot(i, by)) return i;
    return last;
  };
  // Up only when it is hot enough by more than the bound, down only when cold enough.
  const up = place(wider);
  const down = place(1 / wider);
  const target = up < now ? up : down > now ? down : now;
  return tiers[target]!.name;
}

/** What to move where. Deterministic: in order of paths. */
export function planTiers(uses: readonly FileUse[], config: TierConfig): TierPlan {
  const tierOf = new Map(config.tiers.map((tier) => [tier.name, tier]));
  const moves: TierMove[] = [];
  const notWorth: TierMove[] = [];
  let unknown = 0;
  const sorted = [...uses].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  for (const use of sorted) {
    if (use.by === 'unknown') unknown++;
    const to = tierFor(use, config);
    if (to === use.tier || use.bytes < config.bytesMin) continue;
    const move = priced(use, tierOf.get(use.tier)!, tierOf.get(to)!);
    const isColder = config.tiers.findIndex(({ name }) => name === to) > indexOf(config, use.tier);
    const { storageSaved, accessCost } = move;
    const costs =
      storageSaved !== undefined && accessCost !== undefined && storageSaved < accessCost;
    if (isColder && costs) notWorth.push(move);
    else moves.push(move);
  }
  const known = moves.flatMap(({ storageSaved, accessCost = 0 }) =>
    storageSaved === undefined ? [] : [storageSaved - accessCost],
  );
  return {
    moves,
    notWorth,
    unknown,
    stays: uses.length - moves.length,
    bytes: moves.reduce((sum, { bytes }) => sum + bytes, 0),
    saved:
      known.length < moves.length
        ? undefined
        : (known.reduce((sum, one) => sum + one, 0) as MicroDollars),
    breakEven: config.tiers.slice(0, -1).map((dearer, i) => {
      const cheaper = config.tiers[i + 1]!;
      return { dearer: dearer.name, cheaper: cheaper.name, perDay: breakEven(dearer, cheaper) };
    }),
  };
}

const indexOf = ({ tiers }: TierConfig, tier: TierName): number =>
  tiers.findIndex(({ name }) => name === tier);

function priced(use: FileUse, from: Tier, to: Tier): TierMove {
  const gib = use.bytes / GIB;
  const storageSaved =
    from.storage === undefined || to.storage === undefined
      ? undefined
      : (Math.round(gib * (from.storage - to.storage)) as MicroDollars);
  const accessCost =
    use.perDay === undefined || from.access === undefined || to.access === undefined
      ? undefined
      : (Math.round(gib * use.perDay * DAYS_PER_MONTH * (to.access - from.access)) as MicroDollars);
  return {
    ...use,
    to: to.name,
    ...(storageSaved !== undefined && { storageSaved }),
    ...(accessCost !== undefined && { accessCost }),
  };
}
