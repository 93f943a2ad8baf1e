import { Heap } from '../base/heap.ts';
import { type SpanMs, type TimeMs, UNLIMITED } from '../base/units.ts';
import { type AttemptEnd, causeOfStop, type EndCause } from '../model/attempt.ts';
import type { AttemptId, TaskId } from '../model/ids.ts';
import type { Engine } from './engine.ts';

/** A bigger state is not copied to look ahead: its answer would come too late to be of use. */
export const TASKS_LOOKED_AHEAD_MAX = 1_000;
const EVENTS_MAX = 10_000;
const HORIZON_MS = 30 * 86_400_000;
/** Running attempts without an expected end that are tried, one at a time. */
const TRIED_MAX = 8;

/** When a task that waits starts, if everything runs for as long as it is expected to. */
export interface Start {
  /** Undefined: at once when `after` ends, and nobody knows when that is. */
  readonly at: TimeMs | undefined;
  /** The attempt whose end makes the room; undefined where time alone does. */
  readonly after: AttemptId | undefined;
}

interface End {
  readonly at: number;
  readonly id: AttemptId;
  readonly cause: EndCause;
}

/**
 * Plays a copy of the state forward with the engine itself: running attempts end when they are expected to,
 * and what is placed then is what would be placed. What says nothing about its time never ends; for tasks that
 * only such an end can help, the end of each is tried on a copy of its own. Undefined for a large state.
 */
export function projectStarts(live: Engine, at: TimeMs): ReadonlyMap<TaskId, Start> | undefined {
  const { state } = live;
  if (state.tasksActive > TASKS_LOOKED_AHEAD_MAX) return undefined;
  const copy = (): Engine => {
    const engine = live.fork();
    keepLeases(engine);
    return engine;
  };
  const starts = playForward(copy(), at);
  const open = [...state.runningAttempts()].filter(({ task, placedAt }) => {
    return placedAt + (task.estimateMs ?? UNLIMITED) <= at || task.estimateMs === undefined;
  });
  for (const { id } of open.slice(0, TRIED_MAX)) {
    for (const task of startedBy(copy(), id, at)) {
      if (!starts.has(task)) starts.set(task, { at: undefined, after: id });
    }
  }
  return starts;
}

/** Whoever holds a lease goes on renewing it, as far as anybody knows. */
export function keepLeases({ state }: Engine): void {
  for (const workload of state.workloads()) {
    if (workload.leaseEndsAt === undefined) continue;
    workload.leaseEndsAt = UNLIMITED as TimeMs;
    state.leases.add(workload);
  }
}

function playForward(engine: Engine, from: TimeMs): Map<TaskId, Start> {
  const starts = new Map<TaskId, Start>();
  const ends = new Heap<End>((a, b) => (a.at === b.at ? a.id < b.id : a.at < b.at));
  let events = 0;
  const expect = (id: AttemptId, placedAt: number, at: TimeMs): void => {
    const { estimateMs } = engine.state.attempt(id)!.task;
    const end = placedAt + (estimateMs ?? UNLIMITED);
    if (estimateMs !== undefined && end > at) ends.push({ at: end, id, cause: 'succeeded' });
  };
  const pass = (at: TimeMs, after: AttemptId | undefined): void => {
    for (let e = engine.next(at); e !== undefined; e = engine.next(at)) {
      engine.apply(e);
      if (++events > EVENTS_MAX) return;
      if (e.kind === 'task-placed') {
        const { task } = engine.state.attempt(e.attempt)!;
        if (!starts.has(task.id)) starts.set(task.id, { at, after });
        expect(e.attempt, at, at);
      } else if (e.kind === 'stop-ordered') {
        const { graceMs } = engine.state.attempt(e.attempt)!.task.step.spec.limits;
        ends.push({ at: at + graceMs, id: e.attempt, cause: causeOfStop(e.reason) });
      }
    }
  };
  for (const { id, placedAt, stop, task } of engine.state.runningAttempts()) {
    const { graceMs } = task.step.spec.limits;
    if (stop !== undefined) ends.push({ at: from + graceMs, id, cause: causeOfStop(stop) });
    else expect(id, placedAt, from);
  }
  pass(from, undefined);
  let at: TimeMs = from;
  while (events <= EVENTS_MAX && at <= from + HORIZON_MS) {
    const timer = engine.nextTimer();
    const end = ends.peek();
    if (end !== undefined && (timer === undefined || end.at <= timer)) {
      ends.pop();
      at = Math.max(at, end.at) as TimeMs;
      events += finish(engine, end.id, end.cause, at);
      pass(at, end.id);
    } else if (timer !== undefined && timer > at) {
      at = timer;
      events++;
      pass(at, undefined);
    } else break;
  }
  return starts;
}

function startedBy(engine: Engine, id: AttemptId, at: TimeMs): TaskId[] {
  const started: TaskId[] = [];
  const before = engine.state.attempt(id);
  if (before === undefined || before.end !== undefined) return started;
  finish(engine, id, before.stop === undefined ? 'succeeded' : causeOfStop(before.stop), at);
  for (
    let e = engine.next(at), n = 0;
    e !== undefined && n < EVENTS_MAX;
    e = engine.next(at), n++
  ) {
    engine.apply(e);
    if (e.kind === 'task-placed') started.push(engine.state.attempt(e.attempt)!.task.id);
  }
  return started;
}

function finish(engine: Engine, attempt: AttemptId, cause: EndCause, at: TimeMs): number {
  const end: AttemptEnd = {
    cause,
    usage: { wallMs: 0 as SpanMs },
    enforced: { driver: 'simulated', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
  };
  const { events } = engine.decide({ kind: 'report-ended', at, attempt, end });
  for (const event of events) engine.apply(event);
  return events.length;
}
