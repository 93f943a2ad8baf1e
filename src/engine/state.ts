import { QuotaBook } from '../admission/quota.ts';
import { assert } from '../base/assert.ts';
import type { EndCause } from '../model/attempt.ts';
import { type AttemptId, parseAttemptId, type TaskId, type WorkloadId } from '../model/ids.ts';
import type { Event, ScheduledRetry } from '../model/messages.ts';
import type { Node } from '../model/node.ts';
import type { NodeIndex } from '../scheduling/node-table.ts';
import { NodeTable } from '../scheduling/node-table.ts';
import type { Scheduler } from '../scheduling/scheduler.ts';
import { Shapes } from '../scheduling/shape.ts';
import { ActiveTasks } from './active-tasks.ts';
import type { EngineOptions, MakeScheduler, SavedMemory } from './engine-options.ts';
import { LeaseEnds } from './lease-ends.ts';
import { LiveChanges } from './live-changes.ts';
import { PREEMPTIONS_KEPT, tellPreemption } from './preemption-log.ts';
import { quotaGate, spanOf } from './quota-gate.ts';
import {
  type AttemptRecord,
  currentAttempt,
  isBroken,
  newAttempt,
  newTasks,
  newWorkload,
  type PreemptionRecord,
  runningOf,
  type SavedOrder,
  type StepRecord,
  served,
  shapeOf,
  startsMore,
  stepNamed,
  type TaskRecord,
  type ToStop,
  taskNamed,
  type WorkloadRecord,
} from './records.ts';
import { RestingTasks } from './resting-tasks.ts';

/**
 * Everything that the engine knows. The tables are rebuilt from the journal; what is derived from them
 * (free amounts, the queue, verdicts) is kept beside them and never journalled.
 */
export class State {
  readonly shapes = new Shapes();
  readonly table = new NodeTable();
  readonly scheduler: Scheduler<TaskRecord>;
  readonly quotas: QuotaBook | undefined;
  readonly active = new ActiveTasks();
  readonly leases = new LeaseEnds();
  readonly live = new LiveChanges(this);
  readonly #workloads = new Map<WorkloadId, WorkloadRecord>();
  readonly #running = new Map<AttemptId, AttemptRecord>();
  readonly #resting = new RestingTasks();
  readonly #unsettled = new Set<WorkloadRecord>();
  readonly #toStop: ToStop[] = [];
  #preemptions: PreemptionRecord[] = [];
  readonly #ended: WorkloadRecord[] = [];
  #nodes: readonly Node[] | undefined;
  #workloadsEver = 0;

  constructor(makeScheduler: MakeScheduler, scheduling: EngineOptions['scheduling']) {
    const deps = { table: this.table, shapes: this.shapes };
    const quotas = scheduling?.quotas ?? [];
    this.quotas = quotas.length > 0 ? new QuotaBook(quotas, scheduling!.root) : undefined;
    this.scheduler = makeScheduler(
      this.quotas === undefined ? deps : { ...deps, gate: quotaGate(this.quotas) },
    );
  }

  get workloadsEver(): number {
    return this.#workloadsEver;
  }

  /** Tasks of workloads that have not ended. */
  get tasksActive(): number {
    return this.active.total;
  }

  /** In order of submission. */
  workloads(): IterableIterator<WorkloadRecord> {
    return this.#workloads.values();
  }

  workload(id: WorkloadId): WorkloadRecord | undefined {
    return this.#workloads.get(id);
  }

  /** In order of joining. */
  nodes(): readonly Node[] {
    const { table } = this;
    this.#nodes ??= Array.from({ length: table.rows }, (_, row) => table.node(row)).filter(
      (node) => node !== undefined,
    );
    return this.#nodes;
  }

  /** Placed and not ended, in order of placement. */
  runningAttempts(): IterableIterator<AttemptRecord> {
    return this.#running.values();
  }

  attempt(id: AttemptId): AttemptRecord | undefined {
    const name = parseAttemptId(id);
    if (name === undefined) return undefined;
    const workload = this.#workloads.get(name.workload);
    return workload && taskNamed(workload, name)?.attempts[name.number - 1];
  }

  firstResting(): TaskRecord | undefined {
    return this.#resting.first();
  }

  firstToStop(): ToStop | undefined {
    while (this.#toStop.length > 0) {
      const first = this.#toStop.at(-1)!;
      const { attempt } = first;
      if (attempt.end === undefined && attempt.stop === undefined) return first;
      this.#toStop.pop();
    }
    return undefined;
  }

  /** Workloads in which a step or the whole may have ended since they were last settled. */
  unsettled(): Iterable<WorkloadRecord> {
    return this.#unsettled;
  }

  settle(workload: WorkloadRecord): void {
    this.#unsettled.delete(workload);
  }

  /** The workload that ended first, when more than `max` have ended. */
  oldestEnded(max: number): WorkloadRecord | undefined {
    return this.#ended.length > max ? this.#ended[0] : undefined;
  }

  apply(event: Event): void {
    switch (event.kind) {
      case 'node-joined':
        this.live.joined(event.node.id);
        this.rejoin(event.node);
        break;
      case 'node-left':
        this.live.left(event.node);
        this.table.leave(event.node);
        this.#nodes = undefined;
        this.scheduler.nodesChanged();
        break;
      case 'workload-submitted':
        this.#workloadsEver = Number(event.workload);
        this.insert(newWorkload(event.workload, event.tenant, event.spec, event.at));
        break;
      case 'task-placed':
        this.#place(event);
        break;
      case 'task-started':
        this.#start(event);
        break;
      case 'stop-ordered':
        this.#stop(event);
        break;
      case 'preemption-ordered':
        this.#preempt({ at: event.at, preemption: event.preemption });
        break;
      case 'task-ended':
        this.#end(event);
        break;
      case 'retry-due':
        this.#wait(this.#task(event.task));
        break;
      case 'step-ended':
        this.#endStep(event);
        break;
      case 'cancel-requested':
        this.#cancel(event);
        break;
      case 'lease-renewed':
        this.leases.renew(this.#workload(event.workload), event.at);
        break;
      case 'workload-ended':
        this.#endWorkload(event);
        break;
      case 'workload-retired':
        this.#retire(event.workload);
        break;
      default:
        this.live.apply(event);
    }
  }

  /** Enters a workload and opens the steps that need nothing. */
  insert(workload: WorkloadRecord): void {
    this.#workloads.set(workload.id, workload);
    this.active.count(workload, 1);
    this.leases.add(workload);
    for (const step of workload.steps) if (step.unmet === 0) this.#open(step);
  }

  #place(event: Extract<Event, { kind: 'task-placed' }>): void {
    const name = parseAttemptId(event.attempt);
    assert(name !== undefined, 'an attempt id of ours');
    const task = taskNamed(this.#workload(name.workload), name)!;
    assert(task.state === 'waiting', 'only a waiting task is placed');
    assert(name.number === task.attempts.length + 1, 'attempts are numbered in order');
    const row = this.table.rowOf(event.placement.node);
    assert(row !== undefined, 'placed on a node that is there');
    const attempt = newAttempt(task, name.number, event);
    task.attempts = [...task.attempts, attempt];
    task.state = 'running';
    task.step.counts.waiting--;
    task.step.counts.running++;
    task.step.workload.startedAt ??= event.at;
    this.table.take(row, event.placement.held, event.placement.gpus);
    this.#running.set(attempt.id, attempt);
    this.leases.touch(attempt, event.at);
    this.#told(attempt, row);
  }

  /** The policies hear of what runs. */
  #told(attempt: AttemptRecord, row: NodeIndex): void {
    this.scheduler.placed(runningOf(attempt, row));
    this.quotas?.started(attempt.id, spanOf(attempt));
  }

  #stop({ attempt: id, reason, at }: Extract<Event, { kind: 'stop-ordered' }>): void {
    const attempt = this.#attempt(id);
    attempt.stop = reason;
    this.scheduler.stopping?.(id);
    this.leases.touch(attempt, at);
  }

  #start(event: Extract<Event, { kind: 'task-started' }>): void {
    const attempt = this.#attempt(event.attempt);
    attempt.startedAt = event.at;
    attempt.pid = event.pid;
  }

  #end(event: Extract<Event, { kind: 'task-ended' }>): void {
    const attempt = this.#attempt(event.attempt);
    assert(attempt.end === undefined, `an attempt ends once: ${attempt.id}`);
    attempt.end = event.end;
    attempt.endedAt = event.at;
    const { task } = attempt;
    const { counts, workload } = task.step;
    this.#running.delete(attempt.id);
    this.table.give(attempt.placement.node, attempt.placement.held, attempt.placement.gpus);
    counts.running--;
    if (event.end.cause === 'preempted') task.preempted++;
    const row = this.table.rowOf(attempt.placement.node);
    this.quotas?.ended(attempt.id, spanOf(attempt), event.at);
    served(attempt);
    if (row !== undefined) this.scheduler.ended(runningOf(attempt, row), event.at);
    this.live.ended(attempt);
    if (event.retry !== undefined) this.#rest(task, event.retry);
    else this.#endTask(task, event.end.cause);
    if (event.end.cause !== 'succeeded') this.#stopBroken(task.step);
    this.#unsettled.add(workload);
  }

  orderStop(attempt: AttemptRecord, reason: ToStop['reason']): void {
    this.#toStop.push({ attempt, reason });
  }

  /** A node is there, or has changed. */
  rejoin(node: Node): void {
    this.table.join(node);
    this.#nodes = undefined;
    this.scheduler.nodesChanged();
  }

  /** What is left of a gang below its minimum stops, and starts again with it. */
  #stopBroken(step: StepRecord): void {
    if (!isBroken(step)) return;
    for (const task of step.tasks) {
      if (task.state !== 'running') continue;
      this.#toStop.push({ attempt: currentAttempt(task)!, reason: 'preempted' });
    }
  }

  #preempt(record: PreemptionRecord): void {
    this.#preemptions.push(record);
    if (this.#preemptions.length > PREEMPTIONS_KEPT) this.#preemptions.shift();
    for (const { attempt: id } of record.preemption.victims.toReversed()) {
      const attempt = this.#attempt(id);
      attempt.preemption = record;
      this.#toStop.push({ attempt, reason: 'preempted' });
    }
    this.scheduler.preempting?.(
      record.preemption,
      record.at,
      this.#task(record.preemption.preemptor),
    );
  }

  /** The last ones, the oldest first. */
  get preemptions(): readonly PreemptionRecord[] {
    return this.#preemptions;
  }

  restorePreemptions(records: readonly PreemptionRecord[]): void {
    this.#preemptions = [...records];
    for (const record of records) tellPreemption(this, record);
  }

  #endTask(task: TaskRecord, cause: EndCause): void {
    // Only a task of a cancelled workload does not try again after it was stopped for others.
    const end = cause === 'preempted' ? 'cancelled' : cause;
    task.state = end === 'succeeded' || end === 'cancelled' ? end : 'failed';
    task.step.counts[task.state]++;
    if (task.state === 'failed') this.#withdrawWaiting(task.step);
    else this.#release(task.step);
  }

  #rest(task: TaskRecord, retry: ScheduledRetry): void {
    task.step.counts.waiting++;
    task.state = 'resting';
    task.dueAt = retry.dueAt;
    if (retry.memory !== undefined) {
      task.memoryLimit = retry.memory;
      task.shape = shapeOf(this.shapes, task);
    }
    this.#resting.push(task);
  }

  #wait(task: TaskRecord): void {
    task.state = 'waiting';
    task.dueAt = undefined;
    this.scheduler.enqueue(task);
  }

  #endStep(event: Extract<Event, { kind: 'step-ended' }>): void {
    const workload = this.#workload(event.workload);
    const step = stepNamed(workload, event.step);
    assert(step !== undefined, 'a step of its workload');
    const { counts } = step;
    assert(counts.running === 0, 'a step ends when none of its tasks runs');
    step.state = event.state;
    step.endedAt = event.at;
    for (const task of step.tasks) {
      if (task.state === 'held-back' || task.state === 'waiting' || task.state === 'resting') {
        task.state = 'cancelled';
      }
    }
    counts.cancelled += counts.waiting;
    counts.waiting = 0;
    if (event.state === 'succeeded') {
      for (const index of step.dependents) {
        const dependent = workload.steps[index]!;
        dependent.unmet--;
        if (dependent.unmet === 0 && dependent.state === 'blocked') this.#open(dependent);
      }
    }
    this.#unsettled.add(workload);
  }

  #cancel(event: Extract<Event, { kind: 'cancel-requested' }>): void {
    const workload = this.#workload(event.workload);
    workload.cancelledBy = event.by;
    for (const step of workload.steps) {
      this.#withdrawWaiting(step);
      if (step.counts.running === 0) continue;
      for (const task of step.tasks) {
        if (task.state !== 'running') continue;
        this.#toStop.push({ attempt: currentAttempt(task)!, reason: 'cancelled' });
      }
    }
    this.#unsettled.add(workload);
  }

  #endWorkload(event: Extract<Event, { kind: 'workload-ended' }>): void {
    const workload = this.#workload(event.workload);
    workload.state = event.state;
    workload.endedAt = event.at;
    this.active.count(workload, -1);
    this.#ended.push(workload);
    this.#unsettled.delete(workload);
  }

  /** For restoring a snapshot: what `insert` and `apply` keep for a workload whose record is further on. */
  restore(
    workloads: readonly WorkloadRecord[],
    saved: { readonly order: SavedOrder; readonly ever: number; readonly memory: SavedMemory },
  ): void {
    assert(this.#workloads.size === 0, 'only an empty state is restored');
    const { order, ever, memory } = saved;
    this.scheduler.nodesChanged();
    for (const workload of workloads) {
      this.#workloads.set(workload.id, workload);
      for (const step of workload.steps) this.#restoreStep(step);
      if (workload.state === 'active') this.active.count(workload, 1);
      this.leases.add(workload);
    }
    for (const id of order.running) {
      const attempt = this.#attempt(id);
      const row = this.table.rowOf(attempt.placement.node)!;
      this.#running.set(id, attempt);
      this.#told(attempt, row);
      if (attempt.stop !== undefined) this.scheduler.stopping?.(id);
    }
    if (memory.scheduler !== undefined) this.scheduler.restore?.(memory.scheduler);
    if (memory.quotas !== undefined) this.quotas?.restore(memory.quotas);
    for (const id of order.ended) this.#ended.push(this.#workload(id));
    this.#workloadsEver = ever;
  }

  order(): SavedOrder {
    return { running: [...this.#running.keys()], ended: this.#ended.map(({ id }) => id) };
  }

  memory(): SavedMemory {
    const scheduler = this.scheduler.save?.();
    return {
      ...(scheduler === undefined ? {} : { scheduler }),
      ...(this.quotas === undefined ? {} : { quotas: this.quotas.save() }),
    };
  }

  #restoreStep(step: StepRecord): void {
    for (const task of step.tasks) {
      task.shape = shapeOf(this.shapes, task);
      if (task.state === 'waiting' && startsMore(step)) this.scheduler.enqueue(task);
      if (task.state === 'resting') this.#resting.push(task);
      if (task.state !== 'running') continue;
      const attempt = currentAttempt(task)!;
      const row = this.table.rowOf(attempt.placement.node);
      assert(row !== undefined, 'what runs, runs on a node that is there');
      this.table.take(row, attempt.placement.held, attempt.placement.gpus);
      if (step.workload.cancelledBy !== undefined) {
        this.#toStop.push({ attempt, reason: 'cancelled' });
      }
    }
  }

  #retire(id: WorkloadId): void {
    const first = this.#ended.shift();
    assert(first !== undefined && first.id === id, 'the first that ended retires first');
    this.#workloads.delete(id);
  }

  #withdrawWaiting(step: StepRecord): void {
    for (const task of step.tasks) if (task.state === 'waiting') this.scheduler.withdraw(task);
  }

  #open(step: StepRecord): void {
    step.state = 'open';
    const { spec } = step;
    const shape = this.shapes.intern(spec.request, spec.constraints, step.workload.who);
    step.tasks = newTasks(step, shape);
    this.#release(step);
  }

  /**
   * Lets tasks into the queue until `maxParallel` of them wait, rest or run. Only a success makes room: a
   * task that failed tries again in its own place, or its step is lost.
   */
  #release(step: StepRecord): void {
    const { counts, spec } = step;
    if (!startsMore(step)) return;
    while (step.released < spec.count && step.released - counts.succeeded < spec.maxParallel) {
      this.#wait(step.tasks[step.released]!);
      step.released++;
    }
  }

  #workload(id: WorkloadId): WorkloadRecord {
    const workload = this.#workloads.get(id);
    assert(workload !== undefined, `a workload that is known: ${id}`);
    return workload;
  }

  #attempt(id: AttemptId): AttemptRecord {
    const attempt = this.attempt(id);
    assert(attempt !== undefined, `an attempt that is known: ${id}`);
    return attempt;
  }

  task(id: TaskId): TaskRecord | undefined {
    const name = parseAttemptId(`${id}.1`);
    const workload = name && this.#workloads.get(name.workload);
    return workload && taskNamed(workload, name);
  }

  #task(id: TaskId): TaskRecord {
    const task = this.task(id);
    assert(task !== undefined, `a task that is known: ${id}`);
    return task;
  }
}
