import { Heap } from '../../base/heap.ts';
import type { TimeMs } from '../../base/units.ts';
import type { Engine } from '../../engine/engine.ts';
import { keepLeases } from '../../engine/projection.ts';
import type {
  AttemptRecord,
  StepRecord,
  TaskRecord,
  WorkloadRecord,
} from '../../engine/records.ts';
import { type AttemptEnd, causeOfStop, type EndCause } from '../../model/attempt.ts';
import type { AttemptId, QueueName, TenantId, WorkloadId } from '../../model/ids.ts';
import type { Event } from '../../model/messages.ts';
import type { Refusal } from '../../model/refusal.ts';
import { commandOf, type WhatIfChange } from './change.ts';
import type { ExpectedTimes, RunTimeOrigin } from './expected-times.ts';

export interface ForwardOptions {
  /** A fork of its own, which is played forward. */
  readonly engine: Engine;
  readonly at: TimeMs;
  readonly times: ExpectedTimes;
  /** Done in this order, before anything else happens. */
  readonly changes: readonly WhatIfChange[];
  /** Nothing later is looked at. */
  readonly until: TimeMs;
  readonly eventsMax: number;
  /** Called now and then, with the events so far. */
  readonly onProgress?: (events: number) => void;
  /** Called with each event, after it was applied. */
  readonly onEvent?: (event: Event) => void;
  /** It goes on for as long as this holds, although all jobs have ended. */
  readonly awaits?: () => boolean;
}

/** What becomes of a workload in one future. */
export interface ForwardJob {
  readonly id: WorkloadId;
  readonly name: string;
  readonly kind: WorkloadRecord['spec']['kind'];
  readonly tenant: TenantId;
  readonly queue: QueueName;
  readonly submittedAt: TimeMs;
  /** It has started before this future began. */
  readonly ran: boolean;
  startAt: TimeMs | undefined;
  endAt: TimeMs | undefined;
  /** Of the least known of its run times. */
  origin: RunTimeOrigin;
  /** A step of it goes by results, which nobody knows: what it decides here is not to be relied on. */
  readonly goesByResults: boolean;
}

/** What one attempt holds, and for how long. */
export interface Hold {
  readonly tenant: TenantId;
  readonly queue: QueueName;
  readonly cpu: number;
  readonly gpu: number;
  readonly from: number;
  to: number;
}

/** One future of a site. */
export interface Future {
  readonly from: TimeMs;
  /** The last instant at which anything happened. */
  readonly until: TimeMs;
  /** What ended it, when there was more to come. */
  readonly cut: 'horizon' | 'events' | undefined;
  readonly events: number;
  /** By id, in order of submission. */
  readonly jobs: ReadonlyMap<WorkloadId, ForwardJob>;
  readonly holds: readonly Hold[];
  /** Micro-dollars from now on. */
  readonly charged: ReadonlyMap<TenantId, number>;
  /** Changes that were refused, by their place in the list. */
  readonly refused: readonly { readonly change: number; readonly refusal: Refusal }[];
  /** Of attempts that run now or start, how many go by each. */
  readonly origins: Readonly<Record<RunTimeOrigin, number>>;
}

interface End {
  readonly at: number;
  readonly order: number;
  readonly attempt: AttemptId;
  readonly cause: EndCause;
}

const TOLD_EVERY = 10_000;
/** From what is known best to what is known least. */
const ranks: readonly RunTimeOrigin[] = ['estimate', 'history', 'limit', 'assumed'];

/**
 * Plays a fork forward with the engine itself until all that is there has ended: attempts succeed when they are
 * expected to end, what is told to stop takes its whole grace, and nobody submits anything. Services and leases run
 * on.
 */
export function runForward(options: ForwardOptions): Future {
  return new Forward(options).run();
}

class Forward {
  readonly #options: ForwardOptions;
  readonly #engine: Engine;
  #now: TimeMs;
  #events = 0;
  #ordered = 0;
  readonly #ends = new Heap<End>((a, b) => (a.at === b.at ? a.order < b.order : a.at < b.at));
  readonly #jobs = new Map<WorkloadId, ForwardJob>();
  /** Those that are to end. */
  readonly #open = new Set<WorkloadId>();
  readonly #holds: Hold[] = [];
  readonly #held = new Map<AttemptId, Hold>();
  readonly #charged = new Map<TenantId, number>();
  readonly #refused: { change: number; refusal: Refusal }[] = [];
  readonly #origins = { estimate: 0, history: 0, limit: 0, assumed: 0 };

  constructor(options: ForwardOptions) {
    this.#options = options;
    this.#engine = options.engine;
    this.#now = options.at;
  }

  run(): Future {
    const { until, eventsMax, at } = this.#options;
    const { state } = this.#engine;
    state.money.paused = false;
    keepLeases(this.#engine);
    for (const workload of state.workloads()) {
      if (workload.state === 'active') this.#meet(workload);
    }
    for (const attempt of state.runningAttempts()) this.#begins(attempt);
    this.#change();
    this.#pass();
    let next = this.#nextInstant();
    while (next !== undefined && next <= until && this.#events < eventsMax) {
      this.#now = next as TimeMs;
      this.#endDue();
      this.#pass();
      next = this.#nextInstant();
    }
    for (const hold of this.#held.values()) hold.to = Math.max(hold.from, this.#now);
    return {
      from: at,
      until: this.#now,
      cut: this.#cutBy(next),
      events: this.#events,
      jobs: this.#jobs,
      holds: this.#holds,
      charged: this.#charged,
      refused: this.#refused,
      origins: this.#origins,
    };
  }

  #cutBy(next: number | undefined): Future['cut'] {
    if (this.#open.size > 0 && this.#events >= this.#options.eventsMax) return 'events';
    return next !== undefined && next > this.#options.until ? 'horizon' : undefined;
  }

  #change(): void {
    this.#options.changes.forEach((change, i) => {
      const decision = this.#engine.decide(commandOf(change, this.#now));
      const { answer } = decision;
      if (answer.kind === 'refused') this.#refused.push({ change: i, refusal: answer.refusal });
      for (const event of decision.events) this.#apply(event);
    });
  }

  /** Undefined when all that is to end has ended, or nothing will ever happen again. */
  #nextInstant(): number | undefined {
    if (this.#open.size === 0 && this.#options.awaits?.() !== true) return undefined;
    const timer = this.#engine.nextTimer();
    const due = timer === undefined || timer <= this.#now ? undefined : timer;
    const end = this.#ends.peek()?.at;
    if (end === undefined) return due;
    return due === undefined ? end : Math.min(end, due);
  }

  #endDue(): void {
    for (let first = this.#ends.peek(); first !== undefined && first.at <= this.#now; ) {
      this.#ends.pop();
      const { attempt, cause } = first;
      const command = { kind: 'report-ended', at: this.#now, attempt, end: endOf(cause) } as const;
      // Nothing, where it has ended already.
      for (const event of this.#engine.decide(command).events) this.#apply(event);
      first = this.#ends.peek();
    }
  }

  #pass(): void {
    const { eventsMax } = this.#options;
    for (let event = this.#engine.next(this.#now); event !== undefined; ) {
      this.#apply(event);
      if (this.#events >= eventsMax) return;
      event = this.#engine.next(this.#now);
    }
  }

  #apply(event: Event): void {
    const { state } = this.#engine;
    this.#events++;
    if (this.#events % TOLD_EVERY === 0) this.#options.onProgress?.(this.#events);
    // Neither may be known any more once it has ended.
    const ended = event.kind === 'task-ended' ? state.attempt(event.attempt) : undefined;
    const next = ended?.next;
    this.#engine.apply(event);
    switch (event.kind) {
      case 'workload-submitted':
        this.#meet(state.workload(event.workload)!);
        break;
      case 'task-placed':
        this.#begins(state.attempt(event.attempt)!);
        break;
      case 'stop-ordered': {
        const { graceMs } = state.attempt(event.attempt)!.task.step.spec.limits;
        this.#expect(event.attempt, this.#now + graceMs, causeOfStop(event.reason));
        break;
      }
      case 'task-ended':
        this.#ended(ended!, next);
        this.#charge(ended!.task.tenant, event.charged);
        break;
      case 'reserve-renewed':
        this.#charge(state.attempt(event.attempt)!.task.tenant, event.charged);
        break;
      case 'workload-ended':
        this.#open.delete(event.workload);
        this.#jobs.get(event.workload)!.endAt = event.at;
        break;
    }
    this.#options.onEvent?.(event);
  }

  #meet(workload: WorkloadRecord): void {
    const { id, spec, tenant, submittedAt, startedAt, steps } = workload;
    this.#jobs.set(id, {
      id,
      name: spec.name,
      kind: spec.kind,
      tenant,
      queue: spec.queue,
      submittedAt,
      ran: startedAt !== undefined,
      startAt: startedAt,
      endAt: undefined,
      origin: leastKnown(steps.map((step) => this.#options.times.of(step).origin)),
      goesByResults: steps.some(goesByResults),
    });
    if (spec.kind !== 'service' && spec.kind !== 'lease') this.#open.add(id);
  }

  /** It holds its place from now on, or has since before. */
  #begins(attempt: AttemptRecord): void {
    const { id, task, placement, stop } = attempt;
    const { workload } = task.step;
    const job = this.#jobs.get(workload.id);
    if (job !== undefined) job.startAt ??= workload.startedAt;
    const hold: Hold = {
      tenant: task.tenant,
      queue: workload.spec.queue,
      cpu: placement.held.cpu,
      gpu: placement.held.gpu,
      from: this.#now,
      to: this.#now,
    };
    this.#holds.push(hold);
    this.#held.set(id, hold);
    if (workload.service !== undefined) this.#starts(attempt);
    if (stop !== undefined) {
      this.#expect(id, this.#now + task.step.spec.limits.graceMs, causeOfStop(stop));
    } else if (runsToItsEnd(task)) {
      const { at, origin } = this.#options.times.endOf(attempt, this.#now);
      this.#origins[origin]++;
      if (job !== undefined) job.origin = leastKnown([job.origin, origin]);
      this.#expect(id, at, 'succeeded');
    }
  }

  /** Who waits for a replica waits until it has started. */
  #starts({ id, startedAt }: AttemptRecord): void {
    if (startedAt !== undefined) return;
    const started = { kind: 'report-started', at: this.#now, attempt: id, pid: 0 } as const;
    for (const event of this.#engine.decide(started).events) this.#apply(event);
  }

  #ended({ id, end }: AttemptRecord, next: AttemptRecord | undefined): void {
    const hold = this.#held.get(id);
    if (hold !== undefined) hold.to = this.#now;
    this.#held.delete(id);
    // Who stood in line behind it has its place now.
    if (next !== undefined && end?.cause === 'succeeded') this.#begins(next);
  }

  #expect(attempt: AttemptId, at: number, cause: EndCause): void {
    this.#ends.push({ at, order: this.#ordered++, attempt, cause });
  }

  #charge(tenant: TenantId, amount: number | undefined): void {
    if (amount === undefined) return;
    this.#charged.set(tenant, (this.#charged.get(tenant) ?? 0) + amount);
  }
}

const leastKnown = (origins: readonly RunTimeOrigin[]): RunTimeOrigin =>
  ranks[Math.max(...origins.map((origin) => ranks.indexOf(origin)))] ?? 'estimate';

const goesByResults = ({ spec: { flow } }: StepRecord): boolean =>
  flow?.condition !== undefined || flow?.each?.kind === 'expression';

const runsToItsEnd = ({ step }: TaskRecord): boolean =>
  step.workload.service === undefined && step.spec.run.kind !== 'held';

const endOf = (cause: EndCause): AttemptEnd => ({
  cause,
  usage: {},
  enforced: { driver: 'simulated', cpu: 'none', memory: 'none', pids: 'none', notes: [] },
});
