import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { Engine } from '../../src/engine/engine.ts';
import type { AttemptEnd } from '../../src/model/attempt.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import { eventLine } from './trace.ts';

export interface Agreement {
  /** Events that the engine decided by itself, and those that the world told it. */
  readonly own: number;
  readonly told: number;
}

/**
 * Replays a journal as a simulation would live it: only what the world tells (who submits, cancels, joins, starts and
 * ends, and when) is given to a fresh engine, as commands. All else it must decide again, event for event, and nothing
 * more. In a pass, commands come before what follows from them; what is known to be of one batch may be several
 * passes of one moment.
 */
export function checkAgreement(
  batches: readonly (readonly Event[])[],
  fresh: () => Engine,
  isPaused: (batch: number) => boolean = () => false,
): Agreement {
  const engine = fresh();
  const counts = { own: 0, told: 0 };
  batches.forEach((events, batch) => {
    engine.state.money.paused = isPaused(batch);
    checkBatch(engine, events, counts);
    const next = engine.next(events[0]!.at);
    assert.equal(next, undefined, `the engine has nothing to add to batch ${batch}`);
  });
  return counts;
}

/** Asking what comes next notes what is settled: it is asked only where the loop asked. */
function checkBatch(engine: Engine, events: readonly Event[], counts: Mutable<Agreement>): void {
  let deciding = false;
  for (let i = 0; i < events.length; ) {
    const event = events[i]!;
    const command = deciding ? undefined : toldBy(engine, events, i);
    if (command !== undefined) {
      const made = engine.decide(command).events;
      for (const one of made) engine.apply(one);
      counts.told += made.length;
      i += made.length;
      continue;
    }
    const next = engine.next(event.at);
    // Another pass of the same moment begins, with a command.
    if (deciding && next === undefined && toldBy(engine, events, i) !== undefined) {
      deciding = false;
      continue;
    }
    assert.deepEqual(next, event, eventLine(event));
    engine.apply(event);
    deciding = true;
    counts.own++;
    i++;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const toldBy = (engine: Engine, events: readonly Event[], from: number): Command | undefined =>
  commandsFor(events, from).find((command) => answers(engine, command, events, from));

/** It decides just what the journal has from there on. */
function answers(
  engine: Engine,
  command: Command,
  events: readonly Event[],
  from: number,
): boolean {
  const made = engine.decide(command).events;
  return made.length > 0 && made.every((event, i) => isDeepStrictEqual(event, events[from + i]));
}

/** As the driver may have told it: the engine knows more of limits, and says so. */
function reportedEnds({ end }: Extract<Event, { kind: 'task-ended' }>): AttemptEnd[] {
  const { message, ...rest } = end;
  if (message === undefined) return [end];
  return [end, rest, { ...rest, cause: 'cancelled' }];
}

/** What the world may have told: nothing where it cannot be the origin of such an event. */
function commandsFor(events: readonly Event[], from: number): Command[] {
  const event = events[from]!;
  const { at } = event;
  switch (event.kind) {
    case 'node-joined':
      return [{ kind: 'join-node', at, node: event.node }];
    case 'node-left':
      return [{ kind: 'leave-node', at, node: event.node }];
    case 'workload-submitted': {
      const { tenant, spec, resumes } = event;
      if (resumes === undefined) return [{ kind: 'submit', at, tenant, spec }];
      const again = { kind: 'retry', at, workload: resumes.from } as const;
      return [
        { ...again, afresh: false },
        { ...again, afresh: true },
      ];
    }
    case 'cancel-requested':
      return [{ kind: 'cancel', at, workload: event.workload, by: event.by }];
    case 'task-started': {
      const { attempt, pid, terms } = event;
      return [{ kind: 'report-started', at, attempt, pid, ...(terms && { terms }) }];
    }
    case 'task-ended': {
      // Nobody tells it: it follows from the end of who stood before it.
      if (event.end.message?.endsWith('whose place it was to take over, did not succeed'))
        return [];
      const ended = reportedEnds(event).map((end): Command => {
        return { kind: 'report-ended', at, attempt: event.attempt, end };
      });
      const left = events.slice(from).find((one) => one.at !== at || one.kind === 'node-left');
      if (left?.kind !== 'node-left' || event.end.cause !== 'lost') return ended;
      return [{ kind: 'leave-node', at, node: left.node }, ...ended];
    }
    case 'attempt-used':
      return [{ kind: 'report-use', at, attempt: event.attempt, used: event.used }];
    case 'lease-renewed':
      return [
        { kind: 'resume', at },
        { kind: 'renew-lease', at, workload: event.workload },
      ];
    default:
      return [];
  }
}
