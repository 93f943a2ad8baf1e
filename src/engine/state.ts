import { QuotaBook, type SavedQuota } from '../admission/quota.ts';
import { assert } from '../base/assert.ts';
import type { EndCause } from '../model/attempt.ts';
import { type AttemptId, parseAttemptId, type TaskId, type WorkloadId } from '../model/ids.ts';
import type { Event, ScheduledRetry } from '../model/messages.ts';
import type { Node } from '../model/node.ts';
import type { SchedulingConfig } from '../model/scheduling-config.ts';
import type { NodeIndex } from '../scheduling/node-table.ts';
import { NodeTable } from '../scheduling/node-table.ts';
import type { Running, Scheduler, SchedulerDeps } from '../scheduling/scheduler.ts';
import { Shapes } from '../scheduling/shape.ts';
import { ActiveTasks } from './active-tasks.ts';
import { LeaseEnds } from './lease-ends.ts';
import { listNodes } from './list-nodes.ts';
import { NodePorts } from './node-ports.ts';
import { PREEMPTIONS_KEPT, tellPreemption } from './preemption-log.ts';
import { quotaGate, spanOf } from './quota-gate.ts';
import {
  type AttemptRecord,
  attemptsOf,
  cancelWaiting,
  currentAttempt,
  isBroken,
  newAttempt,
  newTasks,
  newWorkload,
  type PreemptionRecord,
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
import {
  applyServiceEvent,
  beginDrain,
  forgetOldest,
  noteStarted,
  type ServiceTables,
} from './service-apply.ts';
import { Services } from './services.ts';
import { StopQueue } from './stop-queue.ts';
import { WorkloadTable } from './workload-table.ts';

export interface EngineOptions {
  /** Tasks that may wait or run at once; a submission beyond that is refused. */
  readonly tasksMax: number;
  /** Ended workloads kept in the state; older ones are in the journal's history only. */
  readonly endedMax: number;
  /** Quotas, and the queues that they count by. */
  readonly scheduling?: Pick<SchedulingConfig, 'root' | 'quotas'>;
}

/** The policy of a site, built around the tables of one state. */
export type MakeScheduler = (deps: SchedulerDeps<TaskRecord>) => Scheduler<TaskRecord>;

/** What is remembered of workloads that are gone. */
export interface SavedMemory {
  readonly scheduler?: unknown;
  readonly quotas?: readonly SavedQuota[];
}

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
  readonly services = new Services();
  readonly ports = new NodePorts();
  readonly #workloads = new WorkloadTable();
  readonly #serviceTables: ServiceTables = {
    records: this.#workloads,
    shapeOf: ({ spec, workload }) => {
      return this.shapes.intern(spec.request, spec.constraints, workload.who);
    },
    enqueue: (task) => this.#wait(task),
    withdraw: (task) => this.scheduler.withdraw(task),
    counted: (workload, sign) => this.active.count(workload, sign),
    unsettle: (workload) => this.#unsettled.add(workload),
  };
  readonly #running = new Map<AttemptId, AttemptRecord>();
  readonly #resting = new RestingTasks();
  readonly #unsettled = new Set<WorkloadRecord>();
  readonly #toStop = new StopQueue();
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
    return this.#workloads.find(id);
  }

  /** In order of joining. */
  nodes(): readonly Node[] {
    this.#nodes ??= listNodes(this.table);
    return this.#nodes;
  }

  /** Placed and not ended, in order of placement. */
  runningAttempts(): IterableIterator<AttemptRecord> {
    return this.#running.values();
  }

  attempt(id: AttemptId): AttemptRecord | undefined {
    return this.#workloads.findAttempt(id);
  }

  firstResting(): TaskRecord | undefined {
    return this.#resting.first();
  }

  firstToStop(): ToStop | undefined {
    return this.#toStop.first();
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
        this.table.join(event.node);
        this.#nodes = undefined;
        this.scheduler.nodesChanged();
        break;
      case 'node-left':
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
      case 'seats-kept':
        this.scheduler.keeping?.(event.keep, this.task(event.keep.task));
        break;
      case 'preemption-ordered':
        this.#preempt({ at: event.at, preemption: event.preemption });
        break;
      case 'task-ended':
        this.#end(event);
        break;
      case 'retry-due':
        this.#wait(this.#workloads.task(event.task));
        break;
      case 'step-ended':
        this.#endStep(event);
        break;
      case 'cancel-requested':
        this.#cancel(event);
        break;
      case 'lease-renewed':
        this.leases.renew(this.#workloads.workload(event.workload), event.at);
        break;
      case 'workload-ended':
        this.#endWorkload(event);
        break;
      case 'workload-retired':
        this.#retire(event.workload);
        break;
      default:
        this.services.touch(applyServiceEvent(event, this.#serviceTables));
    }
  }

  /** Enters a workload and opens the steps that need nothing. */
  insert(workload: WorkloadRecord): void {
    this.#workloads.add(workload);
    this.services.touch(workload);
    this.active.count(workload, 1);
    this.leases.add(workload);
    for (const step of workload.steps) if (step.unmet === 0) this.#open(step);
  }

  #place(event: Extract<Event, { kind: 'task-placed' }>): void {
    const name = parseAttemptId(event.attempt);
    assert(name !== undefined, 'an attempt id of ours');
    const task = taskNamed(this.#workloads.workload(name.workload), name)!;
    assert(task.state === 'waiting', 'only a waiting task is placed');
    assert(name.number === attemptsOf(task) + 1, 'attempts are numbered in order');
    const row = this.table.rowOf(event.placement.node);
    assert(row !== undefined, 'placed on a node that is there');
    const attempt = newAttempt(task, name.number, event);
    task.attempts = [...task.attempts, attempt];
    forgetOldest(task);
    task.state = 'running';
    task.step.counts.waiting--;
    task.step.counts.running++;
    task.step.workload.startedAt ??= event.at;
    this.table.take(row, event.placement.held, event.placement.gpus);
    this.ports.take(event.placement);
    this.#running.set(attempt.id, attempt);
    this.leases.touch(attempt, event.at);
    this.#told(attempt, row);
  }

  /** The policies hear of what runs. */
  #told(attempt: AttemptRecord, row: NodeIndex): void {
    this.scheduler.placed(this.#runningOf(attempt, row));
    this.quotas?.started(attempt.id, spanOf(attempt));
  }

  #stop({ attempt: id, reason, at }: Extract<Event, { kind: 'stop-ordered' }>): void {
    const attempt = this.#workloads.attempt(id);
    attempt.stop = reason;
    this.services.touch(attempt.task.step.workload);
    this.scheduler.stopping?.(id);
    this.leases.touch(attempt, at);
  }

  #start(event: Extract<Event, { kind: 'task-started' }>): void {
    const attempt = this.#workloads.attempt(event.attempt);
    attempt.startedAt = event.at;
    attempt.pid = event.pid;
    this.services.touch(noteStarted(attempt, event.at));
  }

  #end(event: Extract<Event, { kind: 'task-ended' }>): void {
    const attempt = this.#workloads.attempt(event.attempt);
    assert(attempt.end === undefined, `an attempt ends once: ${attempt.id}`);
    attempt.end = event.end;
    attempt.endedAt = event.at;
    const { task } = attempt;
    const { counts, workload } = task.step;
    this.#running.delete(attempt.id);
    this.ports.give(attempt.placement);
    this.services.touch(workload);
    this.table.give(attempt.placement.node, attempt.placement.held, attempt.placement.gpus);
    counts.running--;
    if (event.end.cause === 'preempted') task.preempted++;
    const row = this.table.rowOf(attempt.placement.node);
    this.quotas?.ended(attempt.id, spanOf(attempt), event.at);
    served(attempt);
    if (row !== undefined) this.scheduler.ended(this.#runningOf(attempt, row), event.at);
    if (event.retry !== undefined) this.#rest(task, event.retry);
    else this.#endTask(task, event.end.cause);
    if (event.end.cause !== 'succeeded') this.#stopBroken(task.step);
    this.#unsettled.add(workload);
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
      const attempt = this.#workloads.attempt(id);
      attempt.preemption = record;
      this.#toStop.push({ attempt, reason: 'preempted' });
    }
    this.scheduler.preempting?.(
      record.preemption,
      record.at,
      this.#workloads.task(record.preemption.preemptor),
    );
  }

  get preemptions(): readonly PreemptionRecord[] {
    return this.#preemptions;
  }

  restorePreemptions(records: readonly PreemptionRecord[]): void {
    this.#preemptions = [...records];
    for (const record of records) tellPreemption(this, record);
  }

  #endTask(task: TaskRecord, cause: EndCause): void {
    // Only a task of a cancelled workload does not try again after it was stopped for others.
    const isReplica = task.step.spec.service !== undefined;
    const end = cause === 'preempted' || isReplica ? 'cancelled' : cause;
    task.state = end === 'succeeded' || end === 'cancelled' ? end : 'failed';
    task.step.counts[task.state]++;
    if (task.state === 'failed') this.#withdrawWaiting(task.step);
    else this.#release(task.step);
  }

  #rest(task: TaskRecord, retry: ScheduledRetry): void {
    task.step.counts.waiting++;
    task.state = 'resting';
    task.dueAt = retry.dueAt;
    task.inRow = retry.inRow ?? 0;
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
    const workload = this.#workloads.workload(event.workload);
    const step = stepNamed(workload, event.step);
    assert(step !== undefined, 'a step of its workload');
    assert(step.counts.running === 0, 'a step ends when none of its tasks runs');
    step.state = event.state;
    step.endedAt = event.at;
    cancelWaiting(step);
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
    const workload = this.#workloads.workload(event.workload);
    workload.cancelledBy = event.by;
    for (const step of workload.steps) {
      this.#withdrawWaiting(step);
      if (step.counts.running === 0) continue;
      for (const task of step.tasks) {
        if (task.state !== 'running') continue;
        if (workload.service !== undefined) beginDrain(task, event.at);
        else this.#toStop.push({ attempt: currentAttempt(task)!, reason: 'cancelled' });
      }
    }
    this.services.touch(workload);
    this.#unsettled.add(workload);
  }

  #endWorkload(event: Extract<Event, { kind: 'workload-ended' }>): void {
    const workload = this.#workloads.workload(event.workload);
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
      this.#workloads.add(workload);
      this.services.touch(workload);
      for (const step of workload.steps) this.#restoreStep(step);
      if (workload.state === 'active') this.active.count(workload, 1);
      this.leases.add(workload);
    }
    for (const id of order.running) {
      const attempt = this.#workloads.attempt(id);
      const row = this.table.rowOf(attempt.placement.node)!;
      this.#running.set(id, attempt);
      this.ports.take(attempt.placement);
      this.#told(attempt, row);
      if (attempt.stop !== undefined) this.scheduler.stopping?.(id);
    }
    if (memory.scheduler !== undefined) this.scheduler.restore?.(memory.scheduler);
    if (memory.quotas !== undefined) this.quotas?.restore(memory.quotas);
    for (const id of order.ended) this.#ended.push(this.#workloads.workload(id));
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
      if (step.workload.cancelledBy !== undefined && step.spec.service === undefined) {
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

  #runningOf(attempt: AttemptRecord, row: NodeIndex): Running<TaskRecord> {
    const { id, task, placement, placedAt } = attempt;
    return { attempt: id, task, row, held: placement.held, gpus: placement.gpus, placedAt };
  }

  #open(step: StepRecord): void {
    step.state = 'open';
    const { spec } = step;
    if (spec.service !== undefined) return;
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
    if (!startsMore(step) || spec.service !== undefined) return;
    while (step.released < spec.count && step.released - counts.succeeded < spec.maxParallel) {
      this.#wait(step.tasks[step.released]!);
      step.released++;
    }
  }

  task(id: TaskId): TaskRecord | undefined {
    return this.#workloads.findTask(id);
  }
}
