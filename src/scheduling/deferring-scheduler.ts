import { Heap } from '../base/heap.ts';
import type { TimeMs } from '../base/units.ts';
import type { AttemptId } from '../model/ids.ts';
import type { Keep, Preemption } from '../model/preemption.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import type { GangScheduler } from './gang-scheduler.ts';
import type { SchedulerDescription } from './queue-description.ts';
import type {
  Candidate,
  Choice,
  Deferral,
  DeferredGroup,
  Leaving,
  QueueRules,
  Running,
  Scheduler,
} from './scheduler.ts';

interface Members<T> {
  readonly deferred: Set<T>;
  /** In the queue of the policy: they are taken out again when the group is deferred again. */
  readonly queued: Set<T>;
  dueAt: TimeMs | undefined;
}

interface Due {
  readonly at: TimeMs;
  /** Of two that are due at once, the one that was noted first. */
  readonly number: number;
  readonly group: DeferredGroup;
}

/**
 * Keeps tasks that wait on purpose out of any policy: for it they are not there, so that they hold nobody up, and
 * no order or backfill need know of them. All of it follows from what waits and from the time of the next pass.
 */
export class DeferringScheduler<T extends Candidate> implements Scheduler<T> {
  readonly #inner: GangScheduler<T>;
  readonly #deferral: Deferral<T>;
  readonly #groups = new Map<DeferredGroup, Members<T>>();
  /** Of each task that waits and may be deferred. */
  readonly #groupOf = new Map<T, DeferredGroup>();
  readonly #due = new Heap<Due>((a, b) => (a.at === b.at ? a.number < b.number : a.at < b.at));
  /** To be looked at in the next pass. */
  readonly #touched = new Set<DeferredGroup>();
  #dues = 0;
  #deferred = 0;
  #lastAt = 0 as TimeMs;
  readonly queues?: QueueRules;

  constructor(inner: GangScheduler<T>, deferral: Deferral<T>) {
    this.#inner = inner;
    this.#deferral = deferral;
    if (inner.queues !== undefined) this.queues = inner.queues;
  }

  /** How many wait on purpose, as of the last pass. */
  get deferred(): number {
    return this.#deferred;
  }

  enqueue(task: T): void {
    const group = this.#deferral.groupOf(task);
    if (group === undefined) {
      this.#inner.enqueue(task);
      return;
    }
    this.#inner.expect(task);
    const members = this.#groups.get(group) ?? {
      deferred: new Set(),
      queued: new Set(),
      dueAt: undefined,
    };
    members.deferred.add(task);
    this.#deferred++;
    this.#groups.set(group, members);
    this.#groupOf.set(task, group);
    this.#touched.add(group);
  }

  withdraw(task: T, leaves: Leaving = 'for-good'): void {
    // In a replay no pass has let it go, though others may have been stopped for it since.
    if (this.#leave(task)) this.#inner.giveUp(task, leaves);
    else this.#inner.withdraw(task, leaves);
  }

  placed(running: Running<T>): void {
    // In a replay no pass has let it go.
    if (this.#leave(running.task)) this.#inner.enqueue(running.task, true);
    this.#inner.placed(running);
  }

  next(at: TimeMs): Choice<T> | undefined {
    this.#lastAt = at;
    for (const group of this.#deferral.takeChanged()) this.#touched.add(group);
    for (let due = this.#due.peek(); due !== undefined && due.at <= at; due = this.#due.peek()) {
      this.#touched.add(this.#due.pop().group);
    }
    for (const group of this.#touched) this.#look(group, at);
    this.#touched.clear();
    return this.#inner.next(at);
  }

  nextTimer(): TimeMs | undefined {
    const inner = this.#inner.nextTimer();
    const due = this.#firstDue()?.at;
    if (due === undefined || inner === undefined) return due ?? inner;
    return due < inner ? due : inner;
  }

  refusal(task: T): Refusal | undefined {
    const group = this.#groupOf.get(task);
    if (group !== undefined && this.#groups.get(group)!.deferred.has(task)) {
      return group.refusal(this.#lastAt);
    }
    return this.#inner.refusal(task);
  }

  startsWith(task: T, request: Resources, at: TimeMs): boolean {
    if (this.#deferral.groupOf(task)?.refusal(at) !== undefined) return false;
    return this.#inner.startsWith(task, request, at);
  }

  preempting(preemption: Preemption, at: TimeMs, preemptor: T | undefined): void {
    if (preemptor !== undefined) this.#letGo(preemptor);
    this.#inner.preempting(preemption, at, preemptor);
  }

  keeping(keep: Keep, task: T | undefined): void {
    if (task !== undefined) this.#letGo(task);
    this.#inner.keeping(keep, task);
  }

  ended(running: Running<T>, at: TimeMs): void {
    this.#inner.ended(running, at);
  }

  resized(before: Running<T>, after: Running<T>, at: TimeMs): void {
    this.#inner.resized(before, after, at);
  }

  nodesChanged(): void {
    this.#inner.nodesChanged();
  }

  preempt(at: TimeMs): Preemption | undefined {
    return this.#inner.preempt(at);
  }

  mayGrow(task: T, more: Resources, at: TimeMs): Refusal | undefined {
    return this.#inner.mayGrow(task, more, at);
  }

  keep(at: TimeMs): Keep | undefined {
    return this.#inner.keep(at);
  }

  stopping(attempt: AttemptId): void {
    this.#inner.stopping(attempt);
  }

  reprioritised(): void {
    this.#inner.reprioritised();
  }

  notes(): readonly string[] {
    return this.#inner.notes();
  }

  describe(at: TimeMs): SchedulerDescription {
    return this.#inner.describe(at);
  }

  save(): unknown {
    return this.#inner.save();
  }

  restore(saved: unknown): void {
    this.#inner.restore(saved);
  }

  #look(group: DeferredGroup, at: TimeMs): void {
    const members = this.#groups.get(group);
    if (members === undefined) return;
    const { deferred, queued } = members;
    const isFree = group.refusal(at) === undefined;
    if (isFree) {
      for (const task of deferred) this.#inner.enqueue(task, true);
      for (const task of deferred) queued.add(task);
      this.#deferred -= deferred.size;
      deferred.clear();
    } else {
      for (const task of queued) this.#inner.withdraw(task, 'deferred');
      for (const task of queued) deferred.add(task);
      this.#deferred += queued.size;
      queued.clear();
    }
    const dueAt = group.nextChange(at);
    if (dueAt !== undefined && dueAt !== members.dueAt) {
      this.#due.push({ at: dueAt, number: this.#dues++, group });
    }
    members.dueAt = dueAt;
    if (!isFree || dueAt !== undefined) return;
    // Nothing defers them any more.
    for (const task of queued) this.#groupOf.delete(task);
    this.#groups.delete(group);
  }

  /** It queues whatever its group says, until that is looked at again. */
  #letGo(task: T): void {
    const group = this.#groupOf.get(task);
    if (group === undefined) return;
    const { deferred, queued } = this.#groups.get(group)!;
    if (!deferred.delete(task)) return;
    this.#deferred--;
    queued.add(task);
    this.#inner.enqueue(task, true);
    this.#touched.add(group);
  }

  /** It no longer waits; whether it was deferred. */
  #leave(task: T): boolean {
    const group = this.#groupOf.get(task);
    if (group === undefined) return false;
    const { deferred, queued } = this.#groups.get(group)!;
    this.#groupOf.delete(task);
    const wasDeferred = deferred.delete(task);
    if (wasDeferred) this.#deferred--;
    queued.delete(task);
    if (deferred.size + queued.size === 0) this.#groups.delete(group);
    return wasDeferred;
  }

  #firstDue(): Due | undefined {
    for (;;) {
      const first = this.#due.peek();
      if (first === undefined || this.#groups.get(first.group)?.dueAt === first.at) return first;
      this.#due.pop();
    }
  }
}
