import type { Bytes } from '../base/units.ts';
import type { TenantId } from '../model/ids.ts';
import type { Refusal } from '../model/refusal.ts';
import type { StorageQuota, StorageUse } from '../model/scheduling-config.ts';

/** One account as of the last measurement. */
export interface StorageReading {
  readonly quota: StorageQuota;
  readonly tenant: TenantId | undefined;
  readonly used: number;
}

/** A change by less than this part of a quota is not worth a fact. */
const PARTS = 100;

/**
 * How much tenants keep on disks against what they may, as it was measured last. Who keeps as much as he may, or
 * more, starts nothing new; what runs is left alone. Derived: told of measurements only.
 */
export class StorageBook {
  readonly #quotas: readonly {
    readonly quota: StorageQuota;
    readonly members: ReadonlySet<TenantId> | undefined;
    readonly except: ReadonlySet<TenantId>;
  }[];
  #used: ReadonlyMap<TenantId, Bytes> = new Map();

  constructor(quotas: readonly StorageQuota[]) {
    this.#quotas = quotas.map((quota) => ({
      quota,
      members: quota.tenants && new Set(quota.tenants),
      except: new Set(quota.except),
    }));
  }

  /** Undefined where nobody is held to any. */
  static of(quotas: readonly StorageQuota[] = []): StorageBook | undefined {
    return quotas.length === 0 ? undefined : new StorageBook(quotas);
  }

  governs(tenant: TenantId): boolean {
    return this.#counting(tenant).length > 0;
  }

  /** Why the tenant may start nothing. */
  refusal(tenant: TenantId): Refusal | undefined {
    for (const { quota, members } of this.#counting(tenant)) {
      const used = quota.each ? usedBy(this.#used, tenant) : sumOf(this.#used, members);
      if (used < quota.limit) continue;
      const { name, limit } = quota;
      return { code: 'storage-quota', quota: name, ...(quota.each && { tenant }), used, limit };
    }
    return undefined;
  }

  /** Whether a measurement says anything new: another answer for somebody, or figures that people would notice. */
  isNews(measured: readonly StorageUse[]): boolean {
    const now = usesOf(measured);
    return this.#readings(now).some(({ quota, tenant, used }) => {
      const before = this.#usedOf(this.#used, quota, tenant);
      const turned = used >= quota.limit !== before >= quota.limit;
      return turned || Math.abs(used - before) * PARTS >= Math.max(1, quota.limit);
    });
  }

  measured(uses: readonly StorageUse[]): void {
    this.#used = usesOf(uses);
  }

  /** Every account; of a quota for each tenant those of whom anything is kept. As the quotas are, then by tenant. */
  accounts(): StorageReading[] {
    return this.#readings(this.#used);
  }

  save(): StorageUse[] {
    return [...this.#used].map(([tenant, bytes]) => ({ tenant, bytes })).sort(byTenant);
  }

  #readings(now: ReadonlyMap<TenantId, Bytes>): StorageReading[] {
    const known = [...this.#used.keys(), ...now.keys()];
    return this.#quotas.flatMap(({ quota, members, except }): StorageReading[] => {
      if (!quota.each) return [{ quota, tenant: undefined, used: sumOf(now, members) }];
      const all = [...new Set([...known, ...(members ?? [])])].sort();
      const counted = all.filter((one) => (members?.has(one) ?? true) && !except.has(one));
      return counted.map((tenant) => ({ quota, tenant, used: usedBy(now, tenant) }));
    });
  }

  #usedOf(
    uses: ReadonlyMap<TenantId, Bytes>,
    quota: StorageQuota,
    tenant: TenantId | undefined,
  ): number {
    if (tenant !== undefined) return usedBy(uses, tenant);
    return sumOf(uses, this.#quotas.find((one) => one.quota === quota)!.members);
  }

  #counting(tenant: TenantId) {
    return this.#quotas.filter(
      ({ members, except }) => (members?.has(tenant) ?? true) && !except.has(tenant),
    );
  }
}

const usesOf = (uses: readonly StorageUse[]): ReadonlyMap<TenantId, Bytes> =>
  new Map(uses.map(({ tenant, bytes }) => [tenant, bytes]));

const usedBy = (uses: ReadonlyMap<TenantId, Bytes>, tenant: TenantId): number =>
  uses.get(tenant) ?? 0;

function sumOf(
  uses: ReadonlyMap<TenantId, Bytes>,
  members: ReadonlySet<TenantId> | undefined,
): number {
  let sum = 0;
  for (const [tenant, bytes] of uses) if (members?.has(tenant) ?? true) sum += bytes;
  return sum;
}

const byTenant = (a: StorageUse, b: StorageUse): number => (a.tenant < b.tenant ? -1 : 1);
