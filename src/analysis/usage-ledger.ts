import type { TimeMs } from '../base/units.ts';
import type { AttemptEnd } from '../model/attempt.ts';
import { type AttemptId, parseAttemptId, type WorkloadId } from '../model/ids.ts';
import type { Event, Placement } from '../model/messages.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';

/** One attempt within a window of time, or money that was spent otherwise. */
export interface UsageRecord {
  readonly pipeline: string;
  readonly user: string;
  readonly queue: string;
  readonly node: string | undefined;
  /** Of what was spent on calls of a model. */
  readonly model: string | undefined;
  readonly step: StepSpec | undefined;
  /** Of its task in the step. */
  readonly index: number;
  readonly placement: Placement | undefined;
  readonly placedAt: number | undefined;
  /** Of its time, what lies in the window. */
  readonly heldMs: number;
  /** Whether it began in the window. */
  readonly isNew: boolean;
  /** From when it could have been placed until it was; 0 where it did not begin in the window. */
  readonly waitMs: number;
  /** How it ended in the window; absent while it runs. */
  readonly end: AttemptEnd | undefined;
  /** Settled in the window, in micro-dollars. */
  readonly charged: number;
  /** Things without a known price: what they cost is not in `charged`. */
  readonly unpriced: readonly string[];
  readonly tokens: number;
  readonly calls: number;
}

interface Submission {
  readonly spec: WorkloadSpec;
  readonly tenant: string;
  readonly at: number;
}

interface Open {
  readonly placement: Placement;
  readonly placedAt: number;
  readonly waitMs: number;
  charged: number;
  readonly unpriced: readonly string[];
}

export interface LedgerWindow {
  readonly from: TimeMs;
  readonly to: TimeMs;
}

/** Submissions that are remembered. */
const SUBMISSIONS_MAX = 50_000;

/**
 * Reads the journal from the beginning of the window, event by event in order, and gives a record for each
 * attempt that ended in it; at last, for those that run on. What happened before to a workload that is met in
 * it is asked for.
 */
export class UsageLedger {
  readonly #window: LedgerWindow;
  readonly #before: (id: WorkloadId) => Iterable<Event>;
  readonly #primed = new Set<string>();
  readonly #submissions = new Map<string, Submission>();
  readonly #open = new Map<AttemptId, Open>();
  readonly #next = new Map<AttemptId, AttemptId>();
  /** When a task that tries again could have been placed. */
  readonly #readyAt = new Map<string, number>();

  constructor(window: LedgerWindow, before: (id: WorkloadId) => Iterable<Event> = () => []) {
    this.#window = window;
    this.#before = before;
  }

  /** Learns what there was of a workload before the window. */
  prime(id: WorkloadId): void {
    if (this.#primed.has(id) || this.#submissions.has(id)) return;
    this.#primed.add(id);
    for (const event of this.#before(id)) {
      if (event.at >= this.#window.from) return;
      this.#take(event);
    }
  }

  read(event: Event): UsageRecord | undefined {
    const workload = 'attempt' in event ? parseAttemptId(event.attempt)?.workload : undefined;
    if (workload !== undefined) this.prime(workload);
    return this.#take(event);
  }

  #take(event: Event): UsageRecord | undefined {
    switch (event.kind) {
      case 'workload-submitted':
        this.#remember(event.workload, event);
        return undefined;
      case 'task-placed':
        this.#place(event.attempt, event.placement, event.at, event.reserved?.unpriced ?? []);
        return undefined;
      case 'attempts-lined-up': {
        let before: AttemptId = event.behind;
        for (const attempt of event.attempts) {
          this.#next.set(before, attempt);
          before = attempt;
        }
        return undefined;
      }
      case 'reserve-renewed': {
        const open = this.#open.get(event.attempt);
        if (open !== undefined && this.#counts(event.at)) open.charged += event.charged;
        return undefined;
      }
      case 'task-ended':
        return this.#end(event);
      case 'retry-due':
        this.#readyAt.set(event.task, event.at);
        return undefined;
      case 'workload-ended':
        this.#forget(event.workload);
        return undefined;
      case 'spend-settled':
        return this.#spent(event);
      default:
        return undefined;
    }
  }

  /** What runs at the end of the window. */
  *rest(): Iterable<UsageRecord> {
    for (const [id, open] of this.#open) {
      const record = this.#record(id, open, this.#window.to, undefined);
      if (record !== undefined) yield record;
    }
  }

  #place(id: AttemptId, placement: Placement, at: number, unpriced: readonly string[]): void {
    const { workload, task } = parseAttemptId(id)!;
    const readyAt = this.#readyAt.get(task) ?? this.#submissions.get(workload)?.at ?? at;
    this.#readyAt.delete(task);
    const waitMs = Math.max(0, at - readyAt);
    const facts = { placement, placedAt: at, waitMs, unpriced };
    this.#open.set(id, { ...facts, charged: 0 });
  }

  #end({ attempt, at, end, charged }: Extract<Event, { kind: 'task-ended' }>) {
    const open = this.#open.get(attempt);
    const next = this.#next.get(attempt);
    this.#next.delete(attempt);
    if (open === undefined) return undefined;
    this.#open.delete(attempt);
    if (next !== undefined && end.cause === 'succeeded') {
      this.#place(next, open.placement, at, open.unpriced);
    }
    if (this.#counts(at)) open.charged += charged ?? 0;
    const inWindow = this.#counts(at) ? end : undefined;
    return this.#record(attempt, open, Math.min(at, this.#window.to), inWindow);
  }

  #spent({ workload, spending, at }: Extract<Event, { kind: 'spend-settled' }>) {
    if (!this.#counts(at)) return undefined;
    const { tenant, queue, what, amount, tokens, calls } = spending;
    return {
      pipeline: (workload && this.#submissions.get(workload)?.spec.name) ?? '',
      user: tenant,
      queue,
      node: undefined,
      model: what.replace(/^model /, ''),
      step: undefined,
      index: 0,
      placement: undefined,
      placedAt: undefined,
      heldMs: 0,
      isNew: false,
      waitMs: 0,
      end: undefined,
      charged: amount ?? 0,
      unpriced: amount === undefined ? [what] : [],
      tokens,
      calls,
    } satisfies UsageRecord;
  }

  #record(id: AttemptId, open: Open, until: number, end: AttemptEnd | undefined) {
    const { from } = this.#window;
    const heldMs = Math.max(0, until - Math.max(open.placedAt, from));
    if (heldMs === 0 && end === undefined && open.charged === 0) return undefined;
    const { workload, step: stepId, index } = parseAttemptId(id)!;
    const submission = this.#submissions.get(workload);
    const isNew = this.#counts(open.placedAt);
    return {
      pipeline: submission?.spec.name ?? `workload ${workload}`,
      user: submission?.tenant ?? 'unknown',
      queue: submission?.spec.queue ?? 'unknown',
      node: open.placement.node,
      model: undefined,
      step: submission?.spec.steps.find((step) => step.id === stepId),
      index,
      placement: open.placement,
      placedAt: open.placedAt,
      heldMs,
      isNew,
      waitMs: isNew ? open.waitMs : 0,
      end,
      charged: open.charged,
      unpriced: open.unpriced,
      tokens: 0,
      calls: 0,
    } satisfies UsageRecord;
  }

  #remember(id: WorkloadId, { spec, tenant, at }: Submission): void {
    // The oldest goes: what is left of it has no name in the report.
    if (this.#submissions.size >= SUBMISSIONS_MAX) {
      const [first] = this.#submissions.keys();
      this.#submissions.delete(first!);
    }
    this.#submissions.set(id, { spec, tenant, at });
  }

  /** Its submission stays: money may be settled later. */
  #forget(id: WorkloadId): void {
    for (const task of this.#readyAt.keys()) {
      if (task.startsWith(`${id}.`)) this.#readyAt.delete(task);
    }
  }

  #counts(at: number): boolean {
    return at >= this.#window.from && at < this.#window.to;
  }
}
