import type { StopReason } from '../model/attempt.ts';
import { currentAttempt, type StepRecord, type ToStop } from './records.ts';

/** Attempts that are to be told to stop, the last one first. One that ended meanwhile is dropped. */
export class StopOrders {
  readonly #orders: ToStop[] = [];

  push(order: ToStop): void {
    this.#orders.push(order);
  }

  /** All that run of the step. */
  pushAll(step: StepRecord, reason: StopReason): void {
    if (step.counts.running === 0) return;
    for (const task of step.tasks) {
      if (task.state === 'running') this.push({ attempt: currentAttempt(task)!, reason });
    }
  }

  first(): ToStop | undefined {
    while (this.#orders.length > 0) {
      const last = this.#orders.at(-1)!;
      if (last.attempt.end === undefined && last.attempt.stop === undefined) return last;
      this.#orders.pop();
    }
    return undefined;
  }
}
