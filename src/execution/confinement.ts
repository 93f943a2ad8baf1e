import { type Bytes, type MilliCpu, UNLIMITED } from '../base/units.ts';
import type { Enforcement } from '../model/attempt.ts';
import type { AttemptId } from '../model/ids.ts';
import type { Limits } from '../model/workload.ts';
import type { IsolationPlan } from './isolation-plan.ts';
import { planTerms, type TermAspect, type TermPlan, type TermTask } from './task-terms.ts';
import { noTerms, type TermSite } from './term-site.ts';

export type Controller = 'cpu' | 'memory' | 'pids';

/** How tasks can be held on this host: what was found, and tried, when the driver was opened. */
export type ConfinementSite = {
  /** For execution terms; absent where nobody looked. */
  readonly terms?: TermSite;
} & (
  | {
      readonly driver: 'cgroup-v2';
      /** The folder that all our cgroups are in. */
      readonly parent: string;
      readonly controllers: readonly Controller[];
      readonly swap: boolean;
      readonly notes: readonly string[];
    }
  | {
      readonly driver: 'cgroup-v1';
      readonly parents: Readonly<Partial<Record<Controller, string>>>;
      readonly swap: boolean;
      readonly notes: readonly string[];
    }
  | {
      readonly driver: 'unprivileged';
      /** Whether the memory of a process tree can be read: on Linux. */
      readonly watchdog: boolean;
      readonly notes: readonly string[];
    }
);

/** What the shim does before the task begins, and what that promises. */
export interface Confinement {
  /** Aspect `all` is the one folder of cgroup v2. */
  readonly dirs: readonly (readonly [aspect: TermAspect | Controller | 'all', path: string])[];
  /** In this order. */
  readonly sets: readonly CgroupSetting[];
  /** The file that a task writes `0` to. */
  readonly join: string;
  /** For the watchdog, where the kernel does not hold it. */
  readonly memoryLimit: Bytes | undefined;
  readonly enforced: Enforcement;
  /** What else its terms come to; absent where it asks for nothing. */
  readonly terms?: Pick<TermPlan, 'holds' | 'acts'>;
  /** Absent where it is to see the host as it is. */
  readonly isolation?: IsolationPlan;
}

export interface CgroupSetting {
  readonly aspect: Controller;
  readonly file: string;
  readonly value: string;
}

export interface Confined {
  readonly attempt: AttemptId;
  /** What it asked for: its weight beside the others. */
  readonly cpu: MilliCpu;
  readonly memoryLimit: Bytes;
  readonly limits: Limits;
  /** Absent where it has none. */
  readonly terms?: Omit<TermTask, 'attempt'>;
}

/** The kernel's default (sched/bandwidth: cpu.cfs_period_us), so that v1 needs no second write. */
const PERIOD_US = 100_000;
/** Between two levels of nice, in the kernel's table of weights (kernel/sched/core.c: sched_prio_to_weight). */
const NICE_STEP = 1.25;
/** The kernel takes no quota below 1 ms. */
const QUOTA_MIN_US = 1000;

function controllersOf(site: ConfinementSite): readonly Controller[] {
  switch (site.driver) {
    case 'cgroup-v2':
      return site.controllers;
    case 'cgroup-v1':
      return (['cpu', 'memory', 'pids'] as const).filter((c) => site.parents[c] !== undefined);
    case 'unprivileged':
      return [];
  }
}

/** The folders that all cgroups of this site are in. */
export function parentsOf(site: ConfinementSite): readonly string[] {
  switch (site.driver) {
    case 'cgroup-v2':
      return [site.parent];
    case 'cgroup-v1': {
      const { groups, accounting } = site.terms ?? noTerms;
      const more = accounting === undefined ? [] : [accounting];
      return [...Object.values(site.parents), ...Object.values(groups), ...more];
    }
    case 'unprivileged':
      return [];
  }
}

/** The most that this site can hold a task to. */
export function siteEnforcement(site: ConfinementSite): Enforcement {
  const has = controllersOf(site);
  const watchdog = site.driver === 'unprivileged' ? site.watchdog : true;
  return {
    driver: site.driver,
    cpu: has.includes('cpu') ? 'quota' : 'none',
    memory: has.includes('memory') ? 'kernel' : watchdog ? 'watchdog' : 'none',
    pids: has.includes('pids') ? 'kernel' : 'none',
    notes: site.notes,
  };
}

export function planConfinement(site: ConfinementSite, task: Confined): Confinement {
  const most = siteEnforcement(site);
  const limited = {
    cpu: task.limits.cpu !== UNLIMITED,
    memory: task.memoryLimit !== UNLIMITED,
    pids: task.limits.pids !== UNLIMITED,
  };
  const terms = termsOf(site, task);
  return {
    dirs: [...dirsOf(site, task.attempt), ...(terms?.dirs ?? [])],
    sets: settings(site, task),
    ...(terms && { terms }),
    join: site.driver === 'cgroup-v1' ? 'tasks' : 'cgroup.procs',
    memoryLimit: limited.memory ? task.memoryLimit : undefined,
    enforced: {
      ...most,
      cpu: limited.cpu || most.cpu === 'none' ? most.cpu : 'weight',
      memory: limited.memory ? most.memory : 'none',
      pids: limited.pids ? most.pids : 'none',
      ...(terms && { terms: terms.terms }),
    },
  };
}

function termsOf(site: ConfinementSite, { attempt, terms }: Confined): TermPlan | undefined {
  if (terms === undefined) return undefined;
  const has = controllersOf(site);
  const host = {
    driver: site.driver,
    has: { cpu: has.includes('cpu'), memory: has.includes('memory') },
    site: site.terms ?? noTerms,
  };
  return planTerms(host, { attempt, ...terms });
}

function dirsOf(site: ConfinementSite, attempt: AttemptId): Confinement['dirs'] {
  switch (site.driver) {
    case 'cgroup-v2':
      return [['all', `${site.parent}/${attempt}`]];
    case 'cgroup-v1':
      // All that there are, limited or not: memory for the peak and the cause, pids to kill a tree.
      return controllersOf(site).map((c) => [c, `${site.parents[c]}/${attempt}`]);
    case 'unprivileged':
      return [];
  }
}

function settings(site: ConfinementSite, task: Confined): readonly CgroupSetting[] {
  if (site.driver === 'unprivileged') return [];
  const v2 = site.driver === 'cgroup-v2';
  const sets: CgroupSetting[] = [];
  const has = controllersOf(site);
  if (has.includes('cpu')) {
    const cpu = task.cpu * NICE_STEP ** -(task.terms?.process?.nice ?? 0);
    sets.push(
      v2
        ? { aspect: 'cpu', file: 'cpu.weight', value: `${clamp(cpu / 10, 1, 10_000)}` }
        : { aspect: 'cpu', file: 'cpu.shares', value: `${clamp(cpu * 1.024, 2, 262_144)}` },
    );
    if (task.limits.cpu !== UNLIMITED) {
      const quota = Math.max(QUOTA_MIN_US, Math.round((task.limits.cpu * PERIOD_US) / 1000));
      if (v2) sets.push({ aspect: 'cpu', file: 'cpu.max', value: `${quota} ${PERIOD_US}` });
      else sets.push({ aspect: 'cpu', file: 'cpu.cfs_quota_us', value: `${quota}` });
    }
  }
  if (has.includes('memory') && task.memoryLimit !== UNLIMITED) {
    const limit = `${task.memoryLimit}`;
    sets.push({
      aspect: 'memory',
      file: v2 ? 'memory.max' : 'memory.limit_in_bytes',
      value: limit,
    });
    // v1 limits memory and swap together, and only after memory alone.
    if (site.swap && v2) sets.push({ aspect: 'memory', file: 'memory.swap.max', value: '0' });
    else if (site.swap) {
      sets.push({ aspect: 'memory', file: 'memory.memsw.limit_in_bytes', value: limit });
    }
  }
  if (has.includes('pids') && task.limits.pids !== UNLIMITED) {
    sets.push({ aspect: 'pids', file: 'pids.max', value: `${task.limits.pids}` });
  }
  return sets;
}

/** Linear in the CPU that was asked for, and the kernel's default at one CPU. */
function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, Math.round(value)));
}
