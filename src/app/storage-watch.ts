import { execFile } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { type Bytes, bytes } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { attemptOfName } from '../execution/io/local/attempt-folder.ts';
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
  /** Of workloads that left scratch behind. */
  workloads: z.record(z.string(), z.string()),
});
type Owners = z.output<typeof ownersForm>;

/**
 * Measures what every tenant keeps on disks, as long as the site has quotas of that: scratch, working folders, logs,
 * volumes and kept results. Every two seconds at most, and with a fifth of its time at most.
 */
export class StorageWatch {
  readonly #deps: StorageWatchDeps;
  readonly #ownersFile: string;
  readonly #owners: Owners;
  /** Volumes whose folders were there. */
  readonly #seen = new Set<string>();
  readonly #siteVolumes: ReadonlySet<string>;
  #saved: string;

  constructor(deps: StorageWatchDeps) {
    this.#deps = deps;
    this.#ownersFile = join(deps.stateDir, 'storage-owners.json');
    this.#siteVolumes = new Set(deps.siteVolumes.map(keyOf));
    this.#owners = readOwners(this.#ownersFile);
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

  /** Measures until the stack is closed. */
  open(stack: AsyncDisposableStack): void {
    const watching = new AbortController();
    const watched = this.#watch(watching.signal);
    stack.defer(() => {
      watching.abort();
      return watched;
    });
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const began = performance.now();
      await this.look().catch((error: unknown) =>
        this.#deps.warn(`what tenants keep on disks cannot be measured: ${error}`),
      );
      const tookMs = performance.now() - began;
      const rest = wait(Math.max(LOOK_EVERY_MS, tookMs * REST), undefined, { ref: false, signal });
      await rest.catch(() => {});
    }
  }

  /** Measures all of it once, and tells. */
  async look(): Promise<void> {
    const sums = new Map<TenantId, number>();
    const add = (tenant: TenantId | undefined, size: number): void => {
      if (tenant !== undefined) sums.set(tenant, (sums.get(tenant) ?? 0) + size);
    };
    const { stateDir, results, tell } = this.#deps;
    for (const [name, size] of await sizesIn(join(stateDir, 'work'))) {
      add(this.#tenantOf(name as WorkloadId), size);
    }
    const left: Record<string, string> = {};
    for (const folder of ['scratch', 'attempts']) {
      for (const [name, size] of await sizesIn(join(stateDir, folder))) {
        const attempt = attemptOfName(name);
        if (attempt === undefined) continue;
        const { workload } = parseAttemptId(attempt)!;
        const tenant = this.#tenantOf(workload);
        add(tenant, size);
        if (folder === 'scratch' && tenant !== undefined) left[workload] = tenant;
      }
    }
    this.#owners.workloads = left;
    this.#dropVolumes();
    for (const [storageClass, folder] of this.#volumeFolders()) {
      for (const [name, size] of await sizesIn(folder)) {
        add(this.#owners.volumes[`${storageClass}/${name}`] as TenantId | undefined, size);
      }
    }
    for (const { tenant, bytes: size } of results()) add(tenant, size);
    this.#save();
    await tell([...sums].sort().map(([tenant, size]) => ({ tenant, bytes: bytes(size) as Bytes })));
  }

  #tenantOf(workload: WorkloadId): TenantId | undefined {
    const known = this.#deps.engine.state.workload(workload)?.tenant;
    return known ?? (this.#owners.workloads[workload] as TenantId | undefined);
  }

  #volumeFolders(): readonly (readonly [storageClass: string, folder: string])[] {
    return [['', join(this.#deps.stateDir, 'volumes')], ...this.#deps.storageClasses];
  }

  /** One that is removed belongs to nobody any more. */
  #dropVolumes(): void {
    const folders = new Map(this.#volumeFolders());
    for (const key of Object.keys(this.#owners.volumes)) {
      const [storageClass = '', name = ''] = key.split('/');
      const folder = folders.get(storageClass);
      if (folder !== undefined && existsSync(join(folder, name))) this.#seen.add(key);
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

/** Bytes on the disk of each thing in a folder; none where there is no such folder. */
async function sizesIn(folder: string): Promise<readonly (readonly [string, number])[]> {
  if (!existsSync(folder)) return [];
  const options = { timeout: LOOK_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX };
  const { stdout } = await promisify(execFile)('du', ['-akx', '-d', '1', folder], options).catch(
    (error: { readonly stdout?: string; readonly killed?: boolean }) => {
      // Something went away meanwhile: the rest was told.
      if (error.killed !== true && error.stdout !== undefined && error.stdout !== '') {
        return { stdout: error.stdout };
      }
      throw error;
    },
  );
  return stdout.split('\n').flatMap((line) => {
    const [kib = '', path = ''] = line.split('\t');
    return path === '' || path === folder
      ? []
      : [[basename(path), Number.parseInt(kib, 10) * 1024] as const];
  });
}
