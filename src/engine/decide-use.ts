import type { Command, Event } from '../model/messages.ts';
import { isStopped } from './records.ts';
import type { State } from './state.ts';
import { exceededBy, limitPassed, toldBy } from './told-use.ts';

/** What a running attempt told of its use, and what that ends: itself, or its workload. */
export function decideUse(
  state: State,
  { at, attempt: id, used: told }: Extract<Command, { kind: 'report-use' }>,
): Event[] {
  const attempt = state.attempt(id);
  if (attempt === undefined || attempt.end !== undefined) return [];
  const used = toldBy(attempt, told);
  if (used === undefined) return [];
  if (JSON.stringify(used) === JSON.stringify(toldBy(attempt, {}))) return [];
  const events: Event[] = [{ kind: 'attempt-used', at, attempt: id, used }];
  const { workload } = attempt.task.step;
  const reached = limitPassed(attempt, used);
  if (reached !== undefined && workload.state === 'active' && !isStopped(workload)) {
    events.push({ kind: 'limit-reached', at, workload: workload.id, reached });
    return events;
  }
  // One that stands in line still is judged by what it came to.
  const runs = attempt.behind === undefined && attempt.stop === undefined;
  if (runs && exceededBy(attempt, used) !== undefined) {
    events.push({ kind: 'stop-ordered', at, attempt: id, reason: 'over-limit' });
  }
  return events;
}
