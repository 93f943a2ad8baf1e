import { assert } from '../base/assert.ts';
import {
  type AttemptId,
  type AttemptName,
  parseAttemptId,
  type TaskId,
  type WorkloadId,
} from '../model/ids.ts';
import {
  type AttemptRecord,
  attemptsOf,
  stepNamed,
  type TaskRecord,
  type WorkloadRecord,
} from './records.ts';

/** So many that were retired before the rest is moved to the front. */
const RETIRED_KEPT = 64;

/** The workloads of a state, in order of submission, and what is found below them by id. */
export class WorkloadTable extends Map<WorkloadId, WorkloadRecord> {
  /** In the order in which they ended; those before `#oldest` have been retired. */
  #ended: WorkloadRecord[] = [];
  #oldest = 0;
  #lastId: AttemptId | undefined;
  #lastName: AttemptName | undefined;

  known(id: WorkloadId): WorkloadRecord {
    const workload = this.get(id);
    assert(workload !== undefined, `a workload that is known: ${id}`);
    return workload;
  }

  attempt(id: AttemptId): AttemptRecord | undefined {
    const name = this.#named(id);
    if (name === undefined) return undefined;
    const task = this.#taskOf(name);
    return task?.attempts[name.number - 1 - task.forgotten];
  }

  knownAttempt(id: AttemptId): AttemptRecord {
    const attempt = this.attempt(id);
    assert(attempt !== undefined, `an attempt that is known: ${id}`);
    return attempt;
  }

  task(id: TaskId): TaskRecord | undefined {
    const name = parseAttemptId(`${id}.1`);
    return name && this.#taskOf(name);
  }

  #taskOf({ workload: id, step, index }: AttemptName): TaskRecord | undefined {
    const workload = this.get(id);
    return workload && stepNamed(workload, step)?.tasks[index];
  }

  /** Who looks for an attempt once mostly does so again. */
  #named(id: AttemptId): AttemptName | undefined {
    if (id === this.#lastId) return this.#lastName;
    this.#lastId = id;
    this.#lastName = parseAttemptId(id);
    return this.#lastName;
  }

  knownTask(id: TaskId): TaskRecord {
    const task = this.task(id);
    assert(task !== undefined, `a task that is known: ${id}`);
    return task;
  }

  /** The task of an attempt that is its next. */
  taskOfNext(id: AttemptId): TaskRecord {
    const name = this.#named(id);
    assert(name !== undefined, 'an attempt id of ours');
    const task = this.#taskOf(name);
    assert(task !== undefined, `a task that is known: ${name.task}`);
    assert(name.number === attemptsOf(task) + 1, 'attempts are numbered in order');
    return task;
  }

  ended(workload: WorkloadRecord): void {
    this.#ended.push(workload);
  }

  endedIds(): WorkloadId[] {
    return this.#ended.slice(this.#oldest).map(({ id }) => id);
  }

  /** The workload that ended first, when more than `max` have ended. */
  oldestEnded(max: number): WorkloadRecord | undefined {
    return this.#ended.length - this.#oldest > max ? this.#ended[this.#oldest] : undefined;
  }

  retire(id: WorkloadId): void {
    const first = this.#ended[this.#oldest++];
    assert(first !== undefined && first.id === id, 'the first that ended retires first');
    this.delete(id);
    if (this.#oldest < RETIRED_KEPT || this.#oldest * 2 < this.#ended.length) return;
    this.#ended = this.#ended.slice(this.#oldest);
    this.#oldest = 0;
  }
}
