import type { Event } from '../model/messages.ts';
import { attemptsOf, type PreemptionRecord, startsMore } from './records.ts';
import type { State } from './state.ts';
import type { StopOrders } from './stop-orders.ts';

/** Preemptions kept for explaining them and for the budgets; of the older ones the journal tells. */
const PREEMPTIONS_KEPT = 1_000;

/** Tells the scheduler of a state that was just restored what was ordered, and whether it is in force still. */
export function tellPreemption(state: State, record: PreemptionRecord): void {
  const { victims, preemptor } = record.preemption;
  let stopping = false;
  for (const victim of victims) {
    const attempt = state.attempt(victim.attempt);
    if (attempt === undefined) continue;
    attempt.preemption = record;
    if (attempt.end === undefined) stopping = true;
  }
  const task = stopping ? state.task(preemptor) : undefined;
  const waits =
    task?.state === 'waiting' &&
    startsMore(task.step) &&
    attemptsOf(task) === (record.attempts ?? attemptsOf(task));
  state.scheduler.preempting?.(record.preemption, record.at, waits ? task : undefined);
}

/** The victims stop next, and the scheduler knows for whom; the log with it, and without the oldest. */
export function orderPreemption(
  state: State,
  { at, preemption }: Extract<Event, { kind: 'preemption-ordered' }>,
  toStop: StopOrders,
): readonly PreemptionRecord[] {
  const preemptor = state.task(preemption.preemptor);
  const record = { at, preemption, ...(preemptor && { attempts: attemptsOf(preemptor) }) };
  for (const { attempt: id } of preemption.victims.toReversed()) {
    const attempt = state.attempt(id)!;
    attempt.preemption = record;
    toStop.push({ attempt, reason: 'preempted' });
  }
  state.scheduler.preempting?.(preemption, at, preemptor);
  return [...state.preemptions, record].slice(-PREEMPTIONS_KEPT);
}
