import { type SpanMs, type TimeMs, timeMs, UNLIMITED } from '../../src/base/units.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { MakeScheduler } from '../../src/engine/engine-options.ts';
import { restoreSnapshot, takeSnapshot } from '../../src/engine/snapshot.ts';
import type { EndCause } from '../../src/model/attempt.ts';
import type { AttemptId, NodeId, QueueName, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';
import type { MoneyConfig } from '../../src/model/money.ts';
import type { Refusal } from '../../src/model/refusal.ts';
import {
  type Amounts,
  defaultOrder,
  defaultScheduling,
  NO_AMOUNTS,
  type OrderConfig,
  type QueueConfig,
  queueConfig,
  type SchedulingConfig,
  UNLIMITED_AMOUNTS,
} from '../../src/model/scheduling-config.ts';
import type { StepSpec, WorkloadSpec } from '../../src/model/workload.ts';
import { makeScheduler } from '../../src/scheduling/make-scheduler.ts';
import { endedBy } from './engine-bench.ts';
import { GIB, node, resources, step, workload } from './workload.ts';

export interface Ask {
  readonly queue?: string;
  readonly tenant?: string;
  readonly priority?: number;
  readonly cpu?: number;
  readonly gib?: number;
  readonly gpu?: number;
  readonly count?: number;
  readonly runMs?: number;
  readonly wallMs?: number;
  readonly deadlineAt?: number;
  /** So many of `count` start together or not at all. */
  readonly gang?: number;
  /** All of them where this label has one value. */
  readonly same?: string;
  readonly preemptible?: boolean;
  /** After running out of memory with twice as much. */
  readonly retries?: number;
}

/** CPUs, GiB and GPUs as people say them. */
export function amounts(of: { cpu?: number; gib?: number; gpu?: number }, rest: Amounts): Amounts {
  return {
    cpu: (of.cpu === undefined ? rest.cpu : of.cpu * 1000) as Amounts['cpu'],
    memory: (of.gib === undefined ? rest.memory : of.gib * GIB) as Amounts['memory'],
    gpu: (of.gpu === undefined ? rest.gpu : of.gpu * 1000) as Amounts['gpu'],
  };
}

export const limit = (of: { cpu?: number; gib?: number; gpu?: number }): Amounts =>
  amounts(of, UNLIMITED_AMOUNTS);
export const guarantee = (of: { cpu?: number; gib?: number; gpu?: number }): Amounts =>
  amounts(of, NO_AMOUNTS);

export const order = (name: string, changes: Partial<OrderConfig> = {}): OrderConfig => ({
  ...defaultOrder,
  name,
  ...changes,
});

export function config(
  children: readonly QueueConfig[],
  changes: Partial<SchedulingConfig> & { root?: QueueConfig } = {},
): SchedulingConfig {
  return {
    ...defaultScheduling,
    scorers: [{ name: 'first-fit', weight: 1 }],
    root: queueConfig('root', { children }),
    ...changes,
  };
}

const growing = ({ retry }: StepSpec, maxRetries: number) => ({
  ...retry,
  maxRetries,
  memoryGrowth: 20_000 as StepSpec['retry']['memoryGrowth'],
});

const stops = { restartMs: 0 as SpanMs, minRunMs: 0 as SpanMs };

export function specOf(ask: Ask): WorkloadSpec {
  const { cpu = 1, gib = 0, gpu = 0 } = ask;
  const request = resources({ cpu: cpu * 1000, memory: gib * GIB, gpu: gpu * 1000 });
  const base = step('s', { request, count: ask.count ?? 1 });
  const one = {
    ...base,
    ...(ask.runMs === undefined ? {} : { estimateMs: ask.runMs as SpanMs }),
    ...(ask.gang === undefined ? {} : { gangMin: ask.gang }),
    ...(ask.same === undefined ? {} : { topology: { label: ask.same, required: true } }),
    ...(ask.preemptible === undefined ? {} : { stops: { ...stops, preemptible: ask.preemptible } }),
    ...(ask.retries === undefined ? {} : { retry: growing(base, ask.retries) }),
    limits: {
      ...base.limits,
      memory: ask.retries === undefined ? base.limits.memory : request.memory,
      wallMs: (ask.wallMs ?? UNLIMITED) as SpanMs,
      graceMs: 0 as SpanMs,
    },
  };
  return {
    ...workload('w', one),
    queue: (ask.queue ?? 'default') as QueueName,
    priority: ask.priority ?? 0,
    ...(ask.deadlineAt === undefined ? {} : { deadlineAt: timeMs(ask.deadlineAt) }),
  };
}

/** An engine under a scheduling configuration, with a hand on the clock. */
export class Site {
  engine: Engine;
  now = 0;
  readonly config: SchedulingConfig & { readonly money?: MoneyConfig };
  readonly journal: Event[] = [];
  /** Attempts that run, in order of placement, with who asked. */
  readonly running = new Map<AttemptId, Ask>();
  readonly #asks = new Map<string, Ask>();

  constructor(scheduling: Site['config'], ...nodes: ReturnType<typeof node>[]) {
    this.config = scheduling;
    this.engine = this.fresh();
    for (const n of nodes) this.join(n);
  }

  makeScheduler(): MakeScheduler {
    return makeScheduler(this.config);
  }

  fresh(): Engine {
    const options = {
      tasksMax: 1_000_000,
      endedMax: 5,
      scheduling: this.config,
      ...(this.config.money && { money: this.config.money }),
    };
    return new Engine(options, { scheduler: this.makeScheduler() });
  }

  join(n: ReturnType<typeof node>): void {
    for (const event of this.engine.decide({ kind: 'join-node', at: this.at, node: n }).events) {
      this.#apply(event);
    }
  }

  get at(): TimeMs {
    return timeMs(this.now);
  }

  /** Submits without a pass, as of one moment. The refusal, when it was refused. */
  submit(ask: Ask): Refusal | undefined {
    return this.submitSpec(specOf(ask), ask);
  }

  /** The same of a workload with several steps, or a gang. */
  submitSpec(spec: WorkloadSpec, ask: Ask = { queue: spec.queue }): Refusal | undefined {
    const tenant = (ask.tenant ?? 'ada') as TenantId;
    const decision = this.engine.decide({ kind: 'submit', at: this.at, tenant, spec });
    if (decision.answer.kind === 'refused') return decision.answer.refusal;
    if (decision.answer.kind === 'accepted') this.#asks.set(decision.answer.workload, ask);
    for (const event of decision.events) this.#apply(event);
    return undefined;
  }

  /** One pass: the attempts that it placed. */
  pass(): AttemptId[] {
    const placed: AttemptId[] = [];
    for (let e = this.engine.next(this.at); e !== undefined; e = this.engine.next(this.at)) {
      this.#apply(e);
      if (e.kind === 'task-placed') placed.push(e.attempt);
    }
    return placed;
  }

  /** Who was placed, in order: `tenant` or `queue` of each. */
  placedBy(by: 'tenant' | 'queue'): string[] {
    return this.pass().map((id) => this.asked(id)[by] ?? '');
  }

  asked(attempt: AttemptId): Ask {
    return this.#asks.get(attempt.slice(0, attempt.indexOf('.')))!;
  }

  leave(id: string): void {
    const { events } = this.engine.decide({ kind: 'leave-node', at: this.at, node: id as NodeId });
    for (const event of events) this.#apply(event);
  }

  end(attempt: AttemptId, cause: EndCause = 'succeeded'): void {
    const end = endedBy(cause);
    const decision = this.engine.decide({ kind: 'report-ended', at: this.at, attempt, end });
    for (const event of decision.events) this.#apply(event);
  }

  cancel(workload: number): void {
    const id = String(workload) as WorkloadId;
    const by = 'ada' as TenantId;
    const { events } = this.engine.decide({ kind: 'cancel', at: this.at, workload: id, by });
    for (const event of events) this.#apply(event);
  }

  endAll(): void {
    for (const id of [...this.running.keys()]) this.end(id);
  }

  /** What each tenant or queue holds now, in tasks. */
  held(by: 'tenant' | 'queue'): Record<string, number> {
    const held: Record<string, number> = {};
    for (const ask of this.running.values()) {
      const key = ask[by] ?? '';
      held[key] = (held[key] ?? 0) + 1;
    }
    return held;
  }

  /** Why the first task of a workload that waits does so. */
  why(id: number): Refusal | undefined {
    const { tasks } = this.engine.state.workload(String(id) as never)!.steps[0]!;
    const task = tasks.find((other) => other.state === 'waiting');
    return task && this.engine.state.scheduler.refusal(task);
  }

  /** Goes on as an engine that was restored from a snapshot of this one. */
  restart(): void {
    const restored = this.fresh();
    restoreSnapshot(restored.state, takeSnapshot(this.engine.state));
    this.engine = restored;
  }

  #apply(event: Event): void {
    this.engine.apply(event);
    this.journal.push(event);
    if (event.kind === 'task-placed') this.running.set(event.attempt, this.asked(event.attempt));
    if (event.kind === 'task-ended') this.running.delete(event.attempt);
  }
}

export { node, queueConfig };
