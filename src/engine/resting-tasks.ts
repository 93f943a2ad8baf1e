import { Heap } from '../base/heap.ts';
import type { TimeMs } from '../base/units.ts';
import { startsMore, type TaskRecord } from './records.ts';

/** Keeps its own time: a task that rests again must not move an entry that is in the heap already. */
interface Resting {
  readonly dueAt: TimeMs;
  readonly task: TaskRecord;
}

/** Tasks that wait for their retry to be due. One that no longer does is dropped when it comes up. */
export class RestingTasks {
  readonly #heap = new Heap<Resting>((a, b) =>
    a.dueAt === b.dueAt ? a.task.id < b.task.id : a.dueAt < b.dueAt,
  );

  /** The task rests until its `dueAt`. */
  push(task: TaskRecord): void {
    this.#heap.push({ dueAt: task.dueAt!, task });
  }

  /** The first that is due, then the first by id. */
  first(): TaskRecord | undefined {
    for (;;) {
      const first = this.#heap.peek();
      if (first === undefined) return undefined;
      const { task, dueAt } = first;
      if (task.state === 'resting' && task.dueAt === dueAt && startsMore(task.step)) return task;
      this.#heap.pop();
    }
  }
}
