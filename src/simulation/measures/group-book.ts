import type { WorkloadSpec } from '../../model/workload.ts';
import type { Vector } from '../../scheduling/usage-account.ts';

export const groupings = ['queue', 'tenant', 'size'] as const;
export type Grouping = (typeof groupings)[number];

/** What is added up of one queue, tenant or class of size while a simulation goes on. */
export interface GroupSums {
  readonly name: string;
  readonly index: number;
  /** Held × milliseconds, of attempts that have ended. */
  readonly held: [number, number, number];
  readonly lost: [number, number, number];
  interruptions: number;
  microDollars: number;
  /** Joules beyond what idle nodes draw. */
  joules: number;
  deadlines: number;
  deadlinesMet: number;
  /** Jobs that have not started. */
  waiting: number;
  waitingMax: number;
  /** Jobs × milliseconds until `since`. */
  waited: number;
  since: number;
}

/** The groups of one kind, in the order in which they first came up. */
export class GroupBook {
  readonly #byName = new Map<string, GroupSums>();
  readonly #rows: GroupSums[] = [];

  rows(): readonly GroupSums[] {
    return this.#rows;
  }

  of(name: string): GroupSums {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const made: GroupSums = {
      name,
      index: this.#rows.length,
      held: [0, 0, 0],
      lost: [0, 0, 0],
      interruptions: 0,
      microDollars: 0,
      joules: 0,
      deadlines: 0,
      deadlinesMet: 0,
      waiting: 0,
      waitingMax: 0,
      waited: 0,
      since: 0,
    };
    this.#byName.set(name, made);
    this.#rows.push(made);
    return made;
  }
}

export function countWaiting(group: GroupSums, change: 1 | -1, at: number): void {
  group.waited += group.waiting * (at - group.since);
  group.since = at;
  group.waiting += change;
  group.waitingMax = Math.max(group.waitingMax, group.waiting);
}

/** The most that a job of this form can hold at once, if its steps run one after the other. */
export function largestAsk({ steps }: WorkloadSpec): Vector {
  const most: [number, number, number] = [0, 0, 0];
  for (const { request, count, maxParallel } of steps) {
    const times = Math.min(count, maxParallel);
    most[0] = Math.max(most[0], request.cpu * times);
    most[1] = Math.max(most[1], Math.ceil(request.memory / MIB) * times);
    most[2] = Math.max(most[2], request.gpu * times);
  }
  return most;
}

const MIB = 1024 ** 2;

/** Classes by the most that is asked for at once: of GPUs where any are, else of CPUs. The smallest first. */
const gpuClasses: readonly (readonly [below: number, name: string])[] = [
  [999, 'part of a GPU'],
  [1_000, '1 GPU'],
  [8_000, '2–8 GPUs'],
  [64_000, '9–64 GPUs'],
  [Number.POSITIVE_INFINITY, 'more than 64 GPUs'],
];
const cpuClasses: readonly (readonly [below: number, name: string])[] = [
  [1_000, 'up to 1 CPU'],
  [8_000, 'up to 8 CPUs'],
  [64_000, 'up to 64 CPUs'],
  [Number.POSITIVE_INFINITY, 'more than 64 CPUs'],
];

export const sizeClasses: readonly string[] = [...cpuClasses, ...gpuClasses].map(
  ([, name]) => name,
);

export function sizeClassOf([cpu, , gpu]: Vector): string {
  const [classes, asked] = gpu > 0 ? [gpuClasses, gpu] : [cpuClasses, cpu];
  return classes.find(([most]) => asked <= most)![1];
}
