import { assert } from '../base/assert.ts';
import type { Event, MeasuredEvent } from '../model/messages.ts';
import type { State } from './state.ts';
import { tellUse } from './told-use.ts';

const kinds: Record<MeasuredEvent['kind'], true> = {
  'attempt-used': true,
  'storage-measured': true,
};

export const isMeasuredEvent = (event: Event): event is MeasuredEvent =>
  Object.hasOwn(kinds, event.kind);

export function applyMeasured(state: State, event: MeasuredEvent): void {
  if (event.kind === 'attempt-used') {
    const attempt = state.attempt(event.attempt);
    assert(attempt !== undefined, `an attempt that is known: ${event.attempt}`);
    tellUse(attempt, event.used);
    return;
  }
  state.storage?.measured(event.used);
  // Whoever waited because of it may start, or may not any more.
  state.scheduler.nodesChanged();
}
