import { existsSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Bytes, bytes, UNLIMITED } from '../../../base/units.ts';
import { idsOf, isEmpty, parseIdList } from '../../../inventory/cpu-set.ts';
import type { CgroupMount, CgroupMounts } from '../../cgroup-mounts.ts';
import { noTerms, type TermController, type TermSite, v1Names } from '../../term-site.ts';
import { handDown, makeFolder, read, succeeds, words } from './cgroup-files.ts';

const CPUS = '/sys/devices/system/cpu';
const NODES = '/sys/devices/system/node';

/** Without a group: what the task itself can do. */
export const termSiteAlone = (): TermSite => ({ ...noTerms, ...hostPlaces() });

/** @param above the folder that our own, `parent`, is in. */
export function termSiteV2(at: CgroupMount, above: string, parent: string): TermSite {
  const groups: Partial<Record<TermController, string>> = { freezer: parent };
  const refused: Partial<Record<TermController, string>> = {};
  if (process.geteuid?.() === 0) groups.devices = parent;
  else refused.devices = 'only root may attach a program for devices to a cgroup';
  for (const controller of ['cpuset', 'io', 'hugetlb'] as const) {
    const said: string[] = [];
    const handed = succeeds(said, () => {
      handDown(above, controller, at.mount);
      handDown(parent, controller);
    });
    if (handed) groups[controller] = parent;
    else refused[controller] = said[0] ?? 'not handed down';
  }
  const protection = passProtection(at, above, parent);
  return {
    ...noTerms,
    ...hostPlaces(
      listIn(`${parent}/cpuset.cpus.effective`),
      listIn(`${parent}/cpuset.mems.effective`),
    ),
    groups,
    refused,
    hugePageSizes: groups.hugetlb === undefined ? [] : hugePageSizes(parent, 'max'),
    ...(protection && { protection }),
  };
}

/**
 * Lets our groups have what those above protect of memory. Where nobody above bounds it, all is protected that they
 * ask for, unless the mount gives what nobody asked for to all of them alike: then nothing is.
 */
function passProtection(at: CgroupMount, above: string, parent: string): TermSite['protection'] {
  if (!existsSync(`${parent}/memory.low`)) return undefined;
  const spread = (read('/proc/self/mountinfo') ?? '').includes('memory_recursiveprot');
  const pass = (file: 'memory.min' | 'memory.low'): Bytes => {
    let most = Number.POSITIVE_INFINITY;
    for (let folder = above; folder.startsWith(at.mount); folder = dirname(folder)) {
      // The root has none.
      const said = read(`${folder}/${file}`)?.trim() ?? 'max';
      if (said !== 'max') most = Math.min(most, Number(said));
    }
    const given = Number.isFinite(most) ? most : spread ? 0 : UNLIMITED;
    const text = given === UNLIMITED ? 'max' : `${given}`;
    return succeeds([], () => writeFileSync(`${parent}/${file}`, text)) &&
      read(`${parent}/${file}`)?.trim() === text
      ? bytes(given)
      : bytes(0);
  };
  return { min: pass('memory.min'), low: pass('memory.low') };
}

/** Makes our folder in each hierarchy that there is, and in cgroup v2 beside them. */
export function termSiteV1(mounts: CgroupMounts, name: string): TermSite {
  const groups: Partial<Record<TermController, string>> = {};
  for (const controller of ['cpuset', 'io', 'hugetlb', 'devices', 'freezer'] as const) {
    const at = mounts.v1.get(v1Names[controller]);
    if (at === undefined) continue;
    const parent = `${at.own}/${name}`;
    const made = succeeds([], () => {
      makeFolder(parent);
      if (controller === 'cpuset') fillCpuset(at, parent);
    });
    if (made) groups[controller] = parent;
    else if (existsSync(parent)) succeeds([], () => rmdirSync(parent));
  }
  const accounting = mounts.v2 && accountingIn(mounts.v2, name);
  const { cpuset, hugetlb } = groups;
  const places =
    cpuset === undefined
      ? hostPlaces()
      : hostPlaces(listIn(`${cpuset}/cpuset.cpus`), listIn(`${cpuset}/cpuset.mems`));
  const sizes =
    hugetlb !== undefined
      ? hugePageSizes(hugetlb, 'limit_in_bytes')
      : accounting === undefined
        ? []
        : hugePageSizes(accounting, 'max');
  return { ...places, groups, accounting, hugePageSizes: sizes };
}

/** A cpuset of v1 is empty until it is filled, and takes no process before. */
function fillCpuset(at: CgroupMount, parent: string): void {
  for (const [file, effective] of [
    ['cpuset.cpus', 'cpuset.effective_cpus'],
    ['cpuset.mems', 'cpuset.effective_mems'],
  ] as const) {
    const above = read(`${at.own}/${effective}`) ?? read(`${at.own}/${file}`) ?? '';
    writeFileSync(`${parent}/${file}`, above.trim());
    if (read(`${parent}/${file}`)?.trim() !== above.trim())
      throw new Error(`${file} was not taken`);
  }
}

/** What is above is not ours: only what it hands down already can be had. */
function accountingIn(at: CgroupMount, name: string): string | undefined {
  const parent = `${at.own}/${name}`;
  const made = succeeds([], () => {
    makeFolder(parent);
    if (!existsSync(`${parent}/cgroup.procs`)) throw new Error(`${parent} is no cgroup`);
  });
  if (!made) {
    if (existsSync(parent)) succeeds([], () => rmdirSync(parent));
    return undefined;
  }
  if (words(`${at.own}/cgroup.subtree_control`).includes('hugetlb')) {
    succeeds([], () => handDown(parent, 'hugetlb'));
  }
  return parent;
}

function hugePageSizes(group: string, limit: string): readonly string[] {
  return names(group)
    .flatMap((name) => /^hugetlb\.(\w+)\.(\w+)$/.exec(name)?.slice(1, 3) ?? [])
    .flatMap((word, i, all) => (word === limit ? [all[i - 1]!] : []));
}

/** CPUs and NUMA nodes: those given, where they are, else all that are online. */
function hostPlaces(
  cpus = listIn(`${CPUS}/online`),
  memoryNodes = listIn(`${NODES}/online`),
): Pick<TermSite, 'cpus' | 'memoryNodes' | 'numa'> {
  const numa = names(NODES)
    .flatMap((name) => /^node(\d+)$/.exec(name)?.[1] ?? [])
    .map((id) => ({ id: Number(id), cpus: listIn(`${NODES}/node${id}/cpulist`) ?? [] }))
    .filter(({ id }) => memoryNodes?.includes(id) === true)
    .sort((a, b) => a.id - b.id);
  return { cpus: cpus ?? [], memoryNodes: memoryNodes ?? [], numa };
}

function listIn(path: string): readonly number[] | undefined {
  const ids = parseIdList((read(path) ?? '').trim());
  return ids === undefined || isEmpty(ids) ? undefined : idsOf(ids);
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
