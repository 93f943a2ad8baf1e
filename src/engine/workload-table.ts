import { assert } from '../base/assert.ts';
import { type AttemptId, parseAttemptId, type TaskId, type WorkloadId } from '../model/ids.ts';
import { type AttemptRecord, type TaskRecord, taskNamed, type WorkloadRecord } from './records.ts';

/** Workloads by id, in order of submission, and what their ids name below them. */
export class WorkloadTable {
  readonly #byId = new Map<WorkloadId, WorkloadRecord>();

  get size(): number {
    return this.#byId.size;
  }

  values(): IterableIterator<WorkloadRecord> {
    return this.#byId.values();
  }

  add(workload: WorkloadRecord): void {
    this.#byId.set(workload.id, workload);
  }

  delete(id: WorkloadId): void {
    this.#byId.delete(id);
  }

  find(id: WorkloadId): WorkloadRecord | undefined {
    return this.#byId.get(id);
  }

  findTask(id: TaskId): TaskRecord | undefined {
    const name = parseAttemptId(`${id}.1`);
    const workload = name && this.#byId.get(name.workload);
    return workload && taskNamed(workload, name);
  }

  /** Undefined also for one that is forgotten. */
  findAttempt(id: AttemptId): AttemptRecord | undefined {
    const name = parseAttemptId(id);
    const workload = name && this.#byId.get(name.workload);
    const task = workload && taskNamed(workload, name);
    return task?.attempts[name!.number - 1 - task.forgotten];
  }

  workload(id: WorkloadId): WorkloadRecord {
    const workload = this.find(id);
    assert(workload !== undefined, `a workload that is known: ${id}`);
    return workload;
  }

  task(id: TaskId): TaskRecord {
    const task = this.findTask(id);
    assert(task !== undefined, `a task that is known: ${id}`);
    return task;
  }

  attempt(id: AttemptId): AttemptRecord {
    const attempt = this.findAttempt(id);
    assert(attempt !== undefined, `an attempt that is known: ${id}`);
    return attempt;
  }
}
