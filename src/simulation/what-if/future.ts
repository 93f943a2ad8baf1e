import type { TimeMs } from '../../base/units.ts';
import type { AttemptRecord, StepRecord, WorkloadRecord } from '../../engine/records.ts';
import type { State } from '../../engine/state.ts';
import type { AttemptId, QueueName, TenantId, WorkloadId } from '../../model/ids.ts';
import type { Event } from '../../model/messages.ts';
import type { Refusal } from '../../model/refusal.ts';
import { leastKnown, type RunTimeOrigin } from './expected-times.ts';

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

/** One future of a site, or one past. */
export interface Future {
  readonly from: TimeMs;
  /** The last instant at which anything happened. */
  readonly until: TimeMs;
  /** What ended it, when there was more to come. */
  readonly cut: 'horizon' | 'events' | undefined;
  readonly events: number;
  /** By id. */
  readonly jobs: ReadonlyMap<WorkloadId, ForwardJob>;
  readonly holds: readonly Hold[];
  /** Micro-dollars from now on. */
  readonly charged: ReadonlyMap<TenantId, number>;
  /** Changes that were refused, by their place in the list. */
  readonly refused: readonly { readonly change: number; readonly refusal: Refusal }[];
  /** Of attempts that run now or start, how many go by each. */
  readonly origins: Readonly<Record<RunTimeOrigin, number>>;
}

/** Writes down what becomes of the workloads of a state while events are applied to it. */
export class FutureRecord {
  readonly #state: State;
  readonly #originOf: (step: StepRecord) => RunTimeOrigin;
  readonly #nameOf: (id: WorkloadId) => WorkloadId;
  readonly jobs = new Map<WorkloadId, ForwardJob>();
  /** Those that are to end and have not. */
  readonly open = new Set<WorkloadId>();
  readonly holds: Hold[] = [];
  readonly charged = new Map<TenantId, number>();
  readonly origins = { true: 0, estimate: 0, history: 0, limit: 0, assumed: 0 };
  readonly #held = new Map<AttemptId, Hold>();

  /** `nameOf`: as a workload is called in what it is compared with. */
  constructor(
    state: State,
    originOf: (step: StepRecord) => RunTimeOrigin,
    nameOf: (id: WorkloadId) => WorkloadId = (id) => id,
  ) {
    this.#state = state;
    this.#originOf = originOf;
    this.#nameOf = nameOf;
  }

  /** All that is there now, whether it runs or waits. */
  begin(at: TimeMs): void {
    for (const workload of this.#state.workloads()) {
      if (workload.state === 'active') this.#meet(workload);
    }
    for (const attempt of this.#state.runningAttempts()) this.began(attempt, at);
  }

  /** An event of which the attempt, where it has one, is `attempt`; right after it was applied. */
  happened(event: Event, attempt: AttemptRecord | undefined): void {
    switch (event.kind) {
      case 'workload-submitted':
        this.#meet(this.#state.workload(event.workload)!);
        break;
      case 'task-placed':
        this.began(attempt!, event.at);
        break;
      case 'task-ended':
        this.#ended(attempt!, event.at);
        this.#charge(attempt!.task.tenant, event.charged);
        break;
      case 'reserve-renewed':
        this.#charge(attempt!.task.tenant, event.charged);
        break;
      case 'workload-ended': {
        this.open.delete(event.workload);
        const job = this.jobs.get(this.#nameOf(event.workload));
        if (job !== undefined) job.endAt = event.at;
        break;
      }
    }
  }

  /** It holds its place from now on, or has since before. */
  began({ id, task, placement }: AttemptRecord, at: TimeMs): void {
    const { workload } = task.step;
    const job = this.jobs.get(this.#nameOf(workload.id));
    if (job !== undefined) job.startAt ??= workload.startedAt;
    const { cpu, gpu } = placement.held;
    const { tenant } = task;
    const hold: Hold = { tenant, queue: workload.spec.queue, cpu, gpu, from: at, to: at };
    this.holds.push(hold);
    this.#held.set(id, hold);
  }

  /** An attempt is expected to run so long, as far as that is known. */
  counts({ task }: AttemptRecord, origin: RunTimeOrigin): void {
    this.origins[origin]++;
    const job = this.jobs.get(this.#nameOf(task.step.workload.id));
    if (job !== undefined) job.origin = leastKnown([job.origin, origin]);
  }

  end(at: TimeMs): void {
    for (const hold of this.#held.values()) hold.to = Math.max(hold.from, at);
  }

  #meet(workload: WorkloadRecord): void {
    const { id, spec, tenant, submittedAt, startedAt, steps } = workload;
    const name = this.#nameOf(id);
    this.jobs.set(name, {
      id: name,
      name: spec.name,
      kind: spec.kind,
      tenant,
      queue: spec.queue,
      submittedAt,
      ran: startedAt !== undefined,
      startAt: startedAt,
      endAt: undefined,
      origin: leastKnown(steps.map((step) => this.#originOf(step))),
      goesByResults: steps.some(goesByResults),
    });
    if (spec.kind !== 'service' && spec.kind !== 'lease') this.open.add(id);
  }

  #ended({ id }: AttemptRecord, at: TimeMs): void {
    const hold = this.#held.get(id);
    if (hold !== undefined) hold.to = at;
    this.#held.delete(id);
  }

  #charge(tenant: TenantId, amount: number | undefined): void {
    if (amount === undefined) return;
    this.charged.set(tenant, (this.charged.get(tenant) ?? 0) + amount);
  }
}

const goesByResults = ({ spec: { flow } }: StepRecord): boolean =>
  flow?.condition !== undefined || flow?.each?.kind === 'expression';
