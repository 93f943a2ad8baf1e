import { z } from '@hono/zod-openapi';

const moment = z.int().describe('Milliseconds since 1970');

const cacheEntrySchema = z
  .object({
    key: z.string().describe('SHA-256 of all that the result depends on'),
    attempt: z.string().describe('That made it'),
    tenant: z.string().nullable().describe('Who may have it; null: everybody'),
    made_at: moment,
    used_at: moment,
    expires_at: moment,
    bytes: z.int(),
  })
  .openapi('CacheEntry');

/** What `cache list --json` and GET /api/v1/cache answer. */
export const cacheListSchema = z
  .object({
    now: moment,
    bytes: z.int().describe('Of all that is kept, whoever may have it'),
    max_bytes: z.int().describe('Beyond that, what was used longest ago goes'),
    entries: z.array(cacheEntrySchema).describe('The one that was used last first'),
  })
  .openapi('CacheList');

export const cacheClearedSchema = z
  .object({ removed: z.int(), bytes: z.int() })
  .openapi('CacheCleared');

export type CacheList = z.infer<typeof cacheListSchema>;
export type CacheCleared = z.infer<typeof cacheClearedSchema>;
