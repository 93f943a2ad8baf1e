import { type TimeMs, UNLIMITED } from '../base/units.ts';
import { causeOfStop } from '../model/attempt.ts';
import type { AttemptId, TaskId } from '../model/ids.ts';
import type { Engine } from './engine.ts';
import { finish, playForward } from './play-forward.ts';

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
  const starts = startsByEstimates(copy(), at);
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

function startsByEstimates(engine: Engine, from: TimeMs): Map<TaskId, Start> {
  const starts = new Map<TaskId, Start>();
  const playing = playForward(engine, from, {
    endOf: ({ placedAt, task }, now) => {
      const end = placedAt + (task.estimateMs ?? UNLIMITED);
      return task.estimateMs !== undefined && end > now ? end : undefined;
    },
    placed: ({ task }, at, after) => {
      if (!starts.has(task.id)) starts.set(task.id, { at, after });
    },
    eventsMax: EVENTS_MAX,
    horizonMs: HORIZON_MS,
  });
  while (playing.next().done !== true);
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
