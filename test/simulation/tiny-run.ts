import { Heap } from '../../src/base/heap.ts';
import { type TimeMs, timeMs } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { EngineOptions, MakeScheduler } from '../../src/engine/engine-options.ts';
import type { AttemptRecord } from '../../src/engine/records.ts';
import type { EndCause } from '../../src/model/attempt.ts';
import type { AttemptId, TenantId } from '../../src/model/ids.ts';
import type { Command, Event } from '../../src/model/messages.ts';
import type { Node } from '../../src/model/node.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { PriorityScheduler } from '../../src/scheduling/priority-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import type { Observer } from '../../src/simulation/observer.ts';
import type { TraceJob } from '../../src/simulation/trace.ts';
import { endedBy } from '../builders/engine-bench.ts';

export interface TinyRun {
  readonly nodes: readonly Node[];
  readonly jobs: readonly TraceJob[];
  readonly observers: readonly Observer[];
  readonly scheduler?: MakeScheduler;
  readonly options?: Partial<EngineOptions>;
  /** Commands at their time, or attempts that are cut short. */
  readonly also?: readonly (Command | Cut)[];
  readonly until?: number;
  /** Instead of what the trace says. */
  readonly runsFor?: (attempt: AttemptRecord) => number;
}

/** The attempt ends so, if it still runs then. */
export interface Cut {
  readonly kind: 'cut';
  readonly at: number;
  readonly attempt: string;
  readonly cause: EndCause;
}

const byPriority: MakeScheduler = (deps) => new PriorityScheduler(deps, firstFit);

/** A trace through an engine in virtual time: at one instant ends first, then commands, then arrivals, then a pass. */
export function runThrough(run: TinyRun): { engine: Engine; journal: Event[] } {
  const engine = new Engine(
    { tasksMax: 1_000_000, endedMax: 10, ...run.options },
    { scheduler: run.scheduler ?? byPriority },
  );
  const journal: Event[] = [];
  const ends = new Heap<{ at: number; order: number; attempt: AttemptId; cause: EndCause }>(
    (a, b) => a.at < b.at || (a.at === b.at && a.order < b.order),
  );
  const jobs = new Map<string, TraceJob>();
  const others = [...(run.also ?? [])].sort((a, b) => a.at - b.at);
  let now = timeMs(0);
  let order = 0;
  const apply = (event: Event): void => {
    engine.apply(event);
    journal.push(event);
    if (event.kind === 'task-placed') {
      const attempt = engine.state.attempt(event.attempt)!;
      const { task, number } = attempt;
      const job = jobs.get(task.step.workload.id)!;
      const which = { step: task.step.spec.id as string, index: task.index, attempt: number };
      const course = job.truth?.(which) ?? { runMs: job.runMs, outcome: 'succeeded' as const };
      ends.push({
        at: event.at + (run.runsFor?.(attempt) ?? course.runMs),
        order: order++,
        attempt: event.attempt,
        cause: course.outcome,
      });
    }
    if (event.kind === 'stop-ordered') {
      const cause = event.reason === 'cancelled' ? 'cancelled' : 'preempted';
      ends.push({ at: event.at, order: order++, attempt: event.attempt, cause });
    }
    for (const observer of run.observers) observer.happened?.(event, engine);
  };
  const send = (command: Command): void => {
    for (const event of engine.decide(command).events) apply(event);
  };
  for (const node of run.nodes) send({ kind: 'join-node', at: now, node });
  let arrived = 0;
  for (;;) {
    const timer = engine.nextTimer() ?? 0;
    const next = Math.min(
      run.jobs[arrived]?.at ?? Number.POSITIVE_INFINITY,
      ends.peek()?.at ?? Number.POSITIVE_INFINITY,
      others[0]?.at ?? Number.POSITIVE_INFINITY,
      timer > now ? timer : Number.POSITIVE_INFINITY,
    );
    if (next === Number.POSITIVE_INFINITY || next > (run.until ?? next)) break;
    now = timeMs(Math.max(now, next));
    do {
      while ((ends.peek()?.at ?? Number.POSITIVE_INFINITY) <= now) {
        const { attempt, cause } = ends.pop();
        send({ kind: 'report-ended', at: now, attempt, end: endedBy(cause) });
      }
      while (others[0] !== undefined && others[0].at <= now) {
        const other = others.shift()!;
        if (other.kind !== 'cut') send(other);
        else {
          const attempt = other.attempt as AttemptId;
          send({ kind: 'report-ended', at: now, attempt, end: endedBy(other.cause) });
        }
      }
      for (; run.jobs[arrived]?.at === now; arrived++) arrive(run.jobs[arrived]!);
      for (let e = engine.next(now); e !== undefined; e = engine.next(now)) apply(e);
    } while ((ends.peek()?.at ?? Number.POSITIVE_INFINITY) <= now);
    for (const observer of run.observers) observer.settled?.(now, engine);
  }
  return { engine, journal };

  function arrive(job: TraceJob): void {
    const { tenant, spec } = job;
    const { events, answer } = engine.decide({ kind: 'submit', at: now, tenant, spec });
    if (answer.kind !== 'accepted') {
      const why = answer.kind === 'refused' ? answer.refusal.code : answer.kind;
      for (const observer of run.observers) observer.refused?.(job, now, why);
      return;
    }
    jobs.set(answer.workload, job);
    for (const observer of run.observers) observer.accepted?.(job, answer.workload, now);
    events.forEach(apply);
  }
}

export function traceJob(
  id: string,
  at: number,
  runMs: number,
  spec: WorkloadSpec,
  changes: Partial<TraceJob> = {},
): TraceJob {
  const tenant = 'tester' as TenantId;
  return { id, at: at as TimeMs, tenant, spec, runMs: runMs as never, ...changes };
}
