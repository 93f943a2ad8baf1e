import { assert } from '../base/assert.ts';
import { Heap } from '../base/heap.ts';
import { Prng } from '../base/prng.ts';
import { spanMs, type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { AttemptRecord, TaskRecord } from '../engine/records.ts';
import { type AttemptEnd, causeOfStop, type EndCause, type Enforcement } from '../model/attempt.ts';
import type { WorkloadId } from '../model/ids.ts';
import type { Command, Event } from '../model/messages.ts';
import type { WorkloadSpec } from '../model/workload.ts';
import { Course, Courses } from './courses.ts';
import type { Observer } from './observer.ts';
import type { ModelledSite, SimulationOptions, SiteModel } from './site-model.ts';
import type { TaskCourse, TraceJob } from './trace.ts';

/** How a simulation came out. What happened in it, observers have seen. */
export interface SimulationEnd {
  /** The last instant at which anything happened. */
  readonly at: TimeMs;
  /** Applied to the engine. */
  readonly events: number;
  /** Accepted. */
  readonly jobs: number;
  readonly refused: number;
  /** Of those accepted, how many had not ended: what `until` cut off, and what can never start. */
  readonly unended: number;
  /** There was more to come. */
  readonly reachedUntil: boolean;
}

/** So many instants without a start or an end, with nothing that runs or arrives: what waits waits for ever. */
const IDLE_MAX = 10_000;
/** More rounds at one instant are a model that undoes what the engine does. */
const ROUNDS_MAX = 1_000_000;
/** As the live loop has it: of what is left before a node is taken away, the grace is 1 / so much at most. */
const GRACE_OF_NOTICE = 4;

const enforced: Enforcement = {
  driver: 'simulated',
  cpu: 'none',
  memory: 'none',
  pids: 'none',
  notes: [],
};

interface Act {
  readonly at: TimeMs;
  readonly order: number;
  readonly act: () => void;
}

/**
 * Runs a trace through an engine in virtual time. At one instant what ends comes first, then what models do, then
 * what arrives, then the engine's pass; that again while it makes something end at once; then all is settled.
 * A service lives for as long as its job says and is then cancelled; the holder of a lease has it for so long.
 * Models hear of an event before the attempt that it starts is asked for its pace, and are asked what an attempt
 * that was stopped early has saved before they hear that it ended.
 */
export function simulate(options: SimulationOptions): SimulationEnd {
  return new Simulation(options).run();
}

class Simulation implements ModelledSite {
  readonly engine: Engine;
  now = 0 as TimeMs;
  readonly #options: SimulationOptions;
  readonly #models: readonly SiteModel[];
  readonly #observers: readonly Observer[];
  readonly #arrivals: Iterator<TraceJob>;
  #arrival: TraceJob | undefined;
  readonly #courses = new Courses();
  readonly #acts = new Heap<Act>((a, b) => (a.at === b.at ? a.order < b.order : a.at < b.at));
  #ordered = 0;
  /** Sent by models while the engine was at work: its turn comes when that is done. */
  #inbox: Command[] = [];
  #busy = false;
  /** Of accepted workloads that have not ended. */
  readonly #jobs = new Map<WorkloadId, TraceJob>();
  /** Of tasks that try again: milliseconds of work that they need not do again. */
  readonly #saved = new Map<TaskRecord, number>();
  /** Reads of the one who counts: events, accepted and refused jobs. */
  #events = 0;
  #accepted = 0;
  #refused = 0;
  /** Instants since something last started or ended. */
  #idle = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#models = options.models ?? [];
    this.#observers = options.observers ?? [];
    this.engine = options.engine();
    this.#arrivals = options.trace.jobs[Symbol.iterator]();
    this.#arrival = this.#nextArrival();
  }

  run(): SimulationEnd {
    const { until = UNLIMITED } = this.#options;
    this.#begin();
    let at: number | undefined = this.now;
    let last = this.now;
    for (; at !== undefined && at <= until; at = this.#nextInstant()) {
      this.now = at as TimeMs;
      last = this.now;
      this.#instant();
    }
    return {
      at: last,
      events: this.#events,
      jobs: this.#accepted,
      refused: this.#refused,
      unended: this.#jobs.size,
      reachedUntil: at !== undefined,
    };
  }

  at(time: TimeMs, act: () => void): void {
    this.#acts.push({ at: Math.max(time, this.now) as TimeMs, order: this.#ordered++, act });
  }

  send(command: Command): void {
    this.#inbox.push(command);
    if (!this.#busy) this.#drain();
  }

  paceChanged(attempts: Iterable<AttemptRecord>): void {
    for (const attempt of attempts) {
      const course = this.#courses.of(attempt);
      if (course === undefined) continue;
      course.setPace(this.#paceOf(attempt), this.now);
      this.#courses.moved(course);
    }
  }

  kill(attempt: AttemptRecord, cause: 'failed' | 'lost'): void {
    this.send(this.#endOf(attempt, cause));
  }

  /** Nodes are there when models begin, which hear of them afterwards. */
  #begin(): void {
    this.now = this.#arrival?.at ?? this.now;
    this.#busy = true;
    const joined = this.#options.nodes.flatMap((node) => {
      return this.engine.decide({ kind: 'join-node', at: this.now, node }).events;
    });
    for (const event of joined) this.engine.apply(event);
    const prng = new Prng(this.#options.seed);
    for (const model of this.#models) model.begin?.(this, prng.fork());
    this.#events += joined.length;
    for (const event of joined) {
      for (const model of this.#models) model.happened?.(event, this.engine);
      for (const observer of this.#observers) observer.happened?.(event, this.engine);
    }
    this.#busy = false;
  }

  /** Undefined when all has ended, or nothing will ever happen again. */
  #nextInstant(): number | undefined {
    const { state } = this.engine;
    const isOver = state.tasksActive === 0 && state.spilled.size === 0;
    if (this.#arrival === undefined && isOver) return undefined;
    const first = this.#courses.first();
    if (first === undefined && this.#arrival === undefined && this.#idle > IDLE_MAX) {
      return undefined;
    }
    const timer = this.engine.nextTimer();
    const next = Math.min(
      first?.endsAt ?? UNLIMITED,
      this.#acts.peek()?.at ?? UNLIMITED,
      this.#arrival?.at ?? UNLIMITED,
      // What it said of now, the pass has looked at.
      timer === undefined || timer <= this.now ? UNLIMITED : timer,
    );
    return next >= UNLIMITED ? undefined : next;
  }

  #instant(): void {
    this.#idle++;
    let rounds = 0;
    do {
      assert(rounds++ < ROUNDS_MAX, `what happens at ${this.now} comes to an end`);
      this.#drain();
      this.#endDue();
      this.#actDue();
      this.#arriveDue();
      this.#pass();
    } while (this.#isMoreDue());
    for (const model of this.#models) model.settled?.(this.now, this.engine);
    for (const observer of this.#observers) observer.settled?.(this.now, this.engine);
  }

  #isMoreDue(): boolean {
    return (
      this.#inbox.length > 0 ||
      (this.#courses.first()?.endsAt ?? UNLIMITED) <= this.now ||
      (this.#acts.peek()?.at ?? UNLIMITED) <= this.now
    );
  }

  #endDue(): void {
    for (
      let first = this.#courses.first();
      first !== undefined && first.endsAt <= this.now;
      first = this.#courses.first()
    ) {
      const { attempt, cause, job } = first;
      this.send(this.#endOf(attempt, cause));
      assert(this.#courses.of(attempt) === undefined, `${attempt.id} has ended`);
      if (cause === 'succeeded' && job !== undefined) {
        this.#options.estimates?.learn?.(job, spanMs(this.now - attempt.placedAt));
      }
    }
  }

  #actDue(): void {
    for (let due = this.#acts.peek(); due !== undefined && due.at <= this.now; ) {
      this.#acts.pop().act();
      due = this.#acts.peek();
    }
  }

  #arriveDue(): void {
    while (this.#arrival !== undefined && this.#arrival.at <= this.now) {
      const job = this.#arrival;
      this.#arrival = this.#nextArrival();
      this.#submit(job);
    }
  }

  #nextArrival(): TraceJob | undefined {
    const next = this.#arrivals.next();
    if (next.done === true) return undefined;
    assert(next.value.at >= this.now, `jobs of a trace come in order: ${next.value.id}`);
    return next.value;
  }

  #submit(job: TraceJob): void {
    const { tenant } = job;
    const spec = this.#specOf(job);
    const { events, answer } = this.engine.decide({ kind: 'submit', at: this.now, tenant, spec });
    if (answer.kind !== 'accepted') {
      const why = answer.kind === 'refused' ? answer.refusal.code : answer.kind;
      this.#refused++;
      for (const model of this.#models) model.refused?.(job, this.now, why);
      for (const observer of this.#observers) observer.refused?.(job, this.now, why);
      return;
    }
    this.#accepted++;
    this.#idle = 0;
    this.#jobs.set(answer.workload, job);
    for (const model of this.#models) model.accepted?.(job, answer.workload, this.now);
    for (const observer of this.#observers) observer.accepted?.(job, answer.workload, this.now);
    this.#applyAll(events);
    if (spec.kind === 'service') {
      const by = tenant;
      const cancel = { kind: 'cancel', workload: answer.workload, by } as const;
      this.at((this.now + job.runMs) as TimeMs, () => this.send({ ...cancel, at: this.now }));
    } else if (spec.kind === 'lease') this.#renew(answer.workload, spec);
  }

  /** The holder of a lease is heard of in time for as long as it has not ended. */
  #renew(workload: WorkloadId, spec: WorkloadSpec): void {
    const { run } = spec.steps[0]!;
    if (run.kind !== 'held' || !this.#jobs.has(workload)) return;
    this.at((this.now + Math.ceil(run.ttlMs / 2)) as TimeMs, () => {
      this.send({ kind: 'renew-lease', at: this.now, workload });
      this.#renew(workload, spec);
    });
  }

  /** With the run time that the engine is told. */
  #specOf(job: TraceJob): WorkloadSpec {
    const { estimates } = this.#options;
    if (estimates === undefined) return job.spec;
    const estimateMs = estimates.estimateMs(job);
    if (job.spec.steps.every((step) => step.estimateMs === estimateMs)) return job.spec;
    const steps = job.spec.steps.map(({ estimateMs: _, ...step }) => {
      return estimateMs === undefined ? step : { ...step, estimateMs };
    });
    return { ...job.spec, steps };
  }

  #drain(): void {
    while (this.#inbox.length > 0) {
      const commands = this.#inbox;
      this.#inbox = [];
      for (const command of commands) this.#applyAll(this.engine.decide(command).events);
    }
  }

  /** What models send meanwhile waits until the engine is done. */
  #applyAll(events: readonly Event[]): void {
    this.#busy = true;
    for (const event of events) this.#apply(event);
    this.#busy = false;
  }

  #pass(): void {
    this.#busy = true;
    for (let e = this.engine.next(this.now); e !== undefined; e = this.engine.next(this.now)) {
      this.#apply(e);
    }
    this.#busy = false;
  }

  #apply(event: Event): void {
    const { engine } = this;
    const { state } = engine;
    const ended = event.kind === 'task-ended' ? state.attempt(event.attempt) : undefined;
    const follower = ended?.next;
    engine.apply(event);
    this.#events++;
    if (ended !== undefined) this.#ended(ended, event as EndEvent);
    else if (event.kind === 'workload-ended') this.#jobs.delete(event.workload);
    for (const model of this.#models) model.happened?.(event, engine);
    if (event.kind === 'task-placed') this.#start(state.attempt(event.attempt)!);
    else if (event.kind === 'stop-ordered') this.#stop(state.attempt(event.attempt)!);
    else if (event.kind === 'attempt-paused' || event.kind === 'attempt-resumed') {
      this.paceChanged([state.attempt(event.attempt)!]);
    } else if (follower !== undefined && follower.behind === undefined) this.#start(follower);
    for (const observer of this.#observers) observer.happened?.(event, engine);
  }

  #start(attempt: AttemptRecord): void {
    this.#idle = 0;
    const { task, number } = attempt;
    const { step, index } = task;
    const job = this.#jobs.get(step.workload.id);
    const { runMs, outcome } = courseOf(job, { step: step.spec.id, index, attempt: number }, task);
    const workMs = Math.max(0, runMs - (this.#saved.get(task) ?? 0));
    let startupMs = 0;
    for (const model of this.#models) startupMs += model.startupMs?.(attempt) ?? 0;
    const pace = this.#paceOf(attempt);
    const undertaking = { attempt, job, outcome, workMs, startupMs, pace };
    this.#courses.add(new Course(undertaking, this.now));
    if (step.spec.service !== undefined) this.#isReady(attempt);
  }

  /** A replica that has started is ready at once. */
  #isReady({ id: attempt, task }: AttemptRecord): void {
    const at = this.now;
    this.send({ kind: 'report-started', at, attempt, pid: 0 });
    if (task.step.spec.service?.readiness === undefined) return;
    this.send({ kind: 'report-probe', at, attempt, probe: 'readiness', ok: true, detail: '' });
  }

  #paceOf(attempt: AttemptRecord): number {
    if (attempt.live?.pausedBy !== undefined) return 0;
    let pace = 1;
    for (const model of this.#models) pace *= model.pace?.(attempt) ?? 1;
    return pace;
  }

  /** It ends after its grace, or by itself before; where its node is taken away, before that. */
  #stop(attempt: AttemptRecord): void {
    const course = this.#courses.of(attempt);
    if (course === undefined) return;
    const { graceMs } = attempt.task.step.spec.limits;
    const { deadline } = this.engine.state.live.notice(attempt.placement.node) ?? {};
    const left = deadline === undefined ? UNLIMITED : Math.max(0, deadline - this.now);
    const grace = Math.min(graceMs, Math.floor(left / GRACE_OF_NOTICE));
    course.stopBy(this.now + grace, causeOfStop(attempt.stop!));
    this.#courses.moved(course);
  }

  #ended(attempt: AttemptRecord, { retry }: EndEvent): void {
    this.#idle = 0;
    const course = this.#courses.of(attempt);
    // It stood in line, and never began.
    if (course === undefined) return;
    this.#courses.remove(course);
    const { task } = attempt;
    if (retry === undefined) this.#saved.delete(task);
    else if (!course.isDone(this.now)) this.#save(attempt, course.workedMs(this.now));
  }

  /** It was stopped early, and will be tried again: of several models the one that saves most counts. */
  #save(attempt: AttemptRecord, workedMs: number): void {
    let most = 0;
    for (const model of this.#models) {
      most = Math.max(most, model.savedMs?.(attempt, spanMs(Math.floor(workedMs))) ?? 0);
    }
    const { task } = attempt;
    const saved = Math.min(most, workedMs);
    if (saved > 0) this.#saved.set(task, (this.#saved.get(task) ?? 0) + saved);
  }

  #endOf(attempt: AttemptRecord, cause: EndCause): Command {
    const end: AttemptEnd = {
      cause,
      ...(cause === 'succeeded' && { exitCode: 0 }),
      ...(cause === 'failed' && { exitCode: 1 }),
      usage: { wallMs: spanMs(this.now - attempt.placedAt) },
      enforced,
    };
    return { kind: 'report-ended', at: this.now, attempt: attempt.id, end };
  }
}

type EndEvent = Extract<Event, { kind: 'task-ended' }>;

/** What is not of the trace runs for as long as it said, or for ever; a replica until it is stopped. */
function courseOf(
  job: TraceJob | undefined,
  which: Parameters<NonNullable<TraceJob['truth']>>[0],
  { step, estimateMs }: TaskRecord,
): { readonly runMs: number; readonly outcome: TaskCourse['outcome'] } {
  const isEndless = step.spec.service !== undefined || (job ?? estimateMs) === undefined;
  const runMs = isEndless ? Number.POSITIVE_INFINITY : (job?.runMs ?? estimateMs!);
  return job?.truth?.(which) ?? { runMs, outcome: 'succeeded' };
}
