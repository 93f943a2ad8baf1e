import type { TimeMs } from '../base/units.ts';
import type { QueueName, TenantId } from '../model/ids.ts';
import type { Refusal } from '../model/refusal.ts';
import type { SubmissionLimit } from '../model/scheduling-config.ts';
import { windowAt } from './quota-window.ts';

/** How often one limit was drawn on: by one tenant, or by all that it counts together. */
export interface SavedSubmissions {
  readonly limit: string;
  readonly tenant: TenantId | null;
  /** Submissions by the start of their slice of the window, oldest first. */
  readonly slices: readonly (readonly [start: number, count: number])[];
}

/** Who submits, and to which queue. */
export interface Submitter {
  readonly tenant: TenantId;
  readonly queue: QueueName;
}

const NONE: readonly never[] = [];

interface Account {
  active: number;
  readonly slices: Map<number, number>;
}

/**
 * How many workloads tenants have at once, and how many they submit in a period. Derived: told of every
 * submission and every end. Leases are not counted: they are asked for by programs, many a minute.
 */
export class SubmissionBook {
  readonly #limits: readonly SubmissionLimit[];
  readonly #members: readonly (ReadonlySet<TenantId> | undefined)[];
  readonly #except: readonly ReadonlySet<TenantId>[];
  readonly #queues: readonly (ReadonlySet<QueueName> | undefined)[];
  readonly #accounts: readonly Map<TenantId | null, Account>[];

  constructor(limits: readonly SubmissionLimit[]) {
    this.#limits = limits;
    this.#members = limits.map(({ tenants }) => tenants && new Set(tenants));
    this.#except = limits.map(({ except }) => new Set(except));
    this.#queues = limits.map(({ queues }) => queues && new Set(queues));
    this.#accounts = limits.map(() => new Map());
  }

  /** Why the tenant may not submit one more at `at`: the first limit that is reached. */
  refusal(who: Submitter, at: TimeMs): Refusal | undefined {
    const { tenant } = who;
    for (const [index, limit] of this.#counting(who)) {
      const account = this.#accounts[index]!.get(limit.each ? tenant : null);
      const about = { limit: limit.name, ...(limit.each && { tenant }) };
      const active = account?.active ?? 0;
      if (active >= limit.active) {
        return { code: 'too-many-active', ...about, active, max: limit.active };
      }
      if (limit.submitted === undefined) continue;
      const { from, to } = windowAt(limit.submitted.window, at);
      const submitted = account === undefined ? 0 : since(account, from);
      if (submitted < limit.submitted.max) continue;
      const { max } = limit.submitted;
      return { code: 'too-many-submitted', ...about, submitted, max, resetsAt: to };
    }
    return undefined;
  }

  /** One was submitted at `at`; −1: one that was counted then is taken back. */
  submitted(who: Submitter, at: TimeMs, sign: 1 | -1 = 1): void {
    for (const [index, limit] of this.#counting(who)) {
      const account = this.#account(index, limit.each ? who.tenant : null);
      if (limit.submitted === undefined) continue;
      const { from, slice } = windowAt(limit.submitted.window, at);
      const count = (account.slices.get(slice) ?? 0) + sign;
      if (count > 0) account.slices.set(slice, count);
      else account.slices.delete(slice);
      for (const start of account.slices.keys()) if (start < from) account.slices.delete(start);
    }
  }

  /** A workload of the tenant is there, or has ended. */
  count(who: Submitter, sign: 1 | -1): void {
    for (const [index, limit] of this.#counting(who)) {
      this.#account(index, limit.each ? who.tenant : null).active += sign;
    }
  }

  /** What was submitted; who is active is counted again from what is there. */
  save(): SavedSubmissions[] {
    return this.#limits.flatMap((limit, index) => {
      const accounts = [...this.#accounts[index]!].filter(([, { slices }]) => slices.size > 0);
      accounts.sort(([a], [b]) => ((a ?? '') < (b ?? '') ? -1 : 1));
      return accounts.map(([tenant, { slices }]) => {
        const sorted = [...slices].sort(([a], [b]) => a - b);
        return { limit: limit.name, tenant, slices: sorted };
      });
    });
  }

  /** Of limits that the site no longer has nothing is kept. */
  restore(saved: readonly SavedSubmissions[]): void {
    for (const { limit, tenant, slices } of saved) {
      const index = this.#limits.findIndex(({ name }) => name === limit);
      if (index < 0) continue;
      const account = this.#account(index, tenant);
      for (const [start, count] of slices) account.slices.set(start, count);
    }
  }

  #counting({
    tenant,
    queue,
  }: Submitter): readonly (readonly [index: number, limit: SubmissionLimit])[] {
    if (this.#limits.length === 0) return NONE;
    return [...this.#limits.entries()].filter(
      ([index]) =>
        (this.#members[index]?.has(tenant) ?? true) &&
        !this.#except[index]!.has(tenant) &&
        (this.#queues[index]?.has(queue) ?? true),
    );
  }

  #account(index: number, key: TenantId | null): Account {
    const accounts = this.#accounts[index]!;
    let account = accounts.get(key);
    if (account === undefined) {
      account = { active: 0, slices: new Map() };
      accounts.set(key, account);
    }
    return account;
  }
}

function since({ slices }: Account, from: number): number {
  let sum = 0;
  for (const [start, count] of slices) if (start >= from) sum += count;
  return sum;
}
