import { setImmediate as nextTurn } from 'node:timers/promises';
import { bytes, spanMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { takeSnapshot } from '../engine/snapshot.ts';
import type { SqliteJournal } from '../store/io/journal.ts';
import type { DaemonLog } from './daemon-log.ts';
import type { SystemClock } from './system-clock.ts';

/** A start replays at most about this many events: a second's work. */
const SNAPSHOT_EVERY_EVENTS = 50_000;
const KEEP_HISTORY_MS = spanMs(90 * 86_400_000);
const KEEP_HISTORY_BYTES = bytes(2 * 1024 ** 3);

/** Takes a snapshot every so many events, one at a time, and prunes the history behind it. */
export class SnapshotKeeper {
  readonly #engine: Engine;
  readonly #journal: SqliteJournal;
  readonly #clock: SystemClock;
  readonly #log: DaemonLog;
  #since = 0;
  #taking: Promise<void> | undefined;

  constructor(engine: Engine, journal: SqliteJournal, clock: SystemClock, log: DaemonLog) {
    this.#engine = engine;
    this.#journal = journal;
    this.#clock = clock;
    this.#log = log;
  }

  note(events: number): void {
    this.#since += events;
    if (this.#since < SNAPSHOT_EVERY_EVENTS || this.#taking !== undefined) return;
    this.#taking = this.take().finally(() => {
      this.#taking = undefined;
    });
  }

  /** A snapshot that cannot be written only makes the next start slower. */
  async take(): Promise<void> {
    if (this.#since === 0) return;
    this.#since = 0;
    try {
      await this.#journal.writeSnapshot(
        this.#journal.lastSequence,
        takeSnapshot(this.#engine.state),
      );
      const at = this.#clock.now();
      const policy = { at, keepMs: KEEP_HISTORY_MS, keepBytes: KEEP_HISTORY_BYTES };
      while (this.#journal.prune(policy).more) await nextTurn();
    } catch (error) {
      this.#log('store', 'the snapshot could not be written', error);
    }
  }
}
