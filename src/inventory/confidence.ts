import type { Source, UnknownReason } from './fact.ts';
import type { Outcomes } from './registry.ts';

/** How many fields of the inventory are known, and from whom. */
export interface Confidence {
  readonly measured: number;
  /** Told by the kernel, a driver or the firmware. */
  readonly told: number;
  /** From a datasheet, or worked out. */
  readonly estimated: number;
  /** The host has such a thing, and it was not told. */
  readonly unknown: number;
  /** The host has no such thing: a full answer, and in no share. */
  readonly absent: number;
  /** Probes that failed: how many fields they would have had is not known. */
  readonly failedProbes: readonly string[];
  /** Basis points of the fields that are known, of all but the absent. */
  readonly knownBp: number;
}

const KIND: Readonly<Record<Source, 'measured' | 'told' | 'estimated'>> = {
  measured: 'measured',
  kernel: 'told',
  driver: 'told',
  firmware: 'told',
  datasheet: 'estimated',
  estimated: 'estimated',
};

export function measureConfidence(outcomes: Outcomes): Confidence {
  const counts = { measured: 0, told: 0, estimated: 0, unknown: 0, absent: 0 };
  const failedProbes: string[] = [];
  for (const [name, outcome] of Object.entries(outcomes)) {
    if (outcome === undefined) continue;
    if (outcome.kind === 'failed') failedProbes.push(name);
    if (outcome.kind !== 'found') continue;
    forEachFact(outcome.value, (f) => {
      if (f.known) counts[KIND[f.source]]++;
      else if (f.reason === 'absent') counts.absent++;
      else counts.unknown++;
    });
  }
  const known = counts.measured + counts.told + counts.estimated;
  const all = known + counts.unknown;
  const knownBp = all === 0 ? 0 : Math.floor((known * 10_000) / all);
  return { ...counts, failedProbes: failedProbes.sort(), knownBp };
}

export type AnyFact =
  | { readonly known: true; readonly value: unknown; readonly source: Source }
  | { readonly known: false; readonly reason: UnknownReason };

/** Probe values nest a handful of levels; more is a cycle, which none has. */
const DEPTH_MAX = 16;

function forEachFact(value: unknown, visit: (f: AnyFact) => void, depth = 0): void {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return;
  if (isFact(value)) {
    visit(value);
    return;
  }
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    forEachFact(inner, visit, depth + 1);
  }
}

export function isFact(value: object): value is AnyFact {
  if (!('known' in value) || typeof value.known !== 'boolean') return false;
  return value.known ? 'value' in value && 'source' in value : 'reason' in value;
}
