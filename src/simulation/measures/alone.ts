import type { StepId } from '../../model/ids.ts';
import type { StepSpec } from '../../model/workload.ts';
import type { TraceJob } from '../trace.ts';

/** More tasks of one step are not asked one by one. */
const TASKS_ASKED = 1_000;

/**
 * Milliseconds from start to end when all of it has room at once and nothing goes wrong: the longest chain of steps
 * that need each other, each as long as its longest task, as many times as `maxParallel` makes of it.
 */
export function aloneMs(job: TraceJob): number {
  const { steps } = job.spec;
  if (steps.length === 1) return stepMs(job, steps[0]!);
  const byId = new Map(steps.map((step) => [step.id, step]));
  const ends = new Map<StepId, number>();
  // Without recursion: a chain may be thousands of steps long.
  const open = [...steps];
  for (let step = open.at(-1); step !== undefined; step = open.at(-1)) {
    const unknown = step.needs.filter((need) => !ends.has(need));
    if (unknown.length > 0) {
      open.push(...unknown.map((need) => byId.get(need)!));
      continue;
    }
    const begin = step.needs.reduce((latest, need) => Math.max(latest, ends.get(need)!), 0);
    if (!ends.has(step.id)) ends.set(step.id, begin + stepMs(job, step));
    open.pop();
  }
  return [...ends.values()].reduce((longest, end) => Math.max(longest, end), 0);
}

function stepMs(job: TraceJob, { id, count, maxParallel }: StepSpec): number {
  if (count === 0) return 0;
  let longest: number = job.runMs;
  if (job.truth !== undefined) {
    longest = 0;
    for (let index = 0; index < Math.min(count, TASKS_ASKED); index++) {
      longest = Math.max(longest, job.truth({ step: id, index, attempt: 1 }).runMs);
    }
  }
  return longest * Math.ceil(count / Math.min(count, maxParallel));
}

/** Whether the trace itself says that it fails: a task's first attempt does, and there is no other. */
export function failsByItself(job: TraceJob): boolean {
  const { truth } = job;
  if (truth === undefined) return false;
  return job.spec.steps.some(({ id, count, retry }) => {
    for (let index = 0; index < Math.min(count, TASKS_ASKED); index++) {
      const last = { step: id, index, attempt: retry.maxRetries + 1 };
      if (truth(last).outcome === 'failed') return true;
    }
    return false;
  });
}
