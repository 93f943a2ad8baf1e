import type { Party } from '../finding.ts';
import type { Facts, RunningTask } from './facts.ts';
import { percent } from './report.ts';
import { type Interval, type MetricWindow, taskMeanWithin } from './window.ts';

/** Named at most. */
const PARTIES_MAX = 5;
/** Of the use of a resource: who uses less is no culprit. */
const CULPRIT_SHARE_MIN = 0.15;
/** Of his own time: who waits less does not suffer. */
const SUFFERING_MIN = 0.1;
/** Of all use, beyond what he holds: less is not worth taking from him. */
const EXCESS_SHARE_MIN = 0.1;

export interface TaskUse {
  readonly task: RunningTask;
  readonly used: number;
  /** What is his by right; undefined: he asked for none. */
  readonly held: number | undefined;
}

/** Of each task that runs and is measured. */
export function usesOf(
  tasks: readonly RunningTask[],
  used: (task: RunningTask) => number | undefined,
  held: (task: RunningTask) => number | undefined,
): readonly TaskUse[] {
  return tasks.flatMap((task) => {
    const amount = used(task);
    return amount === undefined ? [] : [{ task, used: amount, held: held(task) }];
  });
}

const excess = ({ used, held }: TaskUse): number =>
  held === undefined ? 0 : Math.max(0, used - held);

export interface Culprits {
  readonly parties: readonly Party[];
  /** The tasks among them, the worst first. */
  readonly tasks: readonly TaskUse[];
}

/**
 * Who uses most of what is short. Whoever uses more than he holds comes before those who keep to it, and where there is
 * one, those who keep to what they hold are no culprits.
 */
export function culpritsOf(
  uses: readonly TaskUse[],
  options: {
    readonly total: number;
    readonly format: (amount: number) => string;
    /** Of whom Berth did not start. */
    readonly outside?: readonly Outside[];
  },
): Culprits {
  const { total, format, outside = [] } = options;
  const shareOf = (used: number): number | undefined =>
    total > 0 ? Math.min(1, used / total) : undefined;
  const large = uses.filter(({ used }) => (shareOf(used) ?? 0) >= CULPRIT_SHARE_MIN);
  const beyond = large.filter((use) => excess(use) >= total * EXCESS_SHARE_MIN);
  const others = largeOf(outside, total);
  const blamed = (beyond.length > 0 || others.length > 0 ? beyond : large)
    .toSorted(
      (a, b) => excess(b) - excess(a) || b.used - a.used || byName(a.task.attempt, b.task.attempt),
    )
    .slice(0, PARTIES_MAX);
  const ranked = [
    ...blamed.map((use) => ({ weight: excess(use) || use.used, party: blame(use) })),
    ...others.map((one) => ({ weight: one.used, party: blameOutside(one) })),
  ].toSorted((a, b) => b.weight - a.weight || byName(a.party.id, b.party.id));
  return { parties: ranked.slice(0, PARTIES_MAX).map(({ party }) => party), tasks: blamed };

  function blame(use: TaskUse): Party {
    const { task, used, held } = use;
    const share = shareOf(used);
    const part = share === undefined ? '' : `, ${percent(share)} of all use`;
    const right = held === undefined ? '' : ` and holds ${format(held)}`;
    return { ...attemptParty(task, share), sentence: `uses ${format(used)}${right}${part}` };
  }

  function blameOutside({ kind, id, used, what }: Outside): Party {
    const share = shareOf(used);
    const part = share === undefined ? '' : `, ${percent(share)} of all use`;
    const name = what === undefined ? '' : `(${what}, not of Berth) `;
    const sentence = `${name}uses ${format(used)}${part}`;
    return { kind, id, workload: undefined, tenant: undefined, share, sentence };
  }
}

/** Each that uses much; of many that use little, all as one. */
function largeOf(outside: readonly Outside[], total: number): readonly Outside[] {
  const large = outside.filter(({ used }) => total > 0 && used >= total * CULPRIT_SHARE_MIN);
  const all = outside.reduce((sum, { used }) => sum + Math.max(0, used), 0);
  const rest = outside.find(({ kind }) => kind === 'cgroup');
  if (large.length > 0 || rest === undefined || all < total * CULPRIT_SHARE_MIN) return large;
  return [{ ...rest, used: all }];
}

export interface Outside {
  readonly kind: 'process' | 'cgroup';
  readonly id: string;
  /** What it runs; undefined where the id says it all. */
  readonly what: string | undefined;
  readonly used: number;
}

/** Who waits for a resource, worst first. Culprits brought it upon themselves. */
export function sufferersOf(
  waits: readonly { readonly task: RunningTask; readonly share: number }[],
  culprits: readonly Party[],
  what: string,
): readonly Party[] {
  const blamed = new Set(culprits.map(({ id }) => id));
  return waits
    .filter(({ task, share }) => share >= SUFFERING_MIN && !blamed.has(task.attempt))
    .toSorted((a, b) => b.share - a.share || byName(a.task.attempt, b.task.attempt))
    .slice(0, PARTIES_MAX)
    .map(({ task, share }) => ({
      ...attemptParty(task, share),
      sentence: `waited for ${what} ${percent(share)} of its time`,
    }));
}

export const attemptParty = (
  { attempt, workload, tenant }: RunningTask,
  share: number | undefined,
): Omit<Party, 'sentence'> => ({ kind: 'attempt', id: attempt, workload, tenant, share });

/** Of each task, a series of its own; one query for all. */
export function byAttempt(
  window: MetricWindow,
  name: string,
  within: Interval,
  labels: Readonly<Record<string, string>> = {},
): ReadonlyMap<string, number> {
  const means = new Map<string, number>();
  for (const series of window.all(name, labels)) {
    const attempt = series.labels['attempt'];
    const mean = taskMeanWithin(series.points, within);
    if (attempt !== undefined && mean !== undefined) means.set(attempt, mean);
  }
  return means;
}

/** Share of its time that each task waited, by PSI. */
export function waitsOf(
  window: MetricWindow,
  { tasks }: Facts,
  resource: string,
  within: Interval,
): readonly { readonly task: RunningTask; readonly share: number }[] {
  const waits = byAttempt(window, 'berth_task_pressure_waiting_ratio', within, { resource });
  return tasks.flatMap((task) => {
    const share = waits.get(task.attempt);
    return share === undefined ? [] : [{ task, share }];
  });
}

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
