import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type CgroupMount, type CgroupMounts, parseCgroupMounts } from '../../cgroup-mounts.ts';
import { type ConfinementSite, type Controller, parentsOf } from '../../confinement.ts';
import { handDown, makeFolder, read, succeeds, words } from './cgroup-files.ts';
import { delegationAdvice, isDelegated, stepAside } from './delegation.ts';
import { termSiteAlone, termSiteV1, termSiteV2 } from './open-term-site.ts';

export type WantedEnforcement = 'auto' | 'cgroup-v2' | 'cgroup-v1' | 'unprivileged';

const CONTROLLERS: readonly Controller[] = ['cpu', 'memory', 'pids'];
const SWEEP_MS = 2000;

/** What a trial child of each controller is set to; any limit that nothing can meet will do. */
const trials: Record<Controller, { readonly v1: Trial; readonly v2: Trial }> = {
  cpu: {
    v1: { file: 'cpu.cfs_quota_us', value: '50000' },
    v2: { file: 'cpu.max', value: '50000 100000' },
  },
  memory: {
    v1: { file: 'memory.limit_in_bytes', value: '67108864' },
    v2: { file: 'memory.max', value: '67108864' },
  },
  pids: { v1: { file: 'pids.max', value: '64' }, v2: { file: 'pids.max', value: '64' } },
};

interface Trial {
  readonly file: string;
  readonly value: string;
}

/**
 * The best way to hold tasks that this host allows, found by trying: it makes our parent cgroups,
 * and in each a child with a limit and a process.
 * @param name of our parent cgroups: `berth-<8 hex digits>`.
 * @param cgroupRoot takes this folder for a cgroup v2 mount instead of what is mounted.
 */
export function openConfinementSite(
  wanted: WantedEnforcement,
  name: string,
  cgroupRoot?: string,
): ConfinementSite {
  if (process.platform !== 'linux') {
    return { driver: 'unprivileged', watchdog: false, notes: ['this system has no cgroups'] };
  }
  const mounts = readMounts(cgroupRoot);
  const notes: string[] = [];
  if (mounts.v2 !== undefined && (wanted === 'auto' || wanted === 'cgroup-v2')) {
    const site = openV2(mounts.v2, name, notes);
    if (site !== undefined) return site;
  }
  if (wanted === 'auto' || wanted === 'cgroup-v1') {
    const site = openV1(mounts, name, notes);
    if (site !== undefined) return site;
  }
  notes.push('CPU is shared by the kernel alone: no cgroup is used');
  notes.push('processes are not limited: RLIMIT_NPROC would count all of the same user');
  return { driver: 'unprivileged', watchdog: true, notes, terms: termSiteAlone() };
}

function readMounts(cgroupRoot: string | undefined): CgroupMounts {
  if (cgroupRoot !== undefined) {
    return { v2: { mount: cgroupRoot, own: cgroupRoot }, v1: new Map() };
  }
  return parseCgroupMounts(read('/proc/self/mountinfo') ?? '', read('/proc/self/cgroup') ?? '');
}

/**
 * Our own folder where systemd leaves it to us, else the first above it that may be written and has no processes:
 * one that has some cannot hand controllers down.
 */
function openV2(at: CgroupMount, name: string, notes: string[]): ConfinementSite | undefined {
  const available = words(`${at.mount}/cgroup.controllers`);
  if (!CONTROLLERS.some((c) => available.includes(c))) return undefined;
  if (isDelegated(at.own)) succeeds([], () => stepAside(at.own));
  const first: string[] = [];
  for (let above = at.own; above.startsWith(at.mount); above = dirname(above)) {
    const parent = `${above}/${name}`;
    const refused: string[] = [];
    const controllers = succeeds(refused, () => makeFolder(parent))
      ? CONTROLLERS.filter((c) =>
          succeeds(refused, () => {
            handDown(above, c, at.mount);
            handDown(parent, c);
            tryLimit(parent, trials[c].v2, 'cgroup.procs');
          }),
        )
      : [];
    if (controllers.length > 0) {
      noteMissing(controllers, refused, notes);
      const swap = existsSync(`${parent}/memory.swap.max`);
      if (!swap && controllers.includes('memory')) notes.push('swap is not limited');
      const terms = termSiteV2(at, above, parent);
      return { driver: 'cgroup-v2', parent, controllers, swap, notes, terms };
    }
    if (existsSync(parent)) succeeds(refused, () => rmdirSync(parent));
    if (first.length === 0) first.push(...refused);
  }
  notes.push(`cgroup v2 cannot be used: ${first[0] ?? 'no controller'}`);
  const advice = delegationAdvice();
  if (advice !== undefined) notes.push(advice);
  return undefined;
}

/** Each controller below the folder that this process is in there, so that limits above hold on. */
function openV1(mounts: CgroupMounts, name: string, notes: string[]): ConfinementSite | undefined {
  const parents: Partial<Record<Controller, string>> = {};
  const refused: string[] = [];
  for (const controller of CONTROLLERS) {
    const at = mounts.v1.get(controller);
    if (at === undefined) continue;
    const parent = `${at.own}/${name}`;
    const held = succeeds(refused, () => {
      makeFolder(parent);
      tryLimit(parent, trials[controller].v1, 'tasks');
    });
    if (held) parents[controller] = parent;
    else if (existsSync(parent)) succeeds(refused, () => rmdirSync(parent));
  }
  const found = CONTROLLERS.filter((c) => parents[c] !== undefined);
  if (found.length === 0) {
    if (refused.length > 0) notes.push(`cgroup v1 cannot be used: ${refused[0]}`);
    return undefined;
  }
  noteMissing(found, refused, notes);
  const memory = parents.memory;
  const swap = memory !== undefined && existsSync(`${memory}/memory.memsw.limit_in_bytes`);
  if (memory !== undefined && !swap) notes.push('swap is not limited');
  const terms = termSiteV1(mounts, name);
  return { driver: 'cgroup-v1', parents, swap, notes, terms };
}

function noteMissing(found: readonly Controller[], refused: readonly string[], notes: string[]) {
  const missing = CONTROLLERS.filter((c) => !found.includes(c));
  if (missing.length === 0) return;
  notes.push(
    `no cgroup controller for ${missing.join(', ')}${refused[0] ? `: ${refused[0]}` : ''}`,
  );
}

/** Sets a limit on a child, reads it back, and lets a process join, as a task will. */
function tryLimit(parent: string, trial: Trial, join: string): void {
  const child = `${parent}/trial`;
  makeFolder(child);
  try {
    const path = `${child}/${trial.file}`;
    writeFileSync(path, trial.value);
    const got = readFileSync(path, 'utf8').trim();
    if (got !== trial.value) throw new Error(`${path}: wrote '${trial.value}', it says '${got}'`);
    const joined = spawnSync('/bin/sh', ['-c', 'echo 0 > "$1"', 'sh', `${child}/${join}`], {
      encoding: 'utf8',
      timeout: 5000,
    });
    if (joined.status !== 0) throw new Error(`${child}/${join}: ${joined.stderr.trim()}`);
  } finally {
    succeeds([], () => rmdirSync(child));
  }
}

/** All of ours that are there now. */
export function listCgroups(site: ConfinementSite): readonly string[] {
  return [...new Set(parentsOf(site))].flatMap(listFolders);
}

export const listFolders = (parent: string): string[] =>
  childFolders(parent).map((name) => `${parent}/${name}`);

/**
 * Ends what is in those of our cgroups that belong to no attempt, and removes them. They are listed before
 * the attempts are looked at: what is made later belongs to somebody.
 * @param keep names.
 * @returns the folders that would not go.
 */
export async function sweepCgroups(
  cgroups: readonly string[],
  keep: ReadonlySet<string>,
): Promise<string[]> {
  const left: string[] = [];
  for (const path of cgroups) {
    if (!keep.has(basename(path)) && !(await removeCgroup(path))) left.push(path);
  }
  return left;
}

/** Our folder of the v1 freezer, which is made with the first task that is paused; undefined where it may not be. */
export function openFreezer(name: string): string | undefined {
  const at = readMounts(undefined).v1.get('freezer');
  if (at === undefined) return undefined;
  const folder = `${at.own}/${name}`;
  const trial = `${folder}-trial`;
  const allowed = succeeds([], () => {
    makeFolder(trial);
    rmdirSync(trial);
  });
  return allowed ? folder : undefined;
}

async function removeCgroup(path: string): Promise<boolean> {
  for (let waitedMs = 0; waitedMs <= SWEEP_MS; waitedMs += 10) {
    succeeds([], () => writeFileSync(`${path}/freezer.state`, 'THAWED', { flag: 'r+' }));
    for (const pid of (read(`${path}/cgroup.procs`) ?? '').split('\n').map(Number)) {
      if (pid > 0) succeeds([], () => process.kill(pid, 'SIGKILL'));
    }
    if (succeeds([], () => rmdirSync(path)) || !existsSync(path)) return true;
    await wait(10);
  }
  return false;
}

function childFolders(parent: string): readonly string[] {
  try {
    return readdirSync(parent, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}
