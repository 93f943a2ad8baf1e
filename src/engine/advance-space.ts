import type { TimeMs } from '../base/units.ts';
import type { State } from './state.ts';

/** It is `at` now: what is derived of the space of phases is looked at again where that matters. */
export function advanceSpace({ table, scheduler }: State, at: TimeMs): void {
  const { moved, due } = table.space.advance(at);
  // Marks the row as changed.
  for (const row of moved) table.setAside(row, table.aside(row));
  if (due) scheduler.nodesChanged();
}
