import type { Engine } from '../engine/engine.ts';
import type { AttemptRecord } from '../engine/records.ts';
import type { CoreMoves } from '../execution/io/local/core-moves.ts';
import type { Event } from '../model/messages.ts';
import type { DaemonLog } from './daemon-log.ts';

/**
 * Moves tasks without cores of their own off those that others get, and back when they are free again. What is
 * wanted follows from the state, so that a daemon that died halfway does the rest when it is back.
 */
export class CoreKeeper {
  readonly #engine: Engine;
  readonly #moves: Pick<CoreMoves, 'keepTo' | 'forget' | 'adopt'>;
  readonly #log: DaemonLog;
  /** What each was last kept to, where that is not what its placement says. */
  readonly #kept = new Map<AttemptRecord, string>();

  constructor(
    engine: Engine,
    moves: Pick<CoreMoves, 'keepTo' | 'forget' | 'adopt'>,
    log: DaemonLog,
  ) {
    this.#engine = engine;
    this.#moves = moves;
    this.#log = log;
  }

  /** After a start: everything that runs. */
  adoptAll(): void {
    for (const attempt of this.#engine.state.runningAttempts()) {
      this.#moves.adopt(attempt.id);
      this.#keep(attempt, true);
    }
  }

  noteEvents(events: readonly Event[]): void {
    const { state } = this.#engine;
    let pinsChanged = false;
    for (const event of events) {
      pinsChanged ||= repins(event);
      if (event.kind === 'task-started') {
        const attempt = state.attempt(event.attempt);
        if (attempt !== undefined) this.#keep(attempt, false);
      }
      if (event.kind !== 'task-ended') continue;
      const attempt = state.attempt(event.attempt);
      pinsChanged ||= attempt?.placement.cores !== undefined;
      if (attempt !== undefined && this.#kept.delete(attempt)) void this.#moves.forget(attempt.id);
    }
    if (!pinsChanged) return;
    for (const attempt of state.runningAttempts()) this.#keep(attempt, false);
  }

  /** `anew`: whatever it was kept to by a daemon before this one is not known. */
  #keep(attempt: AttemptRecord, anew: boolean): void {
    const { task, startedAt, placement, end } = attempt;
    if (startedAt === undefined || end !== undefined || task.step.spec.run.kind === 'held') return;
    if (task.step.spec.execution?.process?.cores === 'exclusive') return;
    const { parts, table } = this.#engine.state;
    const row = table.rowOf(placement.node);
    if (row === undefined) return;
    const rest = parts.cores.restOf(table.node(row)!);
    const wanted = rest?.join() ?? '';
    const before = this.#kept.get(attempt) ?? placement.cores?.join() ?? '';
    if (wanted === before && !anew) return;
    const why = this.#moves.keepTo(attempt.id, rest);
    this.#kept.set(attempt, wanted);
    if (why !== undefined) this.#log('execution', `${attempt.id} stays on its CPUs: ${why}`);
  }
}

/** Whether it gives anybody CPUs, other ones, or takes them back; ends are looked at by what the attempt had. */
function repins(event: Event): boolean {
  switch (event.kind) {
    case 'task-placed':
      return event.placement.cores !== undefined;
    case 'attempt-adjusted':
      return event.cores !== undefined;
    case 'move-ordered':
    case 'move-ended':
      return event.move.cores !== undefined;
    default:
      return false;
  }
}
