import { hex } from '../base/hex.ts';
import { type Bytes, scaleAmount, UNLIMITED } from '../base/units.ts';
import { formatIdList, setOf } from '../inventory/cpu-set.ts';
import type { TermEnforcement } from '../model/attempt.ts';
import type { IoTerms, ProcessTerms } from '../model/execution-terms.ts';
import type { AttemptId } from '../model/ids.ts';
import { type DeviceAccess, deviceProgram } from './device-program.ts';
import { type DeviceId, harmlessDevices, type TaskDevices } from './device-rules.ts';
import type { DeviceNumber, TermController, TermSite } from './term-site.ts';

/** What the terms of a task come to on this host: groups and settings, acts of the task itself, what they promise. */
export interface TermPlan {
  /** Groups that it has for its terms alone. Aspect `accounting` is that of cgroup v2 on a hybrid host. */
  readonly dirs: readonly (readonly [aspect: TermAspect, path: string])[];
  /** Written by the shim before the task joins, in this order. */
  readonly holds: readonly TermHold[];
  /** Done by the task between fork and exec, in this order. */
  readonly acts: readonly TermAct[];
  /** One of each name. What turns out not to hold, the shim turns to `none`. */
  readonly terms: readonly TermEnforcement[];
}

export type TermAspect = TermController | 'cpu' | 'memory' | 'accounting';

export interface TermHold {
  readonly term: string;
  /** Its group; in cgroup v2 all but `accounting` are one. */
  readonly aspect: TermAspect;
  readonly file: string;
  /** Read back after it was written: as a whole, or as a line of what is there. */
  readonly value: string;
}

export interface TermAct {
  readonly term: string;
  /** See terms.pl. */
  readonly act: 'nice' | 'policy' | 'ioprio' | 'oom' | 'thp' | 'mempolicy' | 'affinity' | 'closed';
  readonly value: string;
}

export interface TermTask {
  readonly attempt: AttemptId;
  readonly process: ProcessTerms | undefined;
  readonly io: IoTerms | undefined;
  /** The logical CPUs that it runs on; any where absent. */
  readonly cores: readonly number[] | undefined;
  /** What it requested. */
  readonly memory: Bytes;
  /** That its folders lie on. */
  readonly disks: readonly DeviceNumber[];
  /** Absent where all are open to it. */
  readonly devices?: TaskDevices | undefined;
}

type Driver = 'cgroup-v2' | 'cgroup-v1' | 'unprivileged';

interface Host {
  readonly driver: Driver;
  readonly has: { readonly cpu: boolean; readonly memory: boolean };
  readonly site: TermSite;
}

/** What one term comes to. */
interface Part {
  readonly holds?: readonly TermHold[];
  readonly acts?: readonly TermAct[];
  readonly terms: readonly TermEnforcement[];
}

/** Nothing where nothing is asked for. */
export function planTerms(host: Host, task: TermTask): TermPlan | undefined {
  const parts = [
    ...schedulingParts(host, task),
    ...placeParts(host, task),
    ...memoryParts(host, task),
    ...(task.io === undefined ? [] : ioParts(host, task.io, task.disks)),
    ...(task.devices === undefined ? [] : deviceParts(host, task.devices)),
  ];
  if (parts.length === 0) return undefined;
  const holds = parts.flatMap((part) => part.holds ?? []);
  return {
    dirs: dirsOf(host, task, holds),
    holds,
    acts: parts.flatMap((part) => part.acts ?? []),
    terms: parts.flatMap((part) => part.terms),
  };
}

/** Beside those that every task has. */
function dirsOf(
  { driver, site }: Host,
  { attempt, process }: TermTask,
  holds: readonly TermHold[],
): TermPlan['dirs'] {
  const dirs: (readonly [TermAspect, string])[] = [];
  const aspects = new Set(holds.map(({ aspect }) => aspect));
  for (const aspect of aspects) {
    if (aspect === 'cpu' || aspect === 'memory' || aspect === 'accounting') continue;
    const parent = site.groups[aspect];
    if (driver === 'cgroup-v1' && parent !== undefined) dirs.push([aspect, `${parent}/${attempt}`]);
  }
  const measured = process?.pressure === true && driver !== 'cgroup-v2';
  if ((measured || aspects.has('accounting')) && site.accounting !== undefined) {
    dirs.push(['accounting', `${site.accounting}/${attempt}`]);
  }
  return dirs;
}

function schedulingParts({ driver, has }: Host, { process }: TermTask): Part[] {
  const parts: Part[] = [];
  const { nice, policy, ioPriority, oomScoreAdjust, transparentHugePages, cpuShare } =
    process ?? {};
  if (cpuShare !== undefined) {
    const note = `weighs ${cpuShare / 100} % of what it asks for, by its classes`;
    parts.push(has.cpu ? kept('cpu-share', note) : lacking('cpu-share', 'no cpu controller'));
  }
  if (nice !== undefined) {
    const weighed = has.cpu ? ', and its group weighs as much' : ': among processes of its group';
    parts.push(acted('nice', 'nice', `${nice}`, `nice ${nice}${weighed}`));
  }
  if (policy !== undefined) {
    parts.push(acted('policy', 'policy', policy, `SCHED_${policy.toUpperCase()}`));
  }
  if (policy === 'idle' && has.cpu) {
    // Between groups the kernel looks at the groups alone.
    const note = 'its group gets CPU only when no other wants it';
    parts.push(held('idle-group', [['cpu', 'cpu.idle', '1']], note));
  }
  if (ioPriority !== undefined) {
    const { class: name, level } = ioPriority;
    const note =
      name === 'idle' ? 'class idle' : `class best-effort, level ${level}, where the disk has one`;
    parts.push(acted('io-priority', 'ioprio', name === 'idle' ? '3:0' : `2:${level}`, note));
  }
  if (oomScoreAdjust !== undefined) {
    const note = `oom_score_adj ${oomScoreAdjust}`;
    parts.push(acted('oom-score', 'oom', `${oomScoreAdjust}`, note));
  }
  if (transparentHugePages === false) {
    parts.push(acted('huge-pages-unasked', 'thp', '1', 'switched off for its processes'));
  } else if (transparentHugePages === true) {
    parts.push(kept('huge-pages-unasked', 'as the host has it'));
  }
  if (process?.pressure === true) parts.push(pressurePart(driver));
  return parts;
}

const pressurePart = (driver: Driver): Part =>
  driver === 'unprivileged'
    ? lacking('pressure', 'it has no group of its own')
    : { terms: [{ term: 'pressure', by: 'accounting', note: 'measured for its group' }] };

function placeParts({ driver, site }: Host, { process, cores }: TermTask): Part[] {
  const parts: Part[] = [];
  const numa = process?.numa;
  const memoryNodes = cores === undefined ? site.memoryNodes : nodesOf(site, cores);
  if (cores !== undefined) {
    const list = printList(cores);
    const grouped = site.groups.cpuset !== undefined;
    const note = `${process?.cores === 'exclusive' ? 'its own' : 'not pinned by others'}: CPUs ${list}`;
    const mems = printList(numa === 'bind' ? memoryNodes : site.memoryNodes);
    parts.push(
      grouped
        ? held(
            'cores',
            [
              ['cpuset', 'cpuset.cpus', list],
              // Without it no task may join a cpuset of v1.
              ...(driver === 'cgroup-v1' || numa === 'bind'
                ? [['cpuset', 'cpuset.mems', mems] as const]
                : []),
            ],
            note,
          )
        : acted('cores', 'affinity', cores.join(','), `${note}; it could undo it`),
    );
  } else if (process?.cores === 'exclusive') {
    parts.push(lacking('cores', 'too few CPUs of the node were known and free of other pins'));
  }
  if (numa !== undefined && numa !== 'any') parts.push(numaPart(numa, memoryNodes));
  return parts;
}

/** Modes of linux/mempolicy.h. */
const PREFERRED = 1;
const BIND = 2;
const INTERLEAVE = 3;
const PREFERRED_MANY = 5;

function numaPart(numa: 'preferred' | 'bind' | 'interleave', nodes: readonly number[]): Part {
  if (nodes.length === 0) return lacking('numa', 'the NUMA nodes of the host are not known');
  const preferred = nodes.length === 1 ? PREFERRED : PREFERRED_MANY;
  const mode = { preferred, bind: BIND, interleave: INTERLEAVE }[numa];
  const note = `${numa}: NUMA nodes ${printList(nodes)}`;
  return acted('numa', 'mempolicy', `${mode}:${nodes.join(',')}`, note);
}

const nodesOf = ({ numa }: TermSite, cores: readonly number[]): readonly number[] =>
  numa.filter(({ cpus }) => cpus.some((cpu) => cores.includes(cpu))).map(({ id }) => id);

function memoryParts(host: Host, { process, memory: asked }: TermTask): Part[] {
  const v2 = host.driver === 'cgroup-v2';
  const parts: Part[] = [];
  const {
    memoryProtection,
    memoryGuarantee = 10_000,
    memoryHigh,
    oomKill,
    hugePages,
  } = process ?? {};
  const memory = scaleAmount(asked, memoryGuarantee);
  const only = (term: string, file: string, value: number, note: string): void => {
    const v1 = 'cgroup v1 has no such limit';
    if (v2 && host.has.memory) parts.push(held(term, [['memory', file, `${value}`]], note));
    else parts.push(lacking(term, host.driver === 'cgroup-v1' ? v1 : 'no memory controller'));
  };
  const keep = (kind: 'min' | 'low'): void => {
    const file = `memory.${kind}`;
    const most = host.site.protection?.[kind] ?? UNLIMITED;
    if (v2 && host.has.memory && most === 0) {
      parts.push(lacking('memory-kept', `the groups above Berth's have no ${file} to share`));
    } else {
      const bound = most < memory ? `, at most ${most} bytes for all tasks: those above` : '';
      only('memory-kept', file, memory, `${file}${bound}`);
    }
  };
  if (memoryProtection === 'hard') keep('min');
  else if (memoryProtection === 'soft' && host.driver === 'cgroup-v1' && host.has.memory) {
    const note = 'where memory is short, others above theirs give first';
    const set = ['memory', 'memory.soft_limit_in_bytes', `${memory}`] as const;
    parts.push(held('memory-kept', [set], note));
  } else if (memoryProtection === 'soft') keep('low');
  if (memoryHigh !== undefined) only('memory-high', 'memory.high', memoryHigh, 'slowed above it');
  if (oomKill === 'task') only('oom-kill', 'memory.oom.group', 1, 'the whole task dies together');
  else if (oomKill === 'process') parts.push(kept('oom-kill', 'the largest process dies'));
  if (hugePages !== undefined) parts.push(hugePagesPart(host, hugePages));
  return parts;
}

function hugePagesPart({ driver, site }: Host, most: Bytes): Part {
  const aspect =
    site.groups.hugetlb !== undefined
      ? 'hugetlb'
      : driver === 'cgroup-v1' && site.accounting !== undefined
        ? 'accounting'
        : undefined;
  if (aspect === undefined || site.hugePageSizes.length === 0) {
    return lacking('huge-pages', site.refused?.hugetlb ?? 'no hugetlb controller');
  }
  const v1 = driver === 'cgroup-v1' && aspect === 'hugetlb';
  const sets = site.hugePageSizes.map((size) => {
    // The kernel takes whole pages.
    const pages = Math.floor(most / pageBytes(size));
    const value = `${pages * pageBytes(size)}`;
    return [aspect, `hugetlb.${size}.${v1 ? 'limit_in_bytes' : 'max'}`, value] as const;
  });
  return held('huge-pages', sets, `at most ${most} bytes of each size`);
}

/** Of a size as the kernel names it: `64KB`, `2MB`, `1GB`. */
function pageBytes(size: string): number {
  const [, number, unit] = /^(\d+)(KB|MB|GB)$/.exec(size) ?? [];
  const powers: Record<string, number> = { KB: 1, MB: 2, GB: 3 };
  return unit === undefined ? 1 : Number(number) * 1024 ** powers[unit]!;
}

/** Rules of blkio.throttle (v1) and io.max (v2) are by device and kind of access. */
const rates = [
  ['readBytesPerSecond', 'blkio.throttle.read_bps_device', 'rbps'],
  ['writeBytesPerSecond', 'blkio.throttle.write_bps_device', 'wbps'],
  ['readsPerSecond', 'blkio.throttle.read_iops_device', 'riops'],
  ['writesPerSecond', 'blkio.throttle.write_iops_device', 'wiops'],
] as const;

function ioParts(host: Host, io: IoTerms, disks: readonly DeviceNumber[]): Part[] {
  const parts: Part[] = [];
  const v2 = host.driver === 'cgroup-v2';
  const grouped = host.site.groups.io !== undefined;
  const absent = host.site.refused?.io ?? `no ${v2 ? 'io' : 'blkio'} controller`;
  const asked = rates.filter(([key]) => io[key] !== UNLIMITED);
  if (asked.length > 0) {
    if (!grouped) parts.push(lacking('io', absent));
    else if (disks.length === 0) parts.push(lacking('io', 'its folders lie on no disk'));
    else {
      const sets = disks.flatMap((disk): readonly Setting[] =>
        v2
          ? [['io', 'io.max', `${disk} ${asked.map(([k, , v]) => `${v}=${io[k]}`).join(' ')}`]]
          : asked.map(([key, file]) => ['io', file, `${disk} ${io[key]}`]),
      );
      const late = v2 ? '' : '; buffered writes are counted where they are written back';
      parts.push(held('io', sets, `on ${disks.join(', ')}${late}`));
    }
  }
  if (io.weight !== undefined) {
    if (v2 && grouped) {
      const note = 'where the disk has a scheduler that weighs';
      parts.push(held('io-weight', [['io', 'io.weight', `default ${io.weight}`]], note));
    } else {
      parts.push(lacking('io-weight', v2 ? absent : 'only cgroup v2 weighs disks'));
    }
  }
  return parts;
}

/**
 * By their numbers, whatever file has them. Who may open all but some cannot be told from who may open all by what
 * the kernel says: the task tries.
 */
function deviceParts({ driver, site }: Host, devices: TaskDevices): Part[] {
  const { allowed, closed, unknown } = devices;
  const grouped = driver !== 'unprivileged' && site.groups.devices !== undefined;
  const why = site.refused?.devices ?? 'it has no cgroup that could hold them by their numbers';
  const v2 = driver === 'cgroup-v2';
  const parts: Part[] = [];
  if (allowed !== undefined && !grouped) parts.push(lacking('device-numbers', why));
  else if (allowed !== undefined) {
    const rules = [...new Set([...harmlessDevices, ...allowed])];
    const sets: readonly Setting[] = v2
      ? [programSetting('allowed', rules)]
      : [
          ['devices', 'devices.deny', 'a'],
          ...rules.map((id): Setting => ['devices', 'devices.allow', `${id} rw`]),
        ];
    parts.push(held('device-numbers', sets, `${rules.join(', ')}, and no others`));
  }
  if (unknown.length > 0) {
    const note = `which device files are those of ${unknown.join(', ')} is not known`;
    parts.push(lacking('gpu-devices', note));
  } else if (closed.length > 0 && !grouped) parts.push(lacking('gpu-devices', why));
  else if (closed.length > 0) {
    const files = closed.map(({ path }) => path).join(', ');
    const ids = closed.map(({ id }) => id);
    const sets: readonly Setting[] = v2
      ? [programSetting('closed', ids)]
      : ids.map((id) => ['devices', 'devices.deny', `${id} rw`]);
    parts.push({
      // Who has a list has nothing else.
      ...held('gpu-devices', allowed === undefined ? sets : [], `${files} cannot be opened`),
      acts: closed.map(({ path }) => ({ term: 'gpu-devices', act: 'closed', value: path })),
    });
  }
  return parts;
}

/** Cgroup v2 has no file for devices: the shim attaches a program. */
const programSetting = (list: DeviceAccess['list'], devices: readonly DeviceId[]): Setting => [
  'devices',
  'device-program',
  hex(deviceProgram({ list, devices })),
];

const printList = (ids: readonly number[]): string => formatIdList(setOf(ids));

type Setting = readonly [aspect: TermAspect, file: string, value: string];

const held = (term: string, sets: readonly Setting[], note: string): Part => ({
  holds: sets.map(([aspect, file, value]) => ({ term, aspect, file, value })),
  terms: [{ term, by: 'kernel', note }],
});

const acted = (term: string, act: TermAct['act'], value: string, note: string): Part => ({
  acts: [{ term, act, value }],
  terms: [{ term, by: 'kernel', note }],
});

/** Nothing is to be done for it. */
const kept = (term: string, note: string): Part => ({ terms: [{ term, by: 'kernel', note }] });

const lacking = (term: string, note: string): Part => ({ terms: [{ term, by: 'none', note }] });
