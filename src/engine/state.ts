import { assert, assertNever } from '../base/assert.ts';
import { Heap } from '../base/heap.ts';
import type { Bytes, TimeMs } from '../base/units.ts';
import {
  type AttemptId,
  parseAttemptId,
  type TaskId,
  taskId,
  type WorkloadId,
} from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { Node } from '../model/node.ts';
import { type Refusal, refusalTraits } from '../model/refusal.ts';
import { NodeTable } from '../scheduling/node-table.ts';
import { Pending, type Waiting } from '../scheduling/pending.ts';
import { type ShapeIndex, Shapes } from '../scheduling/shape.ts';
import {
  type AttemptRecord,
  currentAttempt,
  mayPlace,
  newWorkload,
  requestOf,
  type StepRecord,
  stepNamed,
  type TaskRecord,
  type WorkloadRecord,
} from './records.ts';

export interface EngineOptions {
  /** Tasks that may wait or run at once; a submission beyond that is refused. */
  readonly tasksMax: number;
  /** Ended workloads kept in the state; older ones are in the journal's history only. */
  readonly endedMax: number;
}

/** Orders that the records themselves do not show. */
export interface SavedOrder {
  /** Attempts that run, in order of placement. */
  readonly running: readonly AttemptId[];
  /** Workloads that ended, the first that ended first. */
  readonly ended: readonly WorkloadId[];
}

/** Keeps its own time: a task that rests again must not move an entry that is in the heap already. */
interface Resting {
  readonly dueAt: TimeMs;
  readonly task: TaskRecord;
}

export interface WaitingTask extends Waiting {
  readonly task: TaskRecord;
}

/**
 * Everything that the engine knows. The tables are rebuilt from the journal; what is derived from them
 * (free amounts, the queue, verdicts) is kept beside them and never journalled.
 */
export class State {
  readonly shapes = new Shapes();
  readonly table = new NodeTable();
  readonly #workloads = new Map<WorkloadId, WorkloadRecord>();
  readonly #running = new Map<AttemptId, AttemptRecord>();
  readonly #pending = new Pending<WaitingTask>(
    ({ task }, shape) => task.shape === shape && mayPlace(task),
  );
  readonly #resting = new Heap<Resting>((a, b) =>
    a.dueAt === b.dueAt ? a.task.id < b.task.id : a.dueAt < b.dueAt,
  );
  readonly #refused = new Map<ShapeIndex, Refusal>();
  readonly #unsettled = new Set<WorkloadRecord>();
  readonly #toStop: AttemptRecord[] = [];
  readonly #ended: WorkloadRecord[] = [];
  #workloadsEver = 0;
  #tasksActive = 0;

  get workloadsEver(): number {
    return this.#workloadsEver;
  }

  /** Tasks of workloads that have not ended. */
  get tasksActive(): number {
    return this.#tasksActive;
  }

  /** In order of submission. */
  workloads(): IterableIterator<WorkloadRecord> {
    return this.#workloads.values();
  }

  workload(id: WorkloadId): WorkloadRecord | undefined {
    return this.#workloads.get(id);
  }

  /** In order of joining. */
  nodes(): Node[] {
    const nodes: Node[] = [];
    for (let row = 0; row < this.table.rows; row++) {
      const node = this.table.node(row);
      if (node !== undefined) nodes.push(node);
    }
    return nodes;
  }

  /** Placed and not ended, in order of placement. */
  runningAttempts(): IterableIterator<AttemptRecord> {
    return this.#running.values();
  }

  attempt(id: AttemptId): AttemptRecord | undefined {
    const name = parseAttemptId(id);
    if (name === undefined) return undefined;
    const workload = this.#workloads.get(name.workload);
    const task = workload && stepNamed(workload, name.step)?.tasks[name.index];
    return task?.attempts[name.number - 1];
  }

  firstWaiting(): { readonly shape: ShapeIndex; readonly item: WaitingTask } | undefined {
    return this.#pending.first((shape) => !this.#refused.has(shape));
  }

  firstResting(): TaskRecord | undefined {
    for (;;) {
      const first = this.#resting.peek();
      if (first === undefined) return undefined;
      const { task, dueAt } = first;
      if (task.state === 'resting' && task.dueAt === dueAt && mayRest(task)) return task;
      this.#resting.pop();
    }
  }

  firstToStop(): AttemptRecord | undefined {
    while (this.#toStop.length > 0) {
      const attempt = this.#toStop.at(-1)!;
      if (attempt.end === undefined && attempt.stop === undefined) return attempt;
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

  /** Notes that no node has room for a shape, so that it sleeps until an event could change that. */
  refuse(shape: ShapeIndex, refusal: Refusal): void {
    this.#refused.set(shape, refusal);
  }

  refusal(shape: ShapeIndex): Refusal | undefined {
    return this.#refused.get(shape);
  }

  apply(event: Event): void {
    switch (event.kind) {
      case 'node-joined':
        this.table.join(event.node);
        break;
      case 'node-left':
        this.table.leave(event.node);
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
        this.#attempt(event.attempt).stop = event.reason;
        break;
      case 'task-ended':
        this.#end(event);
        break;
      case 'retry-scheduled':
        this.#rest(event);
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
      case 'workload-ended':
        this.#endWorkload(event);
        break;
      case 'workload-retired':
        this.#retire(event.workload);
        break;
      default:
        assertNever(event);
    }
    this.#wake(event);
  }

  /** Enters a workload and opens the steps that need nothing. */
  insert(workload: WorkloadRecord): void {
    this.#workloads.set(workload.id, workload);
    for (const step of workload.spec.steps) this.#tasksActive += step.count;
    for (const step of workload.steps) if (step.unmet === 0) this.#open(step);
  }

  #place(event: Extract<Event, { kind: 'task-placed' }>): void {
    const name = parseAttemptId(event.attempt);
    assert(name !== undefined, 'an attempt id of ours');
    const task = this.#task(name.task);
    assert(task.state === 'waiting', `only a waiting task is placed: ${task.id} is ${task.state}`);
    assert(name.number === task.attempts.length + 1, 'attempts are numbered in order');
    const row = this.table.rowOf(event.placement.node);
    assert(row !== undefined, 'placed on a node that is there');
    const attempt: AttemptRecord = {
      id: event.attempt,
      task,
      number: name.number,
      placement: event.placement,
      placedAt: event.at,
      startedAt: undefined,
      pid: undefined,
      stop: undefined,
      end: undefined,
      endedAt: undefined,
    };
    task.attempts.push(attempt);
    task.state = 'running';
    task.step.counts.waiting--;
    task.step.counts.running++;
    task.step.workload.startedAt ??= event.at;
    this.table.take(row, event.placement.held, event.placement.gpus);
    this.#running.set(attempt.id, attempt);
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
    task.state =
      event.end.cause === 'succeeded'
        ? 'succeeded'
        : event.end.cause === 'cancelled'
          ? 'cancelled'
          : 'failed';
    counts[task.state]++;
    this.#release(task.step);
    this.#unsettled.add(workload);
  }

  #rest(event: Extract<Event, { kind: 'retry-scheduled' }>): void {
    const task = this.#task(event.task);
    assert(task.state === 'failed', 'only a task that just failed tries again');
    task.step.counts.failed--;
    task.step.counts.waiting++;
    task.state = 'resting';
    task.dueAt = event.dueAt;
    if (event.memory !== undefined) {
      task.memoryLimit = event.memory;
      task.shape = this.shapes.intern(requestOf(task));
    }
    this.#resting.push({ dueAt: event.dueAt, task });
  }

  #wait(task: TaskRecord): void {
    task.state = 'waiting';
    task.dueAt = undefined;
    const { step } = task;
    this.#pending.push(task.shape, {
      priority: step.workload.spec.priority,
      age: step.workload.number,
      step: step.index,
      index: task.index,
      task,
    });
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
      if (step.counts.running === 0) continue;
      for (const task of step.tasks) {
        if (task.state === 'running') this.#toStop.push(currentAttempt(task)!);
      }
    }
    this.#unsettled.add(workload);
  }

  #endWorkload(event: Extract<Event, { kind: 'workload-ended' }>): void {
    const workload = this.#workload(event.workload);
    workload.state = event.state;
    workload.endedAt = event.at;
    for (const step of workload.spec.steps) this.#tasksActive -= step.count;
    this.#ended.push(workload);
    this.#unsettled.delete(workload);
  }

  /** For restoring a snapshot: what `insert` and `apply` keep for a workload whose record is further on. */
  restore(workloads: readonly WorkloadRecord[], order: SavedOrder, ever: number): void {
    assert(this.#workloads.size === 0, 'only an empty state is restored');
    for (const workload of workloads) {
      this.#workloads.set(workload.id, workload);
      for (const step of workload.steps) this.#restoreStep(step);
      if (workload.state === 'active') {
        for (const step of workload.spec.steps) this.#tasksActive += step.count;
      }
    }
    this.#running.clear();
    for (const id of order.running) this.#running.set(id, this.#attempt(id));
    for (const id of order.ended) this.#ended.push(this.#workload(id));
    this.#workloadsEver = ever;
  }

  order(): SavedOrder {
    return { running: [...this.#running.keys()], ended: this.#ended.map(({ id }) => id) };
  }

  #restoreStep(step: StepRecord): void {
    for (const task of step.tasks) {
      task.shape = this.shapes.intern(requestOf(task));
      if (task.state === 'waiting') this.#wait(task);
      if (task.state === 'resting') this.#resting.push({ dueAt: task.dueAt!, task });
      if (task.state !== 'running') continue;
      const attempt = currentAttempt(task)!;
      const row = this.table.rowOf(attempt.placement.node);
      assert(row !== undefined, 'what runs, runs on a node that is there');
      this.table.take(row, attempt.placement.held, attempt.placement.gpus);
      this.#running.set(attempt.id, attempt);
      if (step.workload.cancelledBy !== undefined) this.#toStop.push(attempt);
    }
  }

  #retire(id: WorkloadId): void {
    const first = this.#ended.shift();
    assert(first !== undefined && first.id === id, 'the first that ended retires first');
    this.#workloads.delete(id);
  }

  #open(step: StepRecord): void {
    step.state = 'open';
    const { spec, workload } = step;
    const memoryLimit: Bytes = spec.limits.memory;
    const shape = this.shapes.intern(spec.request);
    for (let index = 0; index < spec.count; index++) {
      step.tasks.push({
        step,
        index,
        id: taskId(workload.id, spec.id, index),
        state: 'held-back',
        shape,
        memoryLimit,
        dueAt: undefined,
        attempts: [],
      });
    }
    this.#release(step);
  }

  /**
   * Lets tasks into the queue until `maxParallel` of them wait, rest or run. Only a success makes room: a
   * task that failed tries again in its own place, or its step is lost.
   */
  #release(step: StepRecord): void {
    if (step.state !== 'open') return;
    const { counts, spec } = step;
    while (step.released < spec.count && step.released - counts.succeeded < spec.maxParallel) {
      this.#wait(step.tasks[step.released]!);
      step.released++;
    }
  }

  /** Forgets the verdicts that this event could change. */
  #wake(event: Event): void {
    if (this.#refused.size === 0) return;
    const ended = event.kind === 'task-ended' ? this.#attempt(event.attempt) : undefined;
    const row = ended && this.table.rowOf(ended.placement.node);
    for (const [shape, refusal] of this.#refused) {
      if (!refusalTraits[refusal.code].wokenBy.includes(event.kind)) continue;
      if (row !== undefined && !this.table.fits(row, this.shapes.request(shape))) continue;
      this.#refused.delete(shape);
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

  #task(id: TaskId): TaskRecord {
    const name = parseAttemptId(`${id}.1`);
    const workload = name && this.#workloads.get(name.workload);
    const task = workload && stepNamed(workload, name.step)?.tasks[name.index];
    assert(task !== undefined, `a task that is known: ${id}`);
    return task;
  }
}

const mayRest = (task: TaskRecord): boolean =>
  task.step.state === 'open' &&
  task.step.counts.failed === 0 &&
  task.step.workload.cancelledBy === undefined;
