import type { CacheCleared, CacheList } from '../api/contract/cache-documents.ts';
import type { CacheStore } from '../execution/io/local/cache-store.ts';
import type { TenantId } from '../model/ids.ts';

/** What is kept that somebody may have; of everybody, where nobody in particular asks. */
export function cacheList(store: CacheStore, tenant: TenantId | undefined, now: number): CacheList {
  const entries = store
    .list()
    .filter((entry) => tenant === undefined || [undefined, tenant].includes(entry.tenant));
  return {
    now,
    bytes: store.bytes,
    max_bytes: store.bytesMax,
    entries: entries.map((entry) => ({
      key: entry.key,
      attempt: entry.attempt,
      tenant: entry.tenant ?? null,
      made_at: entry.at,
      used_at: entry.usedAt,
      expires_at: entry.expiresAt,
      bytes: entry.bytes,
    })),
  };
}

/** Of one tenant what only he may have; else all. */
export async function clearCache(
  store: CacheStore,
  tenant: TenantId | undefined,
): Promise<CacheCleared> {
  const going = store.list().filter((entry) => tenant === undefined || entry.tenant === tenant);
  for (const { key } of going) await store.drop(key);
  return { removed: going.length, bytes: going.reduce((sum, { bytes }) => sum + bytes, 0) };
}
