import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReadWindow } from '../api/views/money.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { SqliteJournal } from '../store/io/journal.ts';

/** Events that one report reads at most: some seconds, in small pieces. */
export const EVENTS_MAX = 300_000;
/** Between two turns of everybody else: about 5 ms (2-vCPU VM, November 2026). */
export const PIECE = 256;
/** Of one workload before the window. */
const BEFORE_MAX = 20_000;

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
  const { to } = asked;
  const last = journal.lastSequence;
  const wanted = journal.sequenceAt(asked.from);
  const first = Math.max(wanted, last - EVENTS_MAX + 1);
  const began = atOf(journal, first, to);
  // Nothing before the first event that is kept is known, unless that is the first there ever was.
  const complete = first === wanted && (first === 1 || began <= asked.from || wanted > last);
  const from = (first === wanted ? asked.from : began) as TimeMs;
  const reader = open({ from, to }, (id) => eventsOf(journal, id));
  for (const workload of engine.state.workloads()) {
    if (workload.state === 'active' && workload.submittedAt < from) reader.prime(workload.id);
  }
  let count = 0;
  for (const { sequence, event } of journal.readFrom(first)) {
    if (sequence > last || event.at > to) break;
    reader.read(event);
    if (++count % PIECE === 0) await nextTurn();
  }
  return { from, to, complete };
}

function atOf(journal: SqliteJournal, sequence: number, otherwise: TimeMs): TimeMs {
  for (const { event } of journal.readFrom(sequence)) return event.at;
  return otherwise;
}

/** The first of one workload. */
export function* eventsOf(journal: SqliteJournal, id: WorkloadId): Iterable<Event> {
  let count = 0;
  for (const { event } of journal.readWorkload(id)) {
    if (++count > BEFORE_MAX) return;
    yield event;
  }
}
