import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { SqliteJournal } from '../store/io/journal.ts';

/** Events that one report reads at most: some seconds, in small pieces. */
export const EVENTS_MAX = 300_000;
/** So long is the loop held before everybody else has his turn: about 256 events (2-vCPU VM, November 2026). */
const HELD_MS = 5;
/** Of one workload before the window. */
const BEFORE_MAX = 20_000;

export interface JournalWindow {
  readonly from: TimeMs;
  readonly to: TimeMs;
  /** False: the journal does not go back so far, or there is too much of it. */
  readonly complete: boolean;
  /** In order, in small pieces, so that everybody else has his turn. */
  events(): AsyncIterable<Event>;
}

export function openJournalWindow(
  journal: SqliteJournal,
  asked: { readonly from: TimeMs; readonly to: TimeMs },
): JournalWindow {
  const { to } = asked;
  const last = journal.lastSequence;
  const wanted = journal.sequenceAt(asked.from);
  const first = Math.max(wanted, last - EVENTS_MAX + 1);
  const began = atOf(journal, first, to);
  // Nothing before the first event that is kept is known, unless that is the first there ever was.
  const complete = first === wanted && (first === 1 || began <= asked.from || wanted > last);
  const from = (first === wanted ? asked.from : began) as TimeMs;
  return { from, to, complete, events: () => readPieces(journal, { first, last, to }) };
}

/** Long work in pieces, by time: an event may ask for all that was of its workload before. */
export class Pieces {
  #until = performance.now() + HELD_MS;

  get isOver(): boolean {
    return performance.now() >= this.#until;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.#until = performance.now() + HELD_MS;
  }
}

/** Work that can be left between its steps, to its end; others have their turn. */
export async function inPieces<T>(
  work: Generator<undefined, T, undefined>,
  pieces = new Pieces(),
): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    if (pieces.isOver) await pieces.next();
  }
}

/** Asks for what was of each workload that is active since before `from`. */
export async function primeActive(
  engine: Engine,
  from: number,
  prime: (id: WorkloadId) => void,
): Promise<void> {
  const pieces = new Pieces();
  // Others change what there is meanwhile.
  const known = [...engine.state.workloads()]
    .filter(({ state, submittedAt }) => state === 'active' && submittedAt < from)
    .map(({ id }) => id);
  for (const id of known) {
    prime(id);
    if (pieces.isOver) await pieces.next();
  }
}

async function* readPieces(
  journal: SqliteJournal,
  { first, last, to }: { readonly first: number; readonly last: number; readonly to: TimeMs },
): AsyncIterable<Event> {
  const pieces = new Pieces();
  for (const { sequence, event } of journal.readFrom(first)) {
    if (sequence > last || event.at > to) return;
    yield event;
    if (pieces.isOver) await pieces.next();
  }
}

function atOf(journal: SqliteJournal, sequence: number, otherwise: TimeMs): TimeMs {
  for (const { event } of journal.readFrom(sequence)) return event.at;
  return otherwise;
}

/** What the journal says of a workload, from its beginning. */
export function* eventsOf(journal: SqliteJournal, id: WorkloadId): Iterable<Event> {
  let count = 0;
  for (const { event } of journal.readWorkload(id)) {
    if (++count > BEFORE_MAX) return;
    yield event;
  }
}
