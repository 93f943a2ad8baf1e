import type { Lines } from './lines.ts';
import { type StepRecord, startsMore, type TaskRecord } from './records.ts';
import { letIn } from './standing-in-line.ts';
import { StartRoom } from './start-room.ts';

/**
 * Lets tasks into the queue until `maxParallel` of them wait, rest or run. Only a success makes room: a
 * task that failed tries again in its own place, or its step is lost. Where steps share room, each may get it.
 */
export class LettingIn {
  /** Steps that may have room for more of their tasks. */
  readonly #roomy = new Set<StepRecord>();
  readonly #lines: Lines;
  readonly #wait: (task: TaskRecord) => void;

  constructor(lines: Lines, wait: (task: TaskRecord) => void) {
    this.#lines = lines;
    this.#wait = wait;
  }

  /** Not before all that stood in a line that broke is back, whoever makes room meanwhile: the oldest goes first. */
  release(step: StepRecord): void {
    this.#roomy.add(step);
    if (this.#lines.firstBroken() !== undefined) return;
    for (const one of this.#roomy) this.#letIn(one);
    this.#roomy.clear();
  }

  #letIn(step: StepRecord): void {
    const room = StartRoom.of(step);
    for (const one of room?.steps ?? [step]) {
      if (!startsMore(one) || one.spec.service !== undefined) continue;
      for (let task = letIn(one, room); task !== undefined; task = letIn(one, room)) {
        this.#wait(task);
      }
    }
  }
}
