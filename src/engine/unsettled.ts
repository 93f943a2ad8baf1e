import type { StepRecord, WorkloadRecord } from './records.ts';

/** Steps about which there may be something to decide since they were last looked at, by workload. */
export class Unsettled {
  readonly #steps = new Map<WorkloadRecord, Set<StepRecord>>();

  /** Workloads with any. */
  get size(): number {
    return this.#steps.size;
  }

  add(step: StepRecord): void {
    const { workload } = step;
    const steps = this.#steps.get(workload);
    if (steps === undefined) this.#steps.set(workload, new Set([step]));
    else steps.add(step);
  }

  /** Each of its steps, or the whole. */
  addAll(workload: WorkloadRecord): void {
    this.#steps.set(workload, new Set(workload.steps));
  }

  /** In the order in which they came. A step that is taken from its set is settled. */
  entries(): IterableIterator<[WorkloadRecord, Set<StepRecord>]> {
    return this.#steps.entries();
  }

  settle(workload: WorkloadRecord): void {
    this.#steps.delete(workload);
  }
}
