import { formatIdList, setOf } from '../inventory/cpu-set.ts';
import type { TermEnforcement } from '../model/attempt.ts';
import type { AttemptId } from '../model/ids.ts';
import type { LiveLimits } from '../runtime/ports.ts';
import { type CgroupSetting, type ConfinementSite, planConfinement } from './confinement.ts';

/** Rounding of memory limits to pages, of at most 64 KiB. */
const PAGE_MAX = 65_536;

/**
 * The files to write for other limits, in an order that the kernel takes: in v1 memory and swap together may
 * never be below memory alone.
 * @param grows whether the memory limit grows.
 */
export function liveSettings(
  site: ConfinementSite,
  attempt: AttemptId,
  to: LiveLimits,
  grows: boolean,
): readonly CgroupSetting[] {
  const limits = { ...to, wallMs: 0 as never, graceMs: 0 as never, logBytes: 0 as never };
  const { sets } = planConfinement(site, {
    attempt,
    cpu: to.weight,
    memoryLimit: to.memory,
    limits,
  });
  if (!grows || site.driver !== 'cgroup-v1') return sets;
  const memory = sets.filter(({ aspect }) => aspect === 'memory');
  return [...sets.filter(({ aspect }) => aspect !== 'memory'), ...memory.toReversed()];
}

/** Whether what was read back is what was written: the kernel rounds memory down to pages. */
export function isTaken(file: string, wrote: string, got: string): boolean {
  if (wrote === got) return true;
  if (!file.startsWith('memory.')) return false;
  const [asked, has] = [Number(wrote), Number(got)];
  return Number.isFinite(asked) && has <= asked && asked - has < PAGE_MAX;
}

/** As cpuset.cpus has it. */
export const cpuList = (cores: readonly number[]): string => formatIdList(setOf(cores));

/** One line per aspect of what became of it. */
export function termsOf(
  outcomes: readonly { readonly term: string; readonly problem?: string; readonly note: string }[],
): TermEnforcement[] {
  const terms = new Map<string, TermEnforcement>();
  for (const { term, problem, note } of outcomes) {
    const former = terms.get(term);
    if (former?.by === 'none') continue;
    const notes = former === undefined ? note : `${former.note}, ${note}`;
    terms.set(
      term,
      problem === undefined
        ? { term, by: 'kernel', note: notes }
        : { term, by: 'none', note: problem },
    );
  }
  return [...terms.values()];
}
