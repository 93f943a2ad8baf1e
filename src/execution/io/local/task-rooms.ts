import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { AttemptEnd, TermEnforcement } from '../../../model/attempt.ts';
import type { VolumeUse } from '../../../model/execution-terms.ts';
import { type AttemptId, parseAttemptId } from '../../../model/ids.ts';
import type { AttemptStart } from '../../../runtime/ports.ts';
import {
  type Account,
  type IsolationPlan,
  type IsolationSite,
  planIsolation,
  type VolumeMount,
  wantsMounts,
} from '../../isolation-plan.ts';
import { accountOf, openIsolationSite, rootEntries } from './open-isolation-site.ts';
import { outputFile } from './output-files.ts';
import { ScratchFolders } from './scratch-folders.ts';
import { taskDevices } from './task-devices.ts';
import { usageFile } from './usage-files.ts';

export interface TaskRoomsOptions {
  readonly stateDir: string;
  readonly instance: string;
  /** Folders of Berth's sockets outside the state folder. */
  readonly socketDirs: readonly string[];
  /** What a task that may call the daemon is told. */
  readonly access: (attempt: AttemptId) => Readonly<Record<string, string>> | undefined;
  /** Folders that volumes of a class lie in. */
  readonly storageClasses: ReadonlyMap<string, string>;
  /** Ends an attempt whose folders outgrew their size. */
  readonly stop: (attempt: AttemptId) => void;
  readonly warn: (message: string) => void;
}

export interface Room {
  readonly start: AttemptStart;
  readonly isolation: IsolationPlan | undefined;
  readonly terms: readonly TermEnforcement[];
}

/** What tasks have of the host for themselves: mounts, users, secrets, volumes, scratch. */
export class TaskRooms {
  readonly #options: TaskRoomsOptions;
  readonly #secretsDir: string;
  readonly #scratch: ScratchFolders;
  #site: IsolationSite | undefined;

  constructor(options: TaskRoomsOptions) {
    this.#options = options;
    this.#secretsDir = `/dev/shm/berth-${options.instance.slice(0, 8)}`;
    this.#scratch = new ScratchFolders(options);
  }

  /** Makes its folders. @returns what it starts with, or why it cannot. */
  prepare(start: AttemptStart): Room | { readonly why: string } {
    const { isolation: terms = {}, storage } = start.execution ?? {};
    const account = terms.user === undefined ? undefined : accountOf(terms.user);
    const volumes = this.#volumes(storage?.volumes ?? [], account);
    if ('why' in volumes) return volumes;
    const found: TermEnforcement[] = [];
    const folders = [start.workdir];
    if (start.outputs !== undefined) {
      const file = outputFile(join(this.#options.stateDir, 'attempts'), start.attempt);
      give(file, account);
      folders.push(file);
    }
    if (start.meters !== undefined) {
      const file = usageFile(this.#options.stateDir, parseAttemptId(start.attempt)!.workload);
      give(file, account);
      folders.push(file);
    }
    const told = start.env['BERTH_METRICS'];
    // Where mounts of its own hide it, or another user runs it, it must be there before.
    if (told !== undefined && start.execution?.isolation !== undefined) {
      writeFileSync(told, '', { flag: 'a', mode: 0o600 });
      give(told, account);
      folders.push(told);
    }
    let { env } = start;
    const shared = { mounts: volumes.mounts, workdir: start.workdir };
    if (storage?.scratch !== undefined) {
      const isWrapped = wantsMounts({ terms, volumes: volumes.mounts }) && this.#hasBubblewrap();
      const ignoresQuotas = process.getuid?.() === 0 && !isWrapped;
      const scratch = this.#scratch.make(start.attempt, storage, shared, ignoresQuotas);
      own(scratch.path, account);
      folders.push(scratch.path);
      found.push(scratch.term);
      env = { TMPDIR: scratch.path, ...env, BERTH_SCRATCH: scratch.path };
    } else if (storage !== undefined) this.#scratch.watch(start.attempt, storage, shared);
    if (terms.daemonAccess === true) {
      const access = this.#options.access(start.attempt);
      if (access === undefined) return { why: 'the daemon has no address that it could call' };
      env = { ...env, ...access };
    }
    const filed = terms.secrets?.some((use) => use.as === 'file') === true;
    const secrets = filed ? `${this.#secretsDir}/${start.attempt}` : undefined;
    if (secrets !== undefined) env = { ...env, BERTH_SECRETS: secrets };
    const plan = planIsolation(this.#openSite(), {
      terms,
      cwd: start.cwd,
      folders,
      volumes: volumes.mounts,
      rootEntries: needsRoot(volumes.mounts) ? rootEntries() : undefined,
      user: account,
      secrets,
      gpus: start.placement.gpus.length > 0,
      closed: (taskDevices(start.placement, start.execution, '')?.closed ?? []).map(
        ({ path }) => path,
      ),
    });
    if ('why' in plan) return plan;
    if (plan.wrap.length > 0) mkdirSync(this.#secretsDir, { recursive: true, mode: 0o711 });
    if (plan.account !== '' && account !== undefined) {
      if (start.workdir.startsWith(`${this.#options.stateDir}/`)) own(start.workdir, account);
      env = { HOME: account.home, USER: account.name, LOGNAME: account.name, ...env };
    }
    env = { ...env, ...volumeEnvironment(storage?.volumes ?? [], volumes.mounts, plan) };
    return { start: { ...start, env }, isolation: plan, terms: [...plan.terms, ...found] };
  }

  /** Whether something must be done for its end to be final. */
  has(attempt: AttemptId): boolean {
    return this.#scratch.has(attempt);
  }

  /** Takes its folders away, as it was agreed; the end, with what Berth itself had to do with it. */
  close(attempt: AttemptId, end: AttemptEnd): Promise<AttemptEnd> {
    return this.#scratch.close(attempt, end);
  }

  /** Takes up what was there before, and takes away what attempts that are over left. */
  async open(live: ReadonlySet<AttemptId>, ended: ReadonlySet<AttemptId>): Promise<void> {
    for (const name of listed(this.#secretsDir)) {
      if (![...live].some((id) => id === name)) {
        rmSync(join(this.#secretsDir, name), { recursive: true, force: true });
      }
    }
    await this.#scratch.open(live, ended);
  }

  shut(): void {
    this.#scratch.shut();
  }

  #hasBubblewrap(): boolean {
    return 'path' in this.#openSite().bubblewrap;
  }

  #openSite(): IsolationSite {
    const { stateDir, socketDirs } = this.#options;
    this.#site ??= openIsolationSite([stateDir, ...socketDirs], this.#secretsDir);
    return this.#site;
  }

  #volumes(
    uses: readonly VolumeUse[],
    account: Account | undefined,
  ): { readonly mounts: readonly VolumeMount[] } | { readonly why: string } {
    const mounts: VolumeMount[] = [];
    for (const use of uses) {
      const { name, storageClass, mountPath, readOnly } = use;
      const parent = this.#classFolder(storageClass);
      if (parent === undefined) return { why: `this node has no storage class ${storageClass}` };
      const source = join(parent, name);
      if (!existsSync(source)) {
        mkdirSync(source, { recursive: true, mode: 0o700 });
        own(source, account);
      }
      const missing = firstMissing(mountPath);
      if (missing !== undefined && dirname(missing) !== '/') {
        return { why: `there is no folder ${mountPath} to mount the volume ${name} on` };
      }
      const why = this.#scratch.overUse(use, source);
      if (why !== undefined) return { why };
      mounts.push({ source, mountPath, readOnly });
    }
    return { mounts };
  }

  #classFolder(storageClass: string | undefined): string | undefined {
    const own = join(this.#options.stateDir, 'volumes');
    return storageClass === undefined ? own : this.#options.storageClasses.get(storageClass);
  }
}

/** A folder that belongs to another user already is left as it is. */
function own(path: string, account: Account | undefined): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (account === undefined || process.getuid?.() !== 0) return;
  if (statSync(path).uid === 0) chownSync(path, account.uid, account.gid);
}

function give(path: string, account: Account | undefined): void {
  if (account === undefined || process.getuid?.() !== 0 || !existsSync(path)) return;
  chownSync(path, account.uid, account.gid);
}

const needsRoot = (mounts: readonly VolumeMount[]): boolean =>
  mounts.some(({ mountPath }) => firstMissing(mountPath) !== undefined);

/** The uppermost folder on the way there that does not exist. */
function firstMissing(path: string): string | undefined {
  if (existsSync(path)) return undefined;
  const parent = dirname(path);
  return existsSync(parent) ? path : firstMissing(parent);
}

/** BERTH_VOLUME_<NAME>: where it is mounted, or else where it lies. */
function volumeEnvironment(
  uses: readonly VolumeUse[],
  mounts: readonly VolumeMount[],
  plan: IsolationPlan,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    mounts.map(({ source, mountPath }, i) => [
      `BERTH_VOLUME_${uses[i]!.name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`,
      plan.wrap.length > 0 ? mountPath : source,
    ]),
  );
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whether a start needs a room at all. */
export function asksForRoom({ execution }: AttemptStart): boolean {
  const { isolation = {}, storage } = execution ?? {};
  const plain = !wantsMounts({ terms: isolation, volumes: [] });
  const secrets = (isolation.secrets?.length ?? 0) > 0;
  return storage !== undefined || !plain || secrets || isolation.noNewPrivileges === true;
}
