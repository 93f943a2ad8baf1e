import { execFile } from 'node:child_process';
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

const LOOK_EVERY_MS = 2000;
const LOOK_MS = 60_000;
const MIB = 1024 * 1024;

export interface ScratchFoldersOptions {
  readonly stateDir: string;
  readonly stop: (attempt: AttemptId) => void;
  readonly warn: (message: string) => void;
}

/** What is kept beside the folder, so that a later daemon knows it, too. */
const agreedForm = z.object({
  /** Absent where it has no scratch, but volumes. */
  cleanup: z.enum(['immediate', 'on-success', 'never']).optional(),
  /** Folders that are not to grow beyond their sizes. */
  watched: z.array(z.object({ what: z.string(), path: z.string(), sizeMax: z.number() })),
});
type Agreed = z.output<typeof agreedForm>;
type Watched = Agreed['watched'][number];

/**
 * Scratch folders of attempts: STATE/scratch/<attempt>/data, with what was agreed beside it. What is in them
 * is measured every few seconds, and who outgrew its size is ended: file systems with quotas of their own
 * are not used yet.
 */
export class ScratchFolders {
  readonly #options: ScratchFoldersOptions;
  readonly #root: string;
  readonly #agreed = new Map<AttemptId, Agreed>();
  #looking: Promise<void> | undefined;
  #shut = false;

  constructor(options: ScratchFoldersOptions) {
    this.#options = options;
    this.#root = join(options.stateDir, 'scratch');
  }

  make(
    attempt: AttemptId,
    { scratch, volumes }: StorageTerms,
    mounts: readonly VolumeMount[],
  ): { readonly path: string; readonly term: TermEnforcement } {
    const path = join(this.#root, attempt, 'data');
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const size = scratch?.size ?? 0;
    this.#agree(attempt, {
      cleanup: scratch?.cleanup,
      watched: [{ what: 'scratch', path, sizeMax: size }, ...watchedVolumes(volumes, mounts)],
    });
    const note = `${mebibytes(size)}, measured every ${LOOK_EVERY_MS / 1000} s; cleanup ${scratch?.cleanup}`;
    return { path, term: { term: 'scratch', by: 'accounting', note } };
  }

  watchVolumes(
    attempt: AttemptId,
    volumes: readonly VolumeUse[],
    mounts: readonly VolumeMount[],
  ): void {
    mkdirSync(join(this.#root, attempt), { recursive: true, mode: 0o700 });
    this.#agree(attempt, { cleanup: undefined, watched: watchedVolumes(volumes, mounts) });
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
        : { ...end, cause: 'failed', message: exceeded };
    if (isOver(agreed, told.cause === 'succeeded')) await this.#remove(folder);
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
      if (isOver(agreed, succeeded)) await this.#remove(join(this.#root, attempt));
    }
    this.#look();
  }

  shut(): void {
    this.#shut = true;
  }

  #agree(attempt: AttemptId, agreed: Agreed): void {
    writeFileSync(join(this.#root, attempt, 'agreed.json'), JSON.stringify(agreed), {
      mode: 0o600,
    });
    this.#agreed.set(attempt, agreed);
    this.#look();
  }

  async #remove(folder: string): Promise<void> {
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
          if (used !== undefined && used > one.sizeMax) this.#end(attempt, one, used);
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
    if (readAgreed(folder).cleanup !== 'never') rmSync(folder, { recursive: true, force: true });
  }
}

const watchedVolumes = (volumes: readonly VolumeUse[], mounts: readonly VolumeMount[]): Watched[] =>
  volumes.flatMap(({ name, size }, i) => {
    const path = mounts[i]?.source;
    return path === undefined ? [] : [{ what: `the volume ${name}`, path, sizeMax: size }];
  });

const isOver = ({ cleanup }: Agreed, succeeded: boolean): boolean =>
  cleanup === undefined || cleanup === 'immediate' || (cleanup === 'on-success' && succeeded);

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / MIB)} MiB`;

/** Undefined where it cannot be told, as when it is going away. */
async function diskUse(path: string): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)('du', ['-skx', path], { timeout: LOOK_MS });
    return Number.parseInt(stdout, 10) * 1024;
  } catch {
    return undefined;
  }
}
