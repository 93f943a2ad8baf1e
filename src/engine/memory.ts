import type { SavedMemory } from './engine-options.ts';
import type { State } from './state.ts';

/** What a state remembers of work that is gone, for its snapshot: nothing where it remembers nothing. */
export function saveMemory(state: State): SavedMemory {
  const [scheduler, quotas] = [state.scheduler.save?.(), state.quotas?.save()];
  const budgets = state.money.book.save();
  const submissions = state.active.submissions.save();
  const [storage, spot] = [state.storage?.save() ?? [], state.table.spot.quotes];
  const [batches, gatherings] = [state.batches.save(), state.deferrals.save()];
  return {
    ...(scheduler !== undefined && { scheduler }),
    ...(quotas && { quotas }),
    ...(budgets.length > 0 && { budgets }),
    ...(submissions.length > 0 && { submissions }),
    ...(storage.length > 0 && { storage }),
    ...(spot.length > 0 && { spot }),
    ...(batches.length > 0 && { batches }),
    ...(gatherings.length > 0 && { gatherings }),
  };
}

/** What has to be known when tasks enter the queue. */
export function restoreBefore(state: State, memory: SavedMemory): void {
  state.batches.restore(memory.batches ?? []);
  state.deferrals.restore(memory.gatherings ?? [], (id) => state.workload(id));
}

/** What would count twice if it were restored before all that waits and runs was told. */
export function restoreAfter(state: State, memory: SavedMemory): void {
  if (memory.scheduler !== undefined) state.scheduler.restore?.(memory.scheduler);
  if (memory.quotas !== undefined) state.quotas?.restore(memory.quotas);
  if (memory.budgets !== undefined) state.money.book.restore(memory.budgets);
  state.active.submissions.restore(memory.submissions ?? []);
  state.storage?.measured(memory.storage ?? []);
  state.table.spot.quote(memory.spot ?? []);
}
