import {
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { SpanMs, TimeMs } from '../../../base/units.ts';
import type { FlowValue } from '../../../model/flow.ts';
import type { AttemptId, TenantId } from '../../../model/ids.ts';
import { unlessAbsent } from './attempt-folder.ts';
import { contentDigest } from './content-digest.ts';

/** Of all results that are kept; who was used longest ago goes first. */
const BYTES_MAX = 10 * 1024 ** 3;
const ENTRIES_MAX = 100_000;

const time = z
  .int()
  .nonnegative()
  .transform((at) => at as TimeMs);
const entryForm = z.strictObject({
  attempt: z.string().transform((id) => id as AttemptId),
  /** Undefined: everybody may have it. */
  tenant: z
    .string()
    .transform((id) => id as TenantId)
    .exactOptional(),
  at: time,
  expiresAt: time,
  outputs: z.record(z.string(), z.json()).exactOptional(),
  /** Of the files under `files/`, in the order in which they were named: so that nothing damaged is put back. */
  digests: z.array(z.string()),
  bytes: z.int().nonnegative(),
});

export interface CacheEntry {
  readonly key: string;
  readonly attempt: AttemptId;
  readonly tenant?: TenantId;
  readonly at: TimeMs;
  readonly expiresAt: TimeMs;
  readonly usedAt: TimeMs;
  readonly outputs?: Readonly<Record<string, FlowValue>>;
  readonly digests: readonly string[];
  readonly bytes: number;
}

/** What is to be kept of a task that succeeded. */
export interface Keeping {
  readonly attempt: AttemptId;
  readonly tenant?: TenantId;
  readonly ttlMs: SpanMs;
  readonly outputs?: Readonly<Record<string, FlowValue>>;
  /** Absolute paths of what it made. */
  readonly artefacts: readonly string[];
}

export async function openCacheStore(options: {
  /** The state folder. */
  readonly dir: string;
  readonly now: () => TimeMs;
  readonly bytesMax?: number;
  readonly warn: (message: string) => void;
}): Promise<CacheStore> {
  const store = new CacheStore(options);
  await store.open();
  return store;
}

/**
 * Results by key: STATE/cache/entries/<key>/ with `entry.json` and `files/<n>`. An entry is made beside, and gets
 * its name when it is whole; what a crash left beside is taken away when the store is opened.
 */
export class CacheStore {
  readonly #entriesDir: string;
  readonly #newDir: string;
  readonly #now: () => TimeMs;
  readonly #bytesMax: number;
  readonly #warn: (message: string) => void;
  /** In the order of their use, the one that was used longest ago first. */
  readonly #entries = new Map<string, CacheEntry>();
  #bytes = 0;

  constructor(options: Parameters<typeof openCacheStore>[0]) {
    this.#entriesDir = join(options.dir, 'cache', 'entries');
    this.#newDir = join(options.dir, 'cache', 'new');
    this.#now = options.now;
    this.#bytesMax = options.bytesMax ?? BYTES_MAX;
    this.#warn = options.warn;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** The one that was used last first. */
  list(): readonly CacheEntry[] {
    return [...this.#entries.values()].reverse();
  }

  async open(): Promise<void> {
    await rm(this.#newDir, { recursive: true, force: true });
    await mkdir(this.#entriesDir, { recursive: true, mode: 0o700 });
    await mkdir(this.#newDir, { recursive: true, mode: 0o700 });
    const found: CacheEntry[] = [];
    for (const key of await readdir(this.#entriesDir)) {
      const entry = await this.#read(key);
      if (entry === undefined) await this.#remove(key);
      else found.push(entry);
    }
    for (const entry of found.sort((a, b) => a.usedAt - b.usedAt)) this.#enter(entry);
    await this.#evict(0);
  }

  /** What is kept under the key and not too old; it counts as used now. */
  async take(key: string): Promise<CacheEntry | undefined> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAt <= this.#now()) {
      await this.drop(key);
      return undefined;
    }
    this.#entries.delete(key);
    const usedAt = this.#now();
    this.#entries.set(key, { ...entry, usedAt });
    await utimes(join(this.#entriesDir, key, 'entry.json'), usedAt / 1000, usedAt / 1000);
    return entry;
  }

  /** Copies the `index`-th artefact to where nothing is yet. Rejects where it is not what was kept. */
  async copyOut({ key, digests }: CacheEntry, index: number, to: string): Promise<void> {
    await cp(join(this.#entriesDir, key, 'files', String(index)), to, copying);
    if ((await contentDigest(to)) !== digests[index])
      throw new Error(`what is kept of ${key} is damaged`);
  }

  /** Keeps it, all of it or nothing. Undefined where an artefact is missing, or it is larger than all may be. */
  async put(key: string, kept: Keeping): Promise<CacheEntry | undefined> {
    const { attempt, tenant, outputs, ttlMs } = kept;
    const made = join(this.#newDir, attempt);
    try {
      await rm(made, { recursive: true, force: true });
      await mkdir(join(made, 'files'), { recursive: true, mode: 0o700 });
      const digests: string[] = [];
      for (const [i, path] of kept.artefacts.entries()) {
        const copy = join(made, 'files', String(i));
        if ((await lstat(path).catch(unlessAbsent)) === undefined) return undefined;
        await cp(path, copy, copying);
        digests.push((await contentDigest(copy))!);
      }
      const at = this.#now();
      const bytes = await sizeOf(made);
      if (bytes > this.#bytesMax) return undefined;
      const fields = {
        attempt,
        ...(tenant !== undefined && { tenant }),
        at,
        expiresAt: Math.min(at + ttlMs, Number.MAX_SAFE_INTEGER) as TimeMs,
        ...(outputs && { outputs }),
        digests,
        bytes,
      };
      await writeFile(join(made, 'entry.json'), JSON.stringify(fields), { mode: 0o600 });
      await this.drop(key);
      await this.#evict(bytes);
      await rename(made, join(this.#entriesDir, key));
      const entry = { key, ...fields, usedAt: at };
      this.#enter(entry);
      return entry;
    } finally {
      await rm(made, { recursive: true, force: true });
    }
  }

  async drop(key: string): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    await this.#remove(key);
  }

  #enter(entry: CacheEntry): void {
    this.#entries.set(entry.key, entry);
    this.#bytes += entry.bytes;
  }

  async #evict(more: number): Promise<void> {
    for (const key of [...this.#entries.keys()]) {
      const fits = this.#bytes + more <= this.#bytesMax && this.#entries.size < ENTRIES_MAX;
      if (fits) return;
      await this.drop(key);
    }
  }

  /** Undefined for what is not an entry of ours, or is not whole. */
  async #read(key: string): Promise<CacheEntry | undefined> {
    if (!/^[0-9a-f]{64}$/.test(key)) return undefined;
    const path = join(this.#entriesDir, key, 'entry.json');
    try {
      const parsed = entryForm.parse(JSON.parse(await readFile(path, 'utf8')));
      return { key, ...parsed, usedAt: Math.floor((await stat(path)).mtimeMs) as TimeMs };
    } catch (error) {
      this.#warn(`what is kept under ${key} cannot be read, and goes: ${error}`);
      return undefined;
    }
  }

  async #remove(key: string): Promise<void> {
    await rm(join(this.#entriesDir, key), { recursive: true, force: true });
  }
}

/** Links stay links. */
const copying = {
  recursive: true,
  errorOnExist: true,
  force: false,
  verbatimSymlinks: true,
  preserveTimestamps: true,
} as const;

async function sizeOf(path: string): Promise<number> {
  const found = await lstat(path);
  if (!found.isDirectory()) return found.size;
  let sum = 0;
  for (const entry of await readdir(path)) sum += await sizeOf(join(path, entry));
  return sum;
}
