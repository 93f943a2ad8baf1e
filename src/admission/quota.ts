import type { TimeMs } from '../base/units.ts';
import type { QueueName, TenantId } from '../model/ids.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import type { QueueConfig, QuotaConfig, Usage } from '../model/scheduling-config.ts';
import { QuotaAccount, type SavedSlice } from './quota-account.ts';
import { windowAt } from './quota-window.ts';

/** What a quota asks about one attempt, or about all that a workload is known to need. */
export interface Charge {
  readonly queue: QueueName;
  readonly tenant: TenantId;
  /** What it asks for at once. */
  readonly request: Usage;
  /** What it will have used at most, when that is known; 0 where it is not. */
  readonly most: Usage;
}

export interface HeldSpan {
  readonly queue: QueueName;
  readonly tenant: TenantId;
  readonly request: Resources;
  readonly placedAt: TimeMs;
  /** The longest that it may run; UNLIMITED when not known. */
  readonly runMaxMs: number;
}

export interface SavedQuota {
  readonly quota: string;
  readonly tenant: TenantId | null;
  readonly slices: readonly SavedSlice[];
}

/** One account as of a moment: milli-CPU-seconds, MiB-seconds, milli-GPU-seconds. */
export interface QuotaReading {
  readonly quota: QuotaConfig;
  readonly tenant: TenantId | undefined;
  readonly used: Usage;
  /** What running tasks may still use. */
  readonly reserved: Usage;
  /** What was used from here on counts. */
  readonly from: number;
  /** When the next period begins, or the window moves on; undefined where no such time is known. */
  readonly resetsAt: number | undefined;
}

const NOTHING: Usage = { cpu: 0, memory: 0, gpu: 0 };

/**
 * Quotas over time: cpu-hours, memory-hours and GPU-hours over a period or a rolling window, charged by
 * what was held × time. A task starts only if what was used, what running tasks may still use and what it
 * may use itself stay within the limit, so that the limit holds whatever happens; only a task that outlives
 * the time that it was expected to run, or that says none, can pass it. Derived: told of every start and end.
 */
export class QuotaBook {
  readonly #quotas: readonly QuotaConfig[];
  readonly #queuesAbove = new Map<QueueName, ReadonlySet<QueueName>>();
  readonly #accounts = new Map<
    string,
    { quota: QuotaConfig; account: QuotaAccount; tenant: TenantId | undefined }
  >();

  constructor(quotas: readonly QuotaConfig[], root: QueueConfig) {
    this.#quotas = quotas;
    const visit = (queue: QueueConfig, above: readonly QueueName[]): void => {
      const path = [...above, queue.name];
      this.#queuesAbove.set(queue.name, new Set(path));
      for (const child of queue.children) visit(child, path);
    };
    visit(root, []);
  }

  governs(queue: QueueName, tenant: TenantId): boolean {
    return this.#quotas.some((quota) => this.#counts(quota, queue, tenant));
  }

  started(id: string, span: HeldSpan): void {
    for (const account of this.#accountsOf(span)) account.start(id, span);
  }

  ended(id: string, span: HeldSpan, at: TimeMs): void {
    for (const account of this.#accountsOf(span)) account.end(id, at);
  }

  /** Why an attempt may not start at `at`. */
  startRefusal(charge: Charge, at: TimeMs): Refusal | undefined {
    return this.#refusal(charge, at, () => true);
  }

  /** Why a workload may not be submitted: it needs more than a whole period allows, or than is left of one that refuses. */
  entryRefusal(charge: Charge, largest: Usage, at: TimeMs): Refusal | undefined {
    for (const quota of this.#quotas) {
      if (!this.#counts(quota, charge.queue, charge.tenant)) continue;
      for (const resource of ['cpu', 'memory', 'gpu'] as const) {
        if (largest[resource] <= quota.limit[resource]) continue;
        return this.#facts(quota, charge, resource, largest[resource], at);
      }
    }
    return this.#refusal(charge, at, (quota) => quota.whenExhausted === 'refuse');
  }

  /** When the first of the quotas starts afresh. */
  nextChange(at: TimeMs): TimeMs | undefined {
    let first: number | undefined;
    for (const { window } of this.#quotas) {
      const { to } = windowAt(window, at);
      if (to !== undefined && (first === undefined || to < first)) first = to;
    }
    return first as TimeMs | undefined;
  }

  /** Every account; of a quota that nobody has used yet, one that says so. Sorted as the quotas are, then by tenant. */
  accounts(at: TimeMs): QuotaReading[] {
    return this.#quotas.flatMap((quota) => {
      const { from, to: resetsAt } = windowAt(quota.window, at);
      const own = [...this.#accounts.values()].filter((account) => account.quota === quota);
      const window = { quota, from, resetsAt };
      if (own.length === 0) {
        return [{ ...window, tenant: quota.tenant, used: NOTHING, reserved: NOTHING }];
      }
      own.sort((a, b) => ((a.tenant ?? '') < (b.tenant ?? '') ? -1 : 1));
      return own.map(({ tenant, account }) => ({ ...window, tenant, ...account.read(at) }));
    });
  }

  /** Used and reserved in the window of `at`, for each account that has any. */
  read(
    at: TimeMs,
  ): { quota: string; tenant: TenantId | undefined; used: Usage; reserved: Usage }[] {
    return [...this.#accounts.values()].map(({ quota, tenant, account }) => {
      return { quota: quota.name, tenant, ...account.read(at) };
    });
  }

  save(): SavedQuota[] {
    const saved: SavedQuota[] = [];
    for (const { quota, tenant, account } of this.#accounts.values()) {
      const slices = account.save();
      if (slices.length > 0) saved.push({ quota: quota.name, tenant: tenant ?? null, slices });
    }
    return saved.sort((a, b) => (keyOf(a.quota, a.tenant) < keyOf(b.quota, b.tenant) ? -1 : 1));
  }

  restore(saved: readonly SavedQuota[]): void {
    for (const { quota: name, tenant, slices } of saved) {
      const quota = this.#quotas.find((other) => other.name === name);
      if (quota !== undefined) this.#account(quota, tenant ?? undefined).restore(slices);
    }
  }

  #refusal(
    charge: Charge,
    at: TimeMs,
    applies: (quota: QuotaConfig) => boolean,
  ): Refusal | undefined {
    for (const quota of this.#quotas) {
      if (!applies(quota) || !this.#counts(quota, charge.queue, charge.tenant)) continue;
      const account = this.#account(quota, this.#tenantOf(quota, charge.tenant));
      const short = account.short(charge, at);
      if (short !== undefined) return this.#facts(quota, charge, short, charge.most[short], at);
    }
    return undefined;
  }

  #facts(
    quota: QuotaConfig,
    charge: Charge,
    resource: keyof Usage,
    asked: number,
    at: TimeMs,
  ): Refusal {
    const tenant = this.#tenantOf(quota, charge.tenant);
    const { used, reserved } = this.#account(quota, tenant).read(at);
    return {
      code: 'quota',
      quota: quota.name,
      tenant,
      resource,
      used: used[resource],
      reserved: reserved[resource],
      asked,
      limit: quota.limit[resource],
      resetsAt: windowAt(quota.window, at).to,
    };
  }

  #accountsOf({ queue, tenant }: HeldSpan): QuotaAccount[] {
    const counting = this.#quotas.filter((quota) => this.#counts(quota, queue, tenant));
    return counting.map((quota) => this.#account(quota, this.#tenantOf(quota, tenant)));
  }

  #counts(quota: QuotaConfig, queue: QueueName, tenant: TenantId): boolean {
    if (quota.tenant !== undefined && quota.tenant !== tenant) return false;
    if (quota.except?.includes(tenant)) return false;
    return quota.queue === undefined || (this.#queuesAbove.get(queue)?.has(quota.queue) ?? false);
  }

  #tenantOf(quota: QuotaConfig, tenant: TenantId): TenantId | undefined {
    return quota.tenant ?? (quota.each ? tenant : undefined);
  }

  #account(quota: QuotaConfig, tenant: TenantId | undefined): QuotaAccount {
    const key = keyOf(quota.name, tenant ?? null);
    let found = this.#accounts.get(key);
    if (found === undefined) {
      found = { quota, tenant, account: new QuotaAccount(quota) };
      this.#accounts.set(key, found);
    }
    return found.account;
  }
}

const keyOf = (quota: string, tenant: TenantId | null): string => `${quota}\n${tenant ?? ''}`;
