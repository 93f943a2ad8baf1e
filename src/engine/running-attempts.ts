import type { MicroDollars, TimeMs } from '../base/units.ts';
import type { AttemptId } from '../model/ids.ts';
import type { NodeIndex } from '../scheduling/node-table.ts';
import { inherit } from './live-changes.ts';
import { inherited } from './money.ts';
import { spanOf } from './quota-gate.ts';
import { type AttemptRecord, runningOf, serve, served, stopOf } from './records.ts';
import type { State } from './state.ts';

/** Placed and not ended: each holds its place from its seat to its end, and all who count hear of both. */
export class RunningAttempts {
  readonly #state: State;
  readonly #attempts = new Map<AttemptId, AttemptRecord>();

  constructor(state: State) {
    this.#state = state;
  }

  /** In order of placement. */
  values(): IterableIterator<AttemptRecord> {
    return this.#attempts.values();
  }

  ids(): AttemptId[] {
    return [...this.#attempts.keys()];
  }

  /** From now on it holds what its placement says. */
  seat(attempt: AttemptRecord, row: NodeIndex): void {
    const { task, placement } = attempt;
    const { table, services, lines } = this.#state;
    serve(attempt);
    task.state = 'running';
    task.step.counts.waiting--;
    task.step.counts.running++;
    table.take(row, placement.held, placement.gpus);
    this.#attempts.set(attempt.id, attempt);
    services.seated(attempt);
    lines.seated(attempt);
    this.#told(attempt, row);
  }

  /** It has ended, and the next in its line takes over its place. */
  leave(attempt: AttemptRecord, at: TimeMs, charged: MicroDollars | undefined): void {
    const { placement, task } = attempt;
    const { table, services, lines, parts, quotas, money, scheduler } = this.#state;
    this.#attempts.delete(attempt.id);
    services.left(attempt);
    table.give(placement.node, placement.held, placement.gpus);
    parts.remove(attempt);
    task.step.counts.running--;
    const row = table.rowOf(placement.node);
    quotas?.ended(attempt.id, spanOf(attempt), at);
    money.ended(attempt, charged, at);
    served(attempt);
    lines.left(attempt);
    if (row === undefined) return;
    scheduler.ended(runningOf(attempt, row), at);
    this.#takeOver(attempt, row, at);
  }

  /** From a snapshot, in order of placement: what it holds is taken already. */
  restore(attempt: AttemptRecord): void {
    const { table, services, scheduler } = this.#state;
    this.#attempts.set(attempt.id, attempt);
    services.seated(attempt);
    this.#told(attempt, table.rowOf(attempt.placement.node)!);
    if (attempt.stop !== undefined) scheduler.stopping?.(attempt.id);
  }

  /** Only of an attempt that succeeded. */
  #takeOver(before: AttemptRecord, row: NodeIndex, at: TimeMs): void {
    const attempt = before.next;
    if (attempt === undefined || before.end?.cause !== 'succeeded') return;
    const { lines, toStop } = this.#state;
    lines.remove(attempt);
    attempt.placedAt = at;
    attempt.cost = inherited(before.cost, at);
    inherit(attempt, before);
    const { step } = attempt.task;
    step.lined--;
    this.seat(attempt, row);
    // The order to stop came too late for the one before.
    const reason = stopOf(step.workload) ?? before.stop;
    if (reason !== undefined) toStop.push({ attempt, reason });
  }

  /** The policies hear of what runs. */
  #told(attempt: AttemptRecord, row: NodeIndex): void {
    const { parts, scheduler, quotas, money } = this.#state;
    parts.add(attempt);
    scheduler.placed(runningOf(attempt, row));
    quotas?.started(attempt.id, spanOf(attempt));
    money.started(attempt);
  }
}
