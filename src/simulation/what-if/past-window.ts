import type { TimeMs } from '../../base/units.ts';
import type { Engine } from '../../engine/engine.ts';
import { type AttemptRecord, BY_BUDGET } from '../../engine/records.ts';
import type { EndCause } from '../../model/attempt.ts';
import { type NodeId, type TaskId, taskId, type WorkloadId } from '../../model/ids.ts';
import type { Event } from '../../model/messages.ts';
import { isOwnEnd } from '../own-ends.ts';
import {
  type ExpectedEnd,
  ExpectedTimes,
  knownTimes,
  type RunTimeOrigin,
} from './expected-times.ts';
import { type Future, FutureRecord } from './future.ts';
import type { Arrival, RunTimes } from './run-forward.ts';

/** What the journal tells of some time: how it began, what came from outside, and how long everything really ran. */
export interface PastWindow {
  readonly from: TimeMs;
  readonly to: TimeMs;
  /** As the site stood at the beginning. */
  readonly begin: Engine;
  /** Of the window, in order. */
  readonly events: readonly Event[];
  /** What really happened. */
  readonly real: Future;
  /** Of each task its ends that were its own, in order. */
  readonly courses: ReadonlyMap<TaskId, readonly Course[]>;
}

interface Course {
  readonly ms: number;
  readonly cause: EndCause;
}

/** `fresh`: an empty engine of the site; `events`: of its journal, from the first one on, up to `to`. */
export function readWindow(
  fresh: Engine,
  events: Iterable<Event>,
  { from, to }: { readonly from: TimeMs; readonly to: TimeMs },
): PastWindow {
  const record = new FutureRecord(fresh.state, () => 'true');
  const courses = new Map<TaskId, Course[]>();
  const inside: Event[] = [];
  let begin: Engine | undefined;
  let last: TimeMs | undefined;
  const start = (): Engine => {
    if (last !== undefined) fresh.replayed(last);
    record.begin(from);
    return fresh.fork();
  };
  for (const event of events) {
    if (event.at > to) break;
    if (event.at >= from) begin ??= start();
    last = event.at;
    const before = attemptOf(fresh, event);
    fresh.apply(event);
    if (begin === undefined) continue;
    inside.push(event);
    const attempt = before ?? attemptOf(fresh, event);
    record.happened(event, attempt);
    if (event.kind !== 'task-ended' || !isOwnEnd(event.end.cause)) continue;
    const { id } = attempt!.task;
    const ms = Math.max(1, event.at - attempt!.placedAt);
    courses.set(id, [...(courses.get(id) ?? []), { ms, cause: event.end.cause }]);
  }
  begin ??= start();
  record.end(to);
  const { jobs, holds, charged, origins } = record;
  const end = { from, until: to, cut: undefined, events: inside.length, refused: [] };
  const real = { ...end, jobs, holds, charged, origins };
  return { from, to, begin, events: inside, real, courses };
}

const attemptOf = (engine: Engine, event: Event): AttemptRecord | undefined =>
  'attempt' in event ? engine.state.attempt(event.attempt) : undefined;

/** Which workload of a replay is which of those that there really were. */
export class Names {
  readonly #real = new Map<WorkloadId, WorkloadId>();
  readonly #replayed = new Map<WorkloadId, WorkloadId>();

  set(real: WorkloadId, replayed: WorkloadId): void {
    this.#real.set(replayed, real);
    this.#replayed.set(real, replayed);
  }

  drop(real: WorkloadId): void {
    const replayed = this.#replayed.get(real);
    this.#replayed.delete(real);
    if (replayed !== undefined && this.#real.get(replayed) === real) this.#real.delete(replayed);
  }

  real(replayed: WorkloadId): WorkloadId {
    return this.#real.get(replayed) ?? replayed;
  }

  replayed(real: WorkloadId): WorkloadId {
    return this.#replayed.get(real) ?? real;
  }
}

/** Attempts run as long as they really did; of those of which that is not known, as long as is expected. */
export class TrueTimes implements RunTimes {
  readonly #courses: PastWindow['courses'];
  readonly #names: Names;
  readonly #otherwise: ExpectedTimes;

  constructor({ courses, begin }: PastWindow, names: Names) {
    this.#courses = courses;
    this.#names = names;
    this.#otherwise = new ExpectedTimes(knownTimes(begin.state.workloads()));
  }

  originOf(): RunTimeOrigin {
    return 'true';
  }

  endOf(attempt: AttemptRecord, now: number): ExpectedEnd {
    const { task, placedAt } = attempt;
    const { workload, spec } = task.step;
    const id = taskId(this.#names.real(workload.id), spec.id, task.index);
    const known = this.#courses.get(id);
    const tried = task.attempts.filter(
      ({ end }) => end !== undefined && isOwnEnd(end.cause),
    ).length;
    const course = known?.[Math.min(tried, known.length - 1)];
    if (course === undefined) return this.#otherwise.endOf(attempt, now);
    return { at: Math.max(now + 1, placedAt + course.ms), cause: course.cause, origin: 'true' };
  }
}

/** What came from outside in a window. Leases are not asked for again: nobody would renew them. */
export function arrivalsOf(
  { events }: PastWindow,
  names: Names,
  without: { readonly nodes: ReadonlySet<NodeId>; readonly workloads: ReadonlySet<WorkloadId> },
): Arrival[] {
  return events.flatMap((event): Arrival[] => {
    const { at } = event;
    switch (event.kind) {
      case 'workload-submitted':
        if (event.spec.kind === 'lease' || without.workloads.has(event.workload)) return [];
        return [submission(event, names)];
      case 'cancel-requested': {
        const { workload, by } = event;
        if (by === BY_BUDGET) return [];
        const id = () => names.replayed(workload);
        return [{ at, commands: () => [{ kind: 'cancel', at, workload: id(), by }] }];
      }
      case 'node-joined':
        if (without.nodes.has(event.node.id)) return [];
        return [{ at, commands: () => [{ kind: 'join-node', at, node: event.node }] }];
      case 'node-left':
        return [{ at, commands: () => [{ kind: 'leave-node', at, node: event.node }] }];
      default:
        return [];
    }
  });
}

function submission(
  { at, workload, tenant, spec, resumes }: Extract<Event, { kind: 'workload-submitted' }>,
  names: Names,
): Arrival {
  const submit = { kind: 'submit', at, tenant, spec } as const;
  return {
    at,
    commands: (engine) => {
      names.set(workload, String(engine.state.workloadsEver + 1) as WorkloadId);
      if (resumes === undefined) return [submit];
      const from = names.replayed(resumes.from);
      const afresh = resumes.done.length === 0;
      return [{ kind: 'retry', at, workload: from, afresh }, submit];
    },
    decided: ({ answer }) => {
      if (answer.kind !== 'accepted') names.drop(workload);
    },
  };
}
