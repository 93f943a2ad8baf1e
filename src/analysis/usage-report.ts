import type { UsageRecord } from './usage-ledger.ts';

export const usageKeys = ['pipeline', 'user', 'model', 'queue', 'node', 'step'] as const;
export type UsageKey = (typeof usageKeys)[number];

/** Sums over records. Held is what was given out × time; used is what was measured, where it was. */
export interface UsageSums {
  cpuMilliMs: number;
  memoryMibMs: number;
  gpuMilliMs: number;
  /** CPU time that attempts reported, and the held time of those that did. */
  cpuUsedMs: number;
  cpuKnownMilliMs: number;
  attempts: number;
  failures: number;
  waitMs: number;
  /** Micro-dollars. */
  charged: number;
  tokens: number;
  calls: number;
  /** Attempts and calls that held something without a known price. */
  unpriced: number;
}

export interface UsageRow {
  /** In the order of the keys that it is grouped by; undefined where a record has none. */
  readonly group: readonly (string | undefined)[];
  readonly sums: UsageSums;
}

/** Groups that are told apart; what comes later is in one for all others. */
const GROUPS_MAX = 10_000;
const OTHERS = '(others)';
const MIB = 1024 ** 2;

/** Adds up records by some of their keys. */
export class UsageReport {
  readonly #keys: readonly UsageKey[];
  readonly #rows = new Map<string, UsageRow>();
  readonly total: UsageSums = noSums();

  constructor(keys: readonly UsageKey[]) {
    this.#keys = keys;
  }

  add(record: UsageRecord): void {
    const group = this.#keys.map((key) => keyOf(record, key));
    const row = this.#row(group);
    addTo(row.sums, record);
    addTo(this.total, record);
  }

  /** What cost most comes first, then what held most CPU; then by name. */
  rows(): UsageRow[] {
    const name = ({ group }: UsageRow): string => JSON.stringify(group);
    return [...this.#rows.values()].sort(
      (a, b) =>
        b.sums.charged - a.sums.charged ||
        b.sums.cpuMilliMs - a.sums.cpuMilliMs ||
        (name(a) < name(b) ? -1 : 1),
    );
  }

  #row(group: readonly (string | undefined)[]): UsageRow {
    let key = JSON.stringify(group);
    const isNew = !this.#rows.has(key);
    const others = isNew && this.#rows.size >= GROUPS_MAX;
    const named = others ? this.#keys.map(() => OTHERS) : group;
    if (others) key = JSON.stringify(named);
    const row = this.#rows.get(key) ?? { group: named, sums: noSums() };
    this.#rows.set(key, row);
    return row;
  }
}

function keyOf(record: UsageRecord, key: UsageKey): string | undefined {
  if (key === 'step') return record.step?.id;
  return record[key];
}

export const noSums = (): UsageSums => ({
  cpuMilliMs: 0,
  memoryMibMs: 0,
  gpuMilliMs: 0,
  cpuUsedMs: 0,
  cpuKnownMilliMs: 0,
  attempts: 0,
  failures: 0,
  waitMs: 0,
  charged: 0,
  tokens: 0,
  calls: 0,
  unpriced: 0,
});

function addTo(sums: UsageSums, record: UsageRecord): void {
  const { placement, heldMs, end, charged, unpriced } = record;
  if (placement !== undefined) {
    const { cpu, memory, gpu } = placement.held;
    sums.cpuMilliMs += cpu * heldMs;
    sums.memoryMibMs += (memory / MIB) * heldMs;
    sums.gpuMilliMs += gpu * heldMs;
    if (end?.usage.cpuMs !== undefined) {
      sums.cpuUsedMs += end.usage.cpuMs;
      sums.cpuKnownMilliMs += cpu * heldMs;
    }
  }
  if (record.isNew) sums.attempts++;
  if (end !== undefined && isFailure(end.cause)) sums.failures++;
  sums.waitMs += record.waitMs;
  sums.charged += charged;
  sums.tokens += record.tokens;
  sums.calls += record.calls;
  if (unpriced.length > 0) sums.unpriced++;
}

/** Nobody wanted it to end so. */
const isFailure = (cause: string): boolean =>
  !['succeeded', 'cancelled', 'preempted', 'unstarted'].includes(cause);
