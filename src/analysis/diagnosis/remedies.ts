import type { Party, Remedy } from '../finding.ts';
import type { StrategyName } from './ladder.ts';
import type { TaskUse } from './parties.ts';

/** How hard a remedy takes hold, from what only watches to what ends work. */
type Force = 'prevent' | 'watch' | 'priority' | 'gradual' | 'reallocate' | 'pause' | 'cancel';

export interface Possible {
  readonly force: Force;
  readonly remedy: Remedy;
}

/** Which comes first at which step of the ladder; what is not named is not proposed. */
const orders: Readonly<Record<StrategyName, readonly Force[]>> = {
  'immediate-cpu-reallocation': ['reallocate', 'priority', 'pause', 'cancel', 'watch'],
  'memory-rebalancing': ['reallocate', 'pause', 'cancel', 'watch', 'prevent'],
  'io-optimization': ['reallocate', 'priority', 'pause', 'cancel', 'watch', 'prevent'],
  'comprehensive-rebalancing': ['reallocate', 'priority', 'pause', 'cancel', 'watch', 'prevent'],
  'gradual-resource-adjustment': ['gradual', 'reallocate', 'priority', 'pause', 'watch'],
  'process-priority-optimization': ['priority', 'reallocate', 'pause', 'watch', 'prevent'],
  'monitoring-and-minor-adjustments': ['priority', 'gradual', 'reallocate', 'watch', 'prevent'],
  'preventive-optimization': ['prevent', 'watch', 'reallocate'],
};

const REMEDIES_MAX = 6;

/** In the order in which they are to be tried. */
export const ranked =
  (possible: readonly Possible[]) =>
  (strategy: StrategyName): readonly Remedy[] =>
    orders[strategy]
      .flatMap((force) => possible.filter((one) => one.force === force))
      .slice(0, REMEDIES_MAX)
      .map(({ remedy }) => remedy);

/** Steps are adjusted one by one: another step of the same workload may hold something else. */
const which = ({ task }: TaskUse): string => `${task.workload} --step ${task.step}`;

/** Whole amounts as `berth adjust` takes them. */
export const cores = (amount: number): string => String(Math.max(0.01, Number(amount.toFixed(2))));

export function cpuRemedies(
  culprits: readonly TaskUse[],
  parties: readonly Party[],
  sufferers: readonly Party[],
): readonly Possible[] {
  const possible: Possible[] = [];
  const [worst] = culprits;
  if (worst !== undefined) possible.push(...againstTask(worst));
  const [outsider] = parties.filter(({ kind }) => kind === 'process');
  if (outsider !== undefined) possible.push(renice(outsider));
  const [sufferer] = sufferers;
  if (sufferer !== undefined) {
    possible.push({
      force: 'prevent',
      remedy: {
        title: `Let ${sufferer.workload} hold CPUs of its own`,
        why: `${sufferer.id} waits for CPUs that others use.`,
        risk: 'low',
        effect: 'Nobody else is placed on them; it waits no longer once it starts anew.',
        command: undefined,
      },
    });
  }
  possible.push(watch('berth_node_pressure_waiting_ratio'));
  return possible;
}

function againstTask(use: TaskUse): readonly Possible[] {
  const { task, used, held } = use;
  const isBeyond = held !== undefined && used > held;
  const to = isBeyond ? held : used / 2;
  const half = isBeyond ? (used + held) / 2 : used * 0.75;
  const hold = (amount: number, how: string): Remedy => ({
    title: `${how} ${task.attempt} to ${cores(amount)} CPUs`,
    why: isBeyond
      ? `It uses ${cores(used)} CPUs and holds ${cores(held)}.`
      : `It uses most of the CPU time: ${cores(used)} CPUs.`,
    risk: 'low',
    effect: `About ${cores(Math.max(0, used - amount))} CPUs are free for others; it becomes slower.`,
    command: `berth adjust ${which(use)} --cpu ${cores(amount)}`,
  });
  return [
    { force: 'reallocate', remedy: hold(to, 'Hold') },
    { force: 'gradual', remedy: hold(half, 'Begin to hold') },
    {
      force: 'priority',
      remedy: {
        title: `Let ${task.attempt} give way`,
        why: 'It then runs on what others leave.',
        risk: 'low',
        effect: 'Others get CPUs first; it runs on whatever is left.',
        command: `berth adjust ${which(use)} --nice 10`,
      },
    },
    ...endingTask(use),
  ];
}

/** For any resource: what stands still uses nothing more. */
export const endingTask = ({ task }: TaskUse): readonly Possible[] => [
  {
    force: 'pause',
    remedy: {
      title: `Pause ${task.workload}`,
      why: `${task.attempt} uses most of what is short.`,
      risk: 'medium',
      effect: 'It stands still and keeps its memory; others go on at once.',
      command: `berth pause ${task.workload}`,
    },
  },
  {
    force: 'cancel',
    remedy: {
      title: `Cancel ${task.workload}`,
      why: `${task.attempt} uses most of what is short.`,
      risk: 'high',
      effect: 'All it holds is free; what it has not saved is lost.',
      command: `berth cancel ${task.workload}`,
    },
  },
];

/** Of a process that Berth did not start. */
export const renice = ({ id, sentence }: Party): Possible => ({
  force: 'priority',
  remedy: {
    title: `Let process ${id} give way`,
    why: `${id} ${sentence}.`,
    risk: 'low',
    effect: 'Tasks of Berth get CPUs first.',
    command: `renice -n 10 -p ${id}`,
  },
});

export const watch = (name: string): Possible => ({
  force: 'watch',
  remedy: {
    title: 'Watch it',
    why: 'Whether it grows tells more than one number.',
    risk: 'none',
    effect: 'Nothing changes.',
    command: `berth metrics history ${name} --since 1h`,
  },
});
