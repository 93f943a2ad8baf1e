import { noConstraints } from '../model/constraints.ts';
import type { SpotPolicy } from '../model/spot.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import type { BoundConstraints } from '../scheduling/shape.ts';

/** Of a workload: what its tasks do, by the word of whoever wrote it. */
const TYPE_LABEL = 'task_type';

/**
 * Whether tasks of the step may be on nodes that are taken away. What its workload says of itself holds, else
 * what the site says of tasks of that name. Tasks that start together would all start again with one of them,
 * and who holds a lease is not told to go.
 */
export function maySpot(
  { id, gangMin, run }: Pick<StepSpec, 'id' | 'gangMin' | 'run'>,
  { spot, name, labels }: Pick<WorkloadSpec, 'spot' | 'name' | 'labels'>,
  policy: SpotPolicy | undefined,
): boolean {
  if (gangMin !== undefined || run.kind === 'held') return false;
  if (spot !== undefined) return spot;
  if (policy === undefined) return false;
  const type = Object.hasOwn(labels, TYPE_LABEL) ? labels[TYPE_LABEL] : undefined;
  const known = [id, name, type].map((word) => word && plain(word));
  return policy.suitableTasks.some((word) => known.includes(plain(word)));
}

/** `data-preprocessing` is `data_preprocessing`: ids of services and hosts have no underscores. */
const plain = (word: string): string => word.replaceAll('-', '_');

/** Where its tasks may be, as the scheduler is asked. */
export function boundOf(
  step: StepSpec,
  workload: WorkloadSpec,
  policy: SpotPolicy | undefined,
): BoundConstraints | undefined {
  const { constraints } = step;
  if (!maySpot(step, workload, policy)) return constraints;
  return { ...(constraints ?? noConstraints), spot: 'now' };
}
