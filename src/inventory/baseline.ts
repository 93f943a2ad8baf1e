import type { Fact } from './fact.ts';
import { fact, unknown } from './fact.ts';

/** What is measured, in which unit, and which way is better. Order is the order of the report. */
export const baselineKinds = {
  'memory-bandwidth-one-thread': { unit: 'bytes/s', better: 'higher' },
  'memory-bandwidth-all-threads': { unit: 'bytes/s', better: 'higher' },
  'memory-latency': { unit: 'ns', better: 'lower' },
  'disk-sequential-write': { unit: 'bytes/s', better: 'higher' },
  'disk-sequential-read': { unit: 'bytes/s', better: 'higher' },
  'disk-random-write': { unit: 'operations/s', better: 'higher' },
  'disk-random-read': { unit: 'operations/s', better: 'higher' },
  'disk-random-write-latency': { unit: 'ns', better: 'lower' },
  'disk-random-read-latency': { unit: 'ns', better: 'lower' },
  'loopback-round-trip': { unit: 'ns', better: 'lower' },
  'process-spawn': { unit: 'processes/s', better: 'higher' },
} as const satisfies Record<string, { unit: string; better: 'higher' | 'lower' }>;

export type BaselineName = keyof typeof baselineKinds;

/** One figure over its repeats. Whole numbers in the unit of its kind. */
export interface Measurement {
  readonly name: BaselineName;
  /** How it was measured; figures of different methods are not compared. */
  readonly method: string;
  readonly repeats: number;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  /** What may flatter or spoil the figure. */
  readonly note: string | undefined;
}

export interface Baseline {
  /** Milliseconds since 1970. */
  readonly takenAt: number;
  readonly host: HostFingerprint;
  readonly measurements: readonly Measurement[];
  /** What could not be measured, and why. */
  readonly problems: readonly string[];
}

/** What makes two baselines comparable: the machine. The kernel is told, since it may explain a change. */
export interface HostFingerprint {
  readonly cpu: string;
  readonly threads: number;
  readonly memoryBytes: number;
  readonly architecture: string;
  readonly kernel: string;
  /** Where the scratch file lay, as a file system type and device; disk figures belong to it. */
  readonly disk: string;
}

/** Smallest, middle and largest; undefined of nothing. Of an even count, the mean of the two in the middle. */
export function spreadOf(
  values: readonly number[],
): { readonly min: number; readonly median: number; readonly max: number } | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.map(Math.round).sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? sorted[half]! : Math.round((sorted[half - 1]! + sorted[half]!) / 2);
  return { min: sorted[0]!, median, max: sorted.at(-1)! };
}

export interface BaselineComparison {
  /** Parts of the fingerprint that differ; with any but `kernel`, nothing is compared. */
  readonly differs: readonly (keyof HostFingerprint)[];
  readonly changes: readonly BaselineChange[];
}

export interface BaselineChange {
  readonly name: BaselineName;
  /** `same`: the ranges of the repeats overlap, or the medians are within 5 %. */
  readonly verdict: 'same' | 'better' | 'worse' | 'new' | 'gone' | 'other-method';
  /** New median over old, in basis points; unknown where they are not compared. */
  readonly ratioBp: Fact<number>;
}

/** Below this a change is noise on any machine that does other work, too. */
const NOISE_BP = 500;

export function compareBaselines(before: Baseline, after: Baseline): BaselineComparison {
  const keys = ['cpu', 'threads', 'memoryBytes', 'architecture', 'kernel', 'disk'] as const;
  const differs = keys.filter((key) => before.host[key] !== after.host[key]);
  const sameMachine = differs.every((key) => key === 'kernel' || key === 'disk');
  const names = Object.keys(baselineKinds).filter((name) => isBaselineName(name));
  const changes = names.flatMap((name): readonly BaselineChange[] => {
    if (!sameMachine || (differs.includes('disk') && name.startsWith('disk-'))) return [];
    const old = before.measurements.find((m) => m.name === name);
    const now = after.measurements.find((m) => m.name === name);
    if (old === undefined && now === undefined) return [];
    return [{ name, ...judge(name, old, now) }];
  });
  return { differs, changes };
}

function isBaselineName(name: string): name is BaselineName {
  return Object.hasOwn(baselineKinds, name);
}

function judge(
  name: BaselineName,
  old: Measurement | undefined,
  now: Measurement | undefined,
): Pick<BaselineChange, 'verdict' | 'ratioBp'> {
  const incomparable = unknown('not-reported');
  if (old === undefined) return { verdict: 'new', ratioBp: incomparable };
  if (now === undefined) return { verdict: 'gone', ratioBp: incomparable };
  if (old.method !== now.method || old.median <= 0) {
    return { verdict: 'other-method', ratioBp: incomparable };
  }
  const ratio = Math.round((now.median / old.median) * 10_000);
  const ratioBp = fact(ratio, 'measured');
  const overlap = now.min <= old.max && old.min <= now.max;
  if (overlap || Math.abs(ratio - 10_000) < NOISE_BP) return { verdict: 'same', ratioBp };
  const isHigher = ratio > 10_000;
  return {
    verdict: isHigher === (baselineKinds[name].better === 'higher') ? 'better' : 'worse',
    ratioBp,
  };
}
