import { createHash } from 'node:crypto';
import { lstat, mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { AttemptEnd } from '../../../model/attempt.ts';
import type { AttemptId } from '../../../model/ids.ts';
import type { AttemptStart, CacheAsk, Report } from '../../../runtime/ports.ts';
import { keyMaterial } from '../../cache-key.ts';
import { unlessAbsent } from './attempt-folder.ts';
import type { CacheEntry, CacheStore } from './cache-store.ts';
import { contentDigest } from './content-digest.ts';
import type { LocalDriver } from './driver.ts';
import { driverAround } from './driver-around.ts';

interface Asked {
  readonly key: string;
  readonly ask: CacheAsk;
  /** Absolute. */
  readonly artefacts: readonly string[];
}

/**
 * Tasks whose result may be taken from where an earlier one is kept: then nothing is started, what it made is put
 * back, and the attempt has succeeded. What goes wrong with that is warned of, and the task runs as any other.
 */
export class CachedTasks {
  readonly #store: CacheStore;
  readonly #onReport: (report: Report) => void;
  readonly #warn: (message: string) => void;
  /** Looked up now; `true` for one that was told to stop meanwhile. */
  readonly #looking = new Map<AttemptId, boolean>();
  /** They run, and what they come to is kept. */
  readonly #running = new Map<AttemptId, Asked>();

  constructor(
    store: CacheStore,
    deps: {
      readonly onReport: (report: Report) => void;
      readonly warn: (message: string) => void;
    },
  ) {
    this.#store = store;
    this.#onReport = deps.onReport;
    this.#warn = deps.warn;
  }

  around(driver: LocalDriver): LocalDriver {
    return driverAround(driver, {
      start: (start) => {
        const { attempt, cache } = start;
        // What is put back belongs to the daemon's user, and would be of no use to another one.
        if (cache === undefined || start.execution?.isolation?.user !== undefined) {
          driver.start(start);
        } else if (!this.#looking.has(attempt)) {
          this.#looking.set(attempt, false);
          void this.#begin(driver, start, cache);
        }
      },
      stop: (attempt, ...how) => {
        if (this.#looking.has(attempt)) this.#looking.set(attempt, true);
        else driver.stop(attempt, ...how);
      },
    });
  }

  /** What the driver reports: a result is kept before anybody hears of it. */
  hear(report: Report): void {
    const asked = report.kind === 'ended' ? this.#running.get(report.attempt) : undefined;
    if (report.kind !== 'ended' || asked === undefined) {
      this.#onReport(report);
      return;
    }
    this.#running.delete(report.attempt);
    void this.#keep(report.attempt, report.end, asked).then(() => this.#onReport(report));
  }

  async #begin(driver: LocalDriver, start: AttemptStart, ask: CacheAsk): Promise<void> {
    const { attempt } = start;
    const found = await this.#find(start, ask);
    const isStopped = this.#looking.get(attempt) === true;
    this.#looking.delete(attempt);
    const nothing = {
      usage: {},
      enforced: { ...driver.enforcement, cpu: 'none', memory: 'none', pids: 'none', notes: [] },
    } as const;
    if (isStopped) {
      this.#running.delete(attempt);
      const message = 'It was stopped before it was started.';
      this.#onReport({ kind: 'ended', attempt, end: { cause: 'cancelled', ...nothing, message } });
    } else if (found === undefined) driver.start(start);
    else {
      const { outputs, at } = found;
      const end: AttemptEnd = {
        cause: 'succeeded',
        ...nothing,
        ...(outputs && { outputs }),
        cachedFrom: { attempt: found.attempt, at },
      };
      this.#onReport({ kind: 'ended', attempt, end });
    }
  }

  /** The result, once all that it made is put back. Never rejects. */
  async #find(start: AttemptStart, ask: CacheAsk): Promise<CacheEntry | undefined> {
    try {
      await mkdir(start.workdir, { recursive: true, mode: 0o700 });
      const artefacts = await artefactPaths(start, ask);
      const asked = { key: await keyOf(start, ask), ask, artefacts };
      const entry = await this.#store.take(asked.key);
      if (entry !== undefined && (await this.#putBack(entry, start, artefacts))) return entry;
      this.#running.set(start.attempt, asked);
    } catch (error) {
      this.#warn(`the result of ${start.attempt} is neither looked up nor kept: ${error}`);
    }
    return undefined;
  }

  async #putBack(
    entry: CacheEntry,
    start: AttemptStart,
    artefacts: readonly string[],
  ): Promise<boolean> {
    const copies: string[] = [];
    try {
      for (const [i, path] of artefacts.entries()) {
        await makeParents(path, await rootOf(start, path));
        const copy = `${path}.berth-${start.attempt}`;
        copies.push(copy);
        await rm(copy, { recursive: true, force: true });
        await this.#store.copyOut(entry, i, copy);
      }
      for (const [i, path] of artefacts.entries()) {
        await rm(path, { recursive: true, force: true });
        await rename(copies[i]!, path);
      }
      return true;
    } catch (error) {
      this.#warn(`the result of ${entry.attempt} cannot be put back, and goes: ${error}`);
      await this.#store.drop(entry.key);
      return false;
    } finally {
      for (const copy of copies) await rm(copy, { recursive: true, force: true });
    }
  }

  async #keep(attempt: AttemptId, end: AttemptEnd, { key, ask, artefacts }: Asked): Promise<void> {
    if (end.cause !== 'succeeded') return;
    try {
      const kept = await this.#store.put(key, {
        attempt,
        ...(ask.sharedBy === 'tenant' && { tenant: ask.tenant }),
        ttlMs: ask.ttlMs,
        ...(end.outputs && { outputs: end.outputs }),
        artefacts,
      });
      if (kept === undefined) {
        this.#warn(
          `the result of ${attempt} is not kept: an artefact is missing, or it is too large`,
        );
      }
    } catch (error) {
      this.#warn(`the result of ${attempt} is not kept: ${error}`);
    }
  }
}

async function keyOf(start: AttemptStart, ask: CacheAsk): Promise<string> {
  const inputs: [string, string | null][] = [];
  for (const path of ask.inputs) {
    inputs.push([path, (await contentDigest(resolve(start.cwd, path))) ?? null]);
  }
  const facts = { inputs, code: await codeOf(start) };
  return createHash('sha256')
    .update(keyMaterial(start, ask, facts))
    .digest('hex');
}

/** The program that is found by its PATH, and each argument that names a file. */
async function codeOf({ run, env, cwd }: AttemptStart): Promise<[string, string][]> {
  if (run.kind !== 'argv') return [];
  const found: [string, string][] = [];
  const [program = ''] = run.argv;
  for (const [i, argument] of run.argv.entries()) {
    const paths =
      i === 0 && !program.includes('/')
        ? (env['PATH'] ?? '').split(':').map((folder) => join(folder, program))
        : [resolve(cwd, argument)];
    for (const path of paths) {
      // Most arguments are no paths, and some could not be any.
      const isFile = (await stat(path).catch(() => undefined))?.isFile() === true;
      if (!isFile) continue;
      found.push([argument, (await contentDigest(await realpath(path)))!]);
      break;
    }
  }
  return found;
}

/** @throws where one does not lie in a folder that is the task's own. */
async function artefactPaths(start: AttemptStart, ask: CacheAsk): Promise<string[]> {
  const paths = ask.artefacts.map((path) => resolve(start.cwd, path));
  for (const path of paths) await rootOf(start, path);
  return paths;
}

/** The folder of the task's own that the path lies in. */
async function rootOf({ workdir, cwd }: AttemptStart, path: string): Promise<string> {
  for (const root of [workdir, cwd]) {
    if (isAbsolute(root) && root !== '/' && path.startsWith(`${root}${sep}`)) return root;
  }
  throw new Error(`${path} is not in the working folder`);
}

/** Through no link: a task may have made one that leads out of its folder. */
async function makeParents(path: string, root: string): Promise<void> {
  let at = root;
  for (const part of relative(root, dirname(path)).split(sep)) {
    if (part === '') continue;
    at = join(at, part);
    const found = await lstat(at).catch(unlessAbsent);
    if (found === undefined) await mkdir(at, { mode: 0o700 });
    else if (!found.isDirectory()) throw new Error(`${at} is not a folder`);
  }
}
