import { Heap } from '../base/heap.ts';
import type { TimeMs } from '../base/units.ts';
import type { Event } from '../model/messages.ts';
import type { ServiceEvent } from '../model/service-event.ts';
import { NodePorts } from './node-ports.ts';
import type { AttemptRecord, WorkloadRecord } from './records.ts';
import {
  applyServiceEvent,
  forgetOldest,
  noteStarted,
  type ServiceTables,
} from './service-apply.ts';
import { nextServiceEvent, serviceDueAt } from './service-control.ts';

interface Due {
  readonly at: TimeMs;
  readonly workload: WorkloadRecord;
}

/** Which services may have something to decide. All derived: after a restore every one of them is looked at. */
export class Services {
  readonly ports = new NodePorts();
  readonly #tables: ServiceTables;
  readonly #changed = new Set<WorkloadRecord>();
  readonly #due = new Heap<Due>((a, b) =>
    a.at === b.at ? a.workload.number < b.workload.number : a.at < b.at,
  );

  constructor(tables: ServiceTables) {
    this.#tables = tables;
  }

  apply(event: ServiceEvent): void {
    this.touch(applyServiceEvent(event, this.#tables));
  }

  /** Something happened to it. Nothing, for what is no service. */
  touch(workload: WorkloadRecord): void {
    if (workload.service !== undefined) this.#changed.add(workload);
  }

  /** It holds its ports from now on. */
  seated(attempt: AttemptRecord): void {
    this.ports.take(attempt.placement);
    forgetOldest(attempt.task);
  }

  started(attempt: AttemptRecord, at: TimeMs): void {
    this.touch(noteStarted(attempt, at));
  }

  left({ placement, task }: AttemptRecord): void {
    this.ports.give(placement);
    this.touch(task.step.workload);
  }

  /** All that runs of it leaves. */
  drain(workload: WorkloadRecord, at: TimeMs): void {
    if (workload.service === undefined) return;
    for (const { tasks } of workload.steps) {
      for (const task of tasks) if (task.state === 'running') task.retiringSince ??= at;
    }
    this.touch(workload);
  }

  /** The next fact about one of them at `at`; notes which have none. */
  next(at: TimeMs): Event | undefined {
    for (let due = this.#due.peek(); due !== undefined && due.at <= at; due = this.#due.peek()) {
      this.#due.pop();
      this.#changed.add(due.workload);
    }
    for (const workload of this.#changed) {
      const event = nextServiceEvent(workload, at);
      if (event !== undefined) return event;
      this.#changed.delete(workload);
      const dueAt = serviceDueAt(workload);
      if (dueAt !== undefined && dueAt > at) this.#due.push({ at: dueAt, workload });
    }
    return undefined;
  }

  /** An entry may be out of date: then `next` finds nothing, and the next one is told. */
  nextTimer(): TimeMs | undefined {
    return this.#due.peek()?.at;
  }
}
