import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { restoreSnapshot, SNAPSHOT_FORMAT } from '../engine/snapshot.ts';
import type { SqliteJournal } from '../store/io/journal.ts';

export interface Recovered {
  /** Events after the snapshot. */
  readonly replayed: number;
  /** When it was done, in milliseconds of this process. */
  readonly at: number;
}

/** Rebuilds the state of an empty engine: the newest snapshot, then every event after it. */
export function recover(engine: Engine, journal: SqliteJournal): Recovered {
  const snapshot = journal.latestSnapshot();
  const usable = snapshot !== undefined && isReadable(snapshot.body);
  if (usable) restoreSnapshot(engine.state, snapshot.body);
  let replayed = 0;
  let last: TimeMs | undefined;
  for (const { event } of journal.readFrom(usable ? snapshot.sequence + 1 : 1)) {
    engine.apply(event);
    replayed++;
    last = event.at;
  }
  if (last !== undefined) engine.replayed(last);
  return { replayed, at: performance.now() };
}

/** This Berth wrote snapshots of its form. */
export const isReadable = (body: string): boolean =>
  (JSON.parse(body) as { format?: unknown }).format === SNAPSHOT_FORMAT;
