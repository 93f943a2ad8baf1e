import { readdir } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { AttemptId } from '../../../model/ids.ts';
import { type AttemptTrace, attemptOfRecord, traceOf } from './attempt-folder.ts';

const SCAN_AT_ONCE = 64;
/** How often orphans are looked at: nobody tells of their ends. */
const ORPHAN_POLL_MS = 200;

/** What the folders of attempts say, and who is watched there because no launcher tells of him. */
export class AttemptTraces {
  readonly #dir: string;
  readonly #bootId: string;
  /** Run under a shim of an earlier launcher. */
  readonly #orphans = new Set<AttemptId>();

  constructor(dir: string, bootId: string) {
    this.#dir = dir;
    this.#bootId = bootId;
  }

  of(attempt: AttemptId): Promise<AttemptTrace> {
    return traceOf(this.#dir, attempt, this.#bootId);
  }

  /** All attempts that are begun and not settled. */
  async all(): Promise<readonly (readonly [AttemptId, AttemptTrace])[]> {
    const found: (readonly [AttemptId, AttemptTrace])[] = [];
    const ids = (await readdir(this.#dir)).map(attemptOfRecord).filter((id) => id !== undefined);
    for (let at = 0; at < ids.length; at += SCAN_AT_ONCE) {
      const some = ids.slice(at, at + SCAN_AT_ONCE);
      const traces = await Promise.all(some.map((id) => this.of(id)));
      traces.forEach((trace, i) => {
        if (trace.kind !== 'none') found.push([some[i]!, trace]);
      });
    }
    return found;
  }

  orphaned(attempt: AttemptId): void {
    this.#orphans.add(attempt);
  }

  forget(attempt: AttemptId): void {
    this.#orphans.delete(attempt);
  }

  /** Tells once of each orphan that runs no more; goes on until it is to end. */
  async watchOrphans(
    tell: (attempt: AttemptId, trace: AttemptTrace) => void,
    isOver: () => boolean,
  ): Promise<void> {
    while (!isOver()) {
      await wait(ORPHAN_POLL_MS, undefined, { ref: false });
      for (const attempt of this.#orphans) {
        const trace = await this.of(attempt);
        if (trace.kind === 'running') continue;
        this.#orphans.delete(attempt);
        tell(attempt, trace);
      }
    }
  }
}
