import type { TimeMs } from '../../base/units.ts';
import type { State } from '../../engine/state.ts';
import type { QuotaList } from '../contract/queue-documents.ts';
import { usageDocument } from './queues.ts';

/** Every account of every quota: what was used and is reserved of what limit. */
export function quotaList(state: State, now: TimeMs): QuotaList {
  const kept = state.storage?.accounts() ?? [];
  const accounts = state.quotas?.accounts(now) ?? [];
  return {
    now,
    quotas: accounts.map(({ quota, tenant, used, reserved, from, resetsAt }) => ({
      name: quota.name,
      queue: quota.queue ?? null,
      tenant: tenant ?? null,
      each: quota.each && quota.tenant === undefined,
      window: {
        kind: quota.window.kind,
        length_ms: quota.window.kind === 'rolling' ? quota.window.lengthMs : null,
        from: from <= 0 ? null : from,
      },
      when_exhausted: quota.whenExhausted,
      used: usageDocument(used),
      reserved: usageDocument(reserved),
      limit: usageDocument(quota.limit),
      resets_at: resetsAt ?? null,
    })),
    storage: kept.map(({ quota, tenant, used }) => ({
      name: quota.name,
      tenant: tenant ?? null,
      used_bytes: used,
      limit_bytes: quota.limit,
    })),
  };
}
