import { execFile } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { type Bytes, bytes } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { attemptOfName, unlessAbsent } from '../execution/io/local/attempt-folder.ts';
import type { VolumeUse } from '../model/execution-terms.ts';
import { parseAttemptId, type TenantId, type WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { StorageUse } from '../model/scheduling-config.ts';

const LOOK_EVERY_MS = 2000;
/** A look that takes long is followed by a rest that is so many times as long. */
const REST = 5;
const LOOK_MS_MAX = 60_000;
const OUTPUT_BYTES_MAX = 64 * 1024 ** 2;

export interface StorageWatchDeps {
  readonly stateDir: string;
  /** Folders that volumes of a class lie in. */
  readonly storageClasses: ReadonlyMap<string, string>;
  /** They are nobody's. */
  readonly siteVolumes: readonly VolumeUse[];
  readonly engine: Engine;
  /** What is kept of results that only one tenant may have. */
  readonly results: () => readonly { readonly tenant?: TenantId; readonly bytes: number }[];
  readonly tell: (used: readonly StorageUse[]) => Promise<unknown>;
  readonly warn: (message: string) => void;
}

/** Of what outlives the workload that says whose it is. */
const ownersForm = z.object({
  /** By CLASS/NAME: who used it first. */
  volumes: z.record(z.string(), z.string()),
  /** Of workloads that left scratch behind, or whose folder another run works in. */
  workloads: z.record(z.string(), z.string()),
});
type Owners = z.output<typeof ownersForm>;
type VolumeFolder = readonly [storageClass: string, folder: string];

/**
 * Measures what every tenant keeps on disks, as long as the site has quotas of that: scratch, working folders, logs,
 * volumes and kept results. Every two seconds at most, and with a fifth of its time at most.
 */
export class StorageWatch {
  readonly #deps: StorageWatchDeps;
  readonly #ownersFile: string;
  readonly #owners: Owners;
  /** Volumes whose folders were there. */
  readonly #seen: Set<string>;
  readonly #siteVolumes: ReadonlySet<string>;
  #saved: string;
  /** Why it could not be measured, as it was said last. */
  #problem = '';

  constructor(deps: StorageWatchDeps) {
    this.#deps = deps;
    this.#ownersFile = join(deps.stateDir, 'storage-owners.json');
    this.#siteVolumes = new Set(deps.siteVolumes.map(keyOf));
    this.#owners = readOwners(this.#ownersFile);
    // One of them may have been removed meanwhile.
    this.#seen = new Set(Object.keys(this.#owners.volumes));
    this.#saved = JSON.stringify(this.#owners);
  }

  /** A volume belongs to whose task used it first. */
  note(events: readonly Event[]): void {
    for (const event of events) {
      if (event.kind !== 'task-placed') continue;
      const task = this.#deps.engine.state.attempt(event.attempt)?.task;
      for (const volume of task?.step.spec.execution?.storage?.volumes ?? []) {
        const key = keyOf(volume);
        if (!this.#siteVolumes.has(key)) this.#owners.volumes[key] ??= task!.tenant;
      }
    }
  }

  /** Measures until the stack is closed, which waits for nothing: a disk may never answer. */
  open(stack: AsyncDisposableStack): void {
    const watching = new AbortController();
    void this.#watch(watching.signal);
    stack.defer(() => watching.abort());
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const began = performance.now();
      const problem = await this.look(signal).then(() => '', String);
      if (signal.aborted) return;
      if (problem !== '' && problem !== this.#problem) {
        this.#deps.warn(`what tenants keep on disks cannot be measured: ${problem}`);
      }
      this.#problem = problem;
      const tookMs = performance.now() - began;
      const rest = wait(Math.max(LOOK_EVERY_MS, tookMs * REST), undefined, { ref: false, signal });
      await rest.catch(() => {});
    }
  }

  /** Measures all of it once, and tells. Rejects where it is given up. */
  async look(signal: AbortSignal): Promise<void> {
    const sums = new Map<TenantId, number>();
    const add = (tenant: TenantId | undefined, size: number): void => {
      if (tenant !== undefined) sums.set(tenant, (sums.get(tenant) ?? 0) + size);
    };
    const { stateDir, results, tell } = this.#deps;
    const left: Record<string, string> = {};
    for (const [name, size] of await sizesIn(join(stateDir, 'work'), signal)) {
      const tenant = this.#tenantOf(name as WorkloadId);
      add(tenant, size);
      if (tenant !== undefined) left[name] = tenant;
    }
    for (const folder of ['scratch', 'attempts']) {
      for (const [name, size] of await sizesIn(join(stateDir, folder), signal)) {
        const attempt = attemptOfName(name);
        if (attempt === undefined) continue;
        const { workload } = parseAttemptId(attempt)!;
        const tenant = this.#tenantOf(workload);
        add(tenant, size);
        if (folder === 'scratch' && tenant !== undefined) left[workload] = tenant;
      }
    }
    this.#owners.workloads = left;
    for (const [storageClass, folder] of this.#volumeFolders()) {
      const sizes = new Map(await sizesIn(folder, signal));
      await this.#dropVolumes([storageClass, folder], sizes);
      for (const [name, size] of sizes) {
        add(this.#owners.volumes[`${storageClass}/${name}`] as TenantId | undefined, size);
      }
    }
    signal.throwIfAborted();
    for (const { tenant, bytes: size } of results()) add(tenant, size);
    this.#save();
    await tell([...sums].sort().map(([tenant, size]) => ({ tenant, bytes: bytes(size) as Bytes })));
  }

  #tenantOf(workload: WorkloadId): TenantId | undefined {
    const known = this.#deps.engine.state.workload(workload)?.tenant;
    const { workloads } = this.#owners;
    return (
      known ?? (Object.hasOwn(workloads, workload) ? (workloads[workload] as TenantId) : undefined)
    );
  }

  #volumeFolders(): readonly VolumeFolder[] {
    return [['', join(this.#deps.stateDir, 'volumes')], ...this.#deps.storageClasses];
  }

  /** One that is removed belongs to nobody any more. */
  async #dropVolumes(
    [storageClass, folder]: VolumeFolder,
    there: ReadonlyMap<string, number>,
  ): Promise<void> {
    for (const key of Object.keys(this.#owners.volumes)) {
      const [of = '', name = ''] = key.split('/');
      if (of !== storageClass) continue;
      if (there.has(name) || (await isThere(join(folder, name)))) this.#seen.add(key);
      else if (this.#seen.delete(key)) delete this.#owners.volumes[key];
    }
  }

  #save(): void {
    const text = JSON.stringify(this.#owners);
    if (text === this.#saved) return;
    writeFileSync(`${this.#ownersFile}.new`, text, { mode: 0o600 });
    renameSync(`${this.#ownersFile}.new`, this.#ownersFile);
    this.#saved = text;
  }
}

const keyOf = ({ name, storageClass = '' }: VolumeUse): string => `${storageClass}/${name}`;

/** What cannot be read was cut off while it was made: whose things are is found again where workloads still say so. */
function readOwners(file: string): Owners {
  try {
    return ownersForm.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return { volumes: {}, workloads: {} };
  }
}

const isThere = async (path: string): Promise<boolean> =>
  await access(path).then(
    () => true,
    (error: unknown) => unlessAbsent(error) ?? false,
  );

/** Bytes on the disk of each thing in a folder, which may be a link; none where there is no such folder. */
async function sizesIn(
  folder: string,
  signal: AbortSignal,
): Promise<readonly (readonly [string, number])[]> {
  if (!(await isThere(folder))) return [];
  const options = { timeout: LOOK_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX, signal };
  const { stdout } = await promisify(execFile)('du', ['-akxH', '-d', '1', folder], options).catch(
    (error: { readonly stdout?: string; readonly killed?: boolean }) => {
      // Something went away meanwhile: the rest was told.
      const isWhole = error.killed !== true && !signal.aborted;
      if (isWhole && error.stdout !== undefined && error.stdout !== '') {
        return { stdout: error.stdout };
      }
      throw error;
    },
  );
  return stdout.split('\n').flatMap((line) => {
    const [, kib, path = ''] = /^(\d+)\t(.+)$/.exec(line) ?? [];
    return path === '' || path === folder ? [] : [[basename(path), Number(kib) * 1024] as const];
  });
}
