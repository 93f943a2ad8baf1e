import type { ReadWindow } from '../api/views/money.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { SqliteJournal } from '../store/io/journal.ts';
import { eventsOf, openJournalWindow, primeActive } from './journal-window.ts';

interface Reader {
  /** Learns what there was of it before the window. */
  prime(id: WorkloadId): void;
  read(event: Event): void;
}

/**
 * Reads the journal of a window, as much of it as there is. `open` gets the window that is really read, and how
 * to ask for what happened to a workload before.
 */
export async function readWindow(
  { journal, engine }: { readonly journal: SqliteJournal; readonly engine: Engine },
  asked: { readonly from: TimeMs; readonly to: TimeMs },
  open: (
    window: { readonly from: TimeMs; readonly to: TimeMs },
    before: (id: WorkloadId) => Iterable<Event>,
  ) => Reader,
): Promise<ReadWindow> {
  const { from, to, complete, events } = openJournalWindow(journal, asked);
  const reader = open({ from, to }, (id) => eventsOf(journal, id));
  await primeActive(engine, from, (id) => reader.prime(id));
  for await (const event of events()) reader.read(event);
  return { from, to, complete };
}
