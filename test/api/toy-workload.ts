import type { AttemptDocument, StepDocument } from '../../src/api/contract/documents.ts';

/** What a scenario says of one step; everything else follows from time and room. */
export interface ToyStep {
  readonly id: string;
  readonly needs?: readonly string[];
  readonly command: string;
  readonly tasks?: number;
  readonly parallel?: number;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly gpuMilli?: number;
  readonly memoryLimitBytes?: number;
  /** How long each attempt runs, in ms of the scenario. */
  readonly runMs: number;
  /** How the given attempt (1 is the first) of the task ends; succeeds when not said. */
  readonly ends?: (task: number, attempt: number) => ToyEnd | undefined;
  /** What it writes in the given second of its run. */
  readonly says?: (second: number, task: number) => string;
}

interface ToyEnd {
  readonly cause: NonNullable<AttemptDocument['cause']>;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly message?: string;
  /** Another attempt follows. */
  readonly retried?: boolean;
}

export interface ToyWorkload {
  readonly name: string;
  readonly kind?: 'job' | 'pipeline';
  readonly queue?: string;
  readonly tenant?: string;
  readonly priority?: number;
  readonly source?: string;
  readonly steps: readonly ToyStep[];
}

export const GIB = 1_073_741_824;
export const MIB = 1_048_576;

type Counts = StepDocument['tasks'];

export const noTasks = (total: number): Counts => ({
  total,
  waiting: total,
  running: 0,
  succeeded: 0,
  failed: 0,
  cancelled: 0,
});

export function addCounts(all: readonly Counts[]): Counts {
  const sum = noTasks(0);
  for (const counts of all) {
    sum.total += counts.total;
    sum.waiting += counts.waiting;
    sum.running += counts.running;
    sum.succeeded += counts.succeeded;
    sum.failed += counts.failed;
    sum.cancelled += counts.cancelled;
  }
  return sum;
}
