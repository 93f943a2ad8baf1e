import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { AttemptEnd, TermEnforcement } from '../../../model/attempt.ts';
import type { StorageTerms, VolumeUse } from '../../../model/execution-terms.ts';
import type { AttemptId, WorkloadId } from '../../../model/ids.ts';
import { fieldOf, parseRecord } from '../../attempt-record.ts';
import type { VolumeMount } from '../../isolation-plan.ts';
import { asAttemptId } from '../../launcher-protocol.ts';
import { read } from './cgroup-files.ts';
import { clearQuota, holdToQuota, type QuotaOutcome } from './scratch-quota.ts';

const LOOK_EVERY_MS = 2000;
const LOOK_MS = 60_000;
/** A start that asks waits no longer for it. */
const START_MS = 5_000;
const MIB = 1024 * 1024;
/** Whoever has CAP_SYS_RESOURCE: tasks of root that are not isolated. */
const ROOT_IGNORES = 'the kernel holds no task of root to it that is not isolated';

export interface ScratchFoldersOptions {
  readonly stateDir: string;
  readonly stop: (attempt: AttemptId) => void;
  readonly warn: (message: string) => void;
}

/** Folders that others use, too. */
export interface SharedFolders {
  /** One for each volume. */
  readonly mounts: readonly VolumeMount[];
  readonly workdir: string;
}

/** What is kept beside the folder, so that a later daemon knows it, too. */
const agreedForm = z.object({
  /** Absent where it has no scratch, but volumes. */
  cleanup: z.enum(['immediate', 'on-success', 'never']).optional(),
  /** Of the file system's quota; absent where it holds none. */
  project: z.number().optional(),
  /** Folders that are not to grow beyond their sizes. */
  watched: z.array(z.object({ what: z.string(), path: z.string(), sizeMax: z.number() })),
});
type Agreed = z.output<typeof agreedForm>;
type Watched = Agreed['watched'][number];

/**
 * Scratch folders of attempts: STATE/scratch/<attempt>/data, with what was agreed beside it. Where the file
 * system has project quotas, it holds them to their sizes; in any case what is in them is measured every few
 * seconds, and who outgrew its size is ended.
 */
export class ScratchFolders {
  readonly #options: ScratchFoldersOptions;
  readonly #root: string;
  readonly #agreed = new Map<AttemptId, Agreed>();
  #looking: Promise<void> | undefined;
  /** Folders that were found larger than they may be, by path. */
  readonly #over = new Set<string>();
  /** Why the file system has no quotas, once that is known: asked again by the next daemon. */
  #noQuota: string | undefined;
  #shut = false;

  constructor(options: ScratchFoldersOptions) {
    this.#options = options;
    this.#root = join(options.stateDir, 'scratch');
  }

  make(
    attempt: AttemptId,
    storage: StorageTerms,
    folders: SharedFolders,
    ignoresQuotas: boolean,
  ): { readonly path: string; readonly term: TermEnforcement } {
    const path = join(this.#root, attempt, 'data');
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const { scratch } = storage;
    const size = scratch?.size ?? 0;
    const quota = ignoresQuotas ? { why: ROOT_IGNORES } : this.#quotaOf(path, size);
    this.#agree(attempt, {
      cleanup: scratch?.cleanup,
      ...('project' in quota && { project: quota.project }),
      watched: [{ what: 'scratch', path, sizeMax: size }, ...watchedShared(storage, folders)],
    });
    return { path, term: scratchTerm(size, scratch?.cleanup ?? 'immediate', quota) };
  }

  /** Of one without scratch. */
  watch(attempt: AttemptId, storage: StorageTerms, folders: SharedFolders): void {
    const watched = watchedShared(storage, folders);
    if (watched.length === 0) return;
    mkdirSync(join(this.#root, attempt), { recursive: true, mode: 0o700 });
    this.#agree(attempt, { cleanup: undefined, watched });
  }

  /** Why none may start with the volume: it is larger than it may be since it was measured last, and still is. */
  overUse({ name, size }: VolumeUse, path: string): string | undefined {
    if (!this.#over.has(path)) return undefined;
    const used = diskUseNow(path);
    if (used === undefined || used > size) {
      const held = used === undefined ? 'more than its size' : mebibytes(used);
      return `the volume ${name} holds ${held} of ${mebibytes(size)}: make room in ${path}, and try again`;
    }
    this.#over.delete(path);
    return undefined;
  }

  has(attempt: AttemptId): boolean {
    return this.#agreed.has(attempt);
  }

  async close(attempt: AttemptId, end: AttemptEnd): Promise<AttemptEnd> {
    const agreed = this.#agreed.get(attempt);
    if (agreed === undefined) return end;
    this.#agreed.delete(attempt);
    const folder = join(this.#root, attempt);
    const exceeded = read(join(folder, 'exceeded'));
    const told: AttemptEnd =
      exceeded === undefined || end.cause !== 'cancelled'
        ? end
        : { ...end, cause: 'disk-exceeded', message: exceeded };
    if (isOver(agreed, told.cause === 'succeeded')) await this.#remove(folder, agreed);
    return told;
  }

  async open(live: ReadonlySet<AttemptId>, ended: ReadonlySet<AttemptId>): Promise<void> {
    if (!existsSync(this.#root)) return;
    for (const name of readdirSync(this.#root)) {
      const attempt = asAttemptId(name);
      if (attempt === undefined) continue;
      const agreed = readAgreed(join(this.#root, attempt));
      if (live.has(attempt) || ended.has(attempt)) {
        this.#agreed.set(attempt, agreed);
        continue;
      }
      const path = join(this.#options.stateDir, 'attempts', `${attempt}.settled`);
      const { ended: last } = parseRecord(read(path) ?? '', attempt);
      const succeeded = last !== undefined && fieldOf(last, 'cause') === 'succeeded';
      if (isOver(agreed, succeeded)) await this.#remove(join(this.#root, attempt), agreed);
    }
    this.#look();
  }

  shut(): void {
    this.#shut = true;
  }

  #agree(attempt: AttemptId, agreed: Agreed): void {
    const folder = join(this.#root, attempt);
    try {
      writeFileSync(join(folder, 'agreed.json'), JSON.stringify(agreed), { mode: 0o600 });
    } catch (error) {
      // The disk is full: the attempt does not start, and nobody else knows of the folder.
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    this.#agreed.set(attempt, agreed);
    this.#look();
  }

  #quotaOf(path: string, size: number): QuotaOutcome {
    if (this.#noQuota !== undefined) return { why: this.#noQuota };
    const quota = holdToQuota(path, size);
    if ('why' in quota) this.#noQuota = quota.why;
    return quota;
  }

  async #remove(folder: string, { project }: Agreed): Promise<void> {
    if (project !== undefined) {
      const why = clearQuota(folder, project);
      if (why !== undefined) this.#options.warn(`the quota of ${folder} stays: ${why}`);
    }
    try {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      this.#options.warn(`${folder} could not be removed: ${error}`);
    }
  }

  #look(): void {
    if (this.#looking !== undefined || this.#agreed.size === 0) return;
    this.#looking = this.#lookOn().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookOn(): Promise<void> {
    while (!this.#shut && this.#agreed.size > 0) {
      await wait(LOOK_EVERY_MS, undefined, { ref: false });
      for (const [attempt, { watched }] of this.#agreed) {
        for (const one of watched) {
          if (this.#shut || !this.#agreed.has(attempt)) break;
          const used = await diskUse(one.path);
          if (used === undefined || used <= one.sizeMax) continue;
          if (one.what.startsWith('the volume ')) this.#over.add(one.path);
          this.#end(attempt, one, used);
        }
      }
    }
  }

  #end(attempt: AttemptId, { what, sizeMax }: Watched, used: number): void {
    const message = `It used ${mebibytes(used)} of ${mebibytes(sizeMax)} of ${what}, and was ended.`;
    try {
      writeFileSync(join(this.#root, attempt, 'exceeded'), message, { mode: 0o600 });
    } catch (error) {
      this.#options.warn(`${attempt}: ${message} It could not be noted: ${error}`);
    }
    this.#options.stop(attempt);
  }
}

/** What cannot be read was cut off while it was made: nothing is kept for it. */
function readAgreed(folder: string): Agreed {
  try {
    return agreedForm.parse(JSON.parse(readFileSync(join(folder, 'agreed.json'), 'utf8')));
  } catch {
    return { cleanup: 'immediate', watched: [] };
  }
}

/** What was kept for a look after a failure goes with the workload; what is kept for ever stays. */
export function forgetScratch(stateDir: string, workload: WorkloadId): void {
  const root = join(stateDir, 'scratch');
  if (!existsSync(root)) return;
  for (const name of readdirSync(root)) {
    if (!name.startsWith(`${workload}.`)) continue;
    const folder = join(root, name);
    const { cleanup, project } = readAgreed(folder);
    if (cleanup === 'never') continue;
    if (project !== undefined) clearQuota(folder, project);
    rmSync(folder, { recursive: true, force: true });
  }
}

function scratchTerm(
  size: number,
  cleanup: NonNullable<Agreed['cleanup']>,
  quota: QuotaOutcome,
): TermEnforcement {
  const [by, how] =
    'project' in quota
      ? (['kernel', `project quota ${quota.project}`] as const)
      : ([
          'accounting',
          `measured every ${LOOK_EVERY_MS / 1000} s (no quota: ${quota.why})`,
        ] as const);
  return { term: 'scratch', by, note: `${mebibytes(size)}, ${how}; cleanup ${cleanup}` };
}

function watchedShared(
  { volumes, workspace }: StorageTerms,
  { mounts, workdir }: SharedFolders,
): Watched[] {
  const ofVolumes = volumes.flatMap(({ name, size }, i) => {
    const path = mounts[i]?.source;
    return path === undefined ? [] : [{ what: `the volume ${name}`, path, sizeMax: size }];
  });
  if (workspace === undefined) return ofVolumes;
  return [...ofVolumes, { what: 'the working folder', path: workdir, sizeMax: workspace }];
}

const isOver = ({ cleanup }: Agreed, succeeded: boolean): boolean =>
  cleanup === undefined || cleanup === 'immediate' || (cleanup === 'on-success' && succeeded);

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / MIB)} MiB`;

/** While a start waits for it: only of a folder that was too large. */
function diskUseNow(path: string): number | undefined {
  try {
    const text = execFileSync('du', ['-skx', path], { encoding: 'utf8', timeout: START_MS });
    return Number.parseInt(text, 10) * 1024;
  } catch {
    return undefined;
  }
}

/** Undefined where it cannot be told, as when it is going away. */
async function diskUse(path: string): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)('du', ['-skx', path], { timeout: LOOK_MS });
    return Number.parseInt(stdout, 10) * 1024;
  } catch {
    return undefined;
  }
}
