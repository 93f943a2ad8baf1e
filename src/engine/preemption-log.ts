import { type PreemptionRecord, startsMore } from './records.ts';
import type { State } from './state.ts';

/** Preemptions kept for explaining them and for the budgets; of the older ones the journal tells. */
export const PREEMPTIONS_KEPT = 1_000;

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
  const waits = task?.state === 'waiting' && startsMore(task.step);
  state.scheduler.preempting?.(record.preemption, record.at, waits ? task : undefined);
}
