import type { SiteClasses } from '../admission/class-terms.ts';
import { QueueBatches } from '../admission/queue-batches.ts';
import { QuotaBook } from '../admission/quota.ts';
import { StorageBook } from '../admission/storage-book.ts';
import { assert } from '../base/assert.ts';
import type { TimeMs } from '../base/units.ts';
import type { EndCause } from '../model/attempt.ts';
import type { AttemptId, TaskId, WorkloadId } from '../model/ids.ts';
import type { Event, ScheduledRetry } from '../model/messages.ts';
import type { Node } from '../model/node.ts';
import { OFF_PEAK, type SchedulingConfig } from '../model/scheduling-config.ts';
import { NodeTable } from '../scheduling/node-table.ts';
import type { Scheduler } from '../scheduling/scheduler.ts';
import { Shapes } from '../scheduling/shape.ts';
import { ActiveTasks } from './active-tasks.ts';
import { countsAsRetry } from './attempt-outcome.ts';
import { Deferrals } from './deferrals.ts';
import type { EngineOptions, MakeScheduler, SavedState } from './engine-options.ts';
import { LeaseEnds } from './lease-ends.ts';
import { LettingIn } from './letting-in.ts';
import { LimitEnds } from './limit-ends.ts';
import { Lines } from './lines.ts';
import { isLiveEvent, LiveChanges } from './live-changes.ts';
import { applyMeasured, isMeasuredEvent } from './measured.ts';
import { isMoneyEvent, Money } from './money.ts';
import { expand, newAttempt, newTasks, newWorkload } from './new-records.ts';
import { PlacedParts } from './placed-parts.ts';
import { orderPreemption, tellPreemption } from './preemption-log.ts';
import {
  type AttemptRecord,
  attemptsOf,
  BY_BUDGET,
  cancelWaiting,
  isBroken,
  isMet,
  isNotItsFault,
  isStopped,
  outputCharsOf,
  type PreemptionRecord,
  type SavedOrder,
  type StepRecord,
  shapeFor,
  shapeOf,
  stepNamed,
  stopOf,
  type TaskRecord,
  type ToStop,
  type WorkloadRecord,
} from './records.ts';
import { RestingTasks } from './resting-tasks.ts';
import { restoreTables } from './restore-tables.ts';
import { RunningAttempts } from './running-attempts.ts';
import { Services } from './services.ts';
import { Spilled } from './spilled.ts';
import { comeBack, isRoomFor, leaveLine, lineUp, mayStandInLine } from './standing-in-line.ts';
import { startGate, startsInBatches } from './start-gate.ts';
import { needsDecision } from './step-ends.ts';
import { StopOrders } from './stop-orders.ts';
import { tellUse } from './told-use.ts';
import { Unsettled } from './unsettled.ts';
import { WorkloadTable } from './workload-table.ts';

/**
 * Everything that the engine knows. The tables are rebuilt from the journal; what is derived from them
 * (free amounts, the queue, verdicts) is kept beside them and never journalled.
 */
export class State {
  readonly shapes = new Shapes();
  readonly table = new NodeTable();
  readonly scheduler: Scheduler<TaskRecord>;
  readonly quotas: QuotaBook | undefined;
  readonly storage: StorageBook | undefined;
  readonly batches: QueueBatches;
  readonly deferrals: Deferrals;
  readonly active: ActiveTasks;
  readonly classes: SiteClasses & Pick<SchedulingConfig, 'eviction'>;
  readonly lines: Lines;
  readonly leases = new LeaseEnds();
  readonly limitEnds = new LimitEnds();
  readonly money: Money;
  readonly live = new LiveChanges(this);
  readonly services: Services;
  /** Submissions that were accepted and wait outside. */
  readonly spilled = new Spilled();
  readonly parts = new PlacedParts(this);
  readonly #workloads = new WorkloadTable();
  readonly #running = new RunningAttempts(this);
  readonly #resting = new RestingTasks();
  readonly unsettled = new Unsettled();
  readonly toStop = new StopOrders();
  readonly #letting: LettingIn;
  #preemptions: readonly PreemptionRecord[] = [];
  #workloadsEver = 0;

  constructor(makeScheduler: MakeScheduler, { scheduling, money, lineMs = 0 }: EngineOptions) {
    this.table.spot.policy = scheduling?.spot;
    this.active = new ActiveTasks(scheduling?.submissions);
    this.classes = scheduling ?? {};
    const quotas = scheduling?.quotas ?? [];
    this.quotas = quotas.length > 0 ? new QuotaBook(quotas, scheduling!.root) : undefined;
    this.money = new Money(money, scheduling?.root, this);
    this.storage = StorageBook.of(scheduling?.storageQuotas);
    this.batches = new QueueBatches(scheduling?.root);
    this.deferrals = new Deferrals(scheduling?.offPeak ?? OFF_PEAK);
    const gate = startGate(this);
    const deps = { table: this.table, shapes: this.shapes, deferral: this.deferrals };
    this.scheduler = makeScheduler(gate === undefined ? deps : { ...deps, gate });
    this.services = new Services({
      records: this.#workloads,
      shapeOf: (step) => shapeFor(this, step),
      enqueue: (task) => this.#wait(task),
      withdraw: (task) => {
        this.lines.queued(task, -1);
        this.scheduler.withdraw(task);
      },
      counted: (workload, sign) => this.active.count(workload, sign),
      unsettle: (workload) => this.unsettled.addAll(workload),
    });
    const reserved = scheduling !== undefined && scheduling.reservations.length > 0;
    this.lines = new Lines({
      lengthMs: reserved ? 0 : lineMs,
      mayLine: (step) => mayStandInLine(step, this),
      mayFollow: (attempt) => isRoomFor(attempt, this.table),
      running: () => this.#running.values(),
      deferred: () => this.scheduler.deferred ?? 0,
    });
    this.#letting = new LettingIn(this.lines, (task) => this.#wait(task));
  }

  get workloadsEver(): number {
    return this.#workloadsEver;
  }

  /** Tasks of workloads that have not ended. */
  get tasksActive(): number {
    return this.active.total;
  }

  /** In order of submission; what was spilled comes when it was let in. */
  workloads(): IterableIterator<WorkloadRecord> {
    return this.#workloads.values();
  }

  workload(id: WorkloadId): WorkloadRecord | undefined {
    return this.#workloads.get(id);
  }

  /** In order of joining. */
  nodes(): readonly Node[] {
    return this.table.nodes();
  }

  /** Placed and not ended, in order of placement. */
  runningAttempts(): IterableIterator<AttemptRecord> {
    return this.#running.values();
  }

  attempt(id: AttemptId): AttemptRecord | undefined {
    return this.#workloads.attempt(id);
  }

  task(id: TaskId): TaskRecord | undefined {
    return this.#workloads.task(id);
  }

  firstResting(): TaskRecord | undefined {
    return this.#resting.first();
  }

  firstToStop(): ToStop | undefined {
    return this.toStop.first();
  }

  /** The workload that ended first, when more than `max` have ended. */
  oldestEnded(max: number): WorkloadRecord | undefined {
    return this.#workloads.oldestEnded(max);
  }

  apply(event: Event): void {
    switch (event.kind) {
      case 'lease-renewed':
        this.leases.renew(this.#workloads.known(event.workload), event.at);
        break;
      case 'node-joined':
      case 'node-left':
        if (event.kind === 'node-joined') this.live.joined(event.node);
        else this.live.left(event.node);
        this.money.nodesChanged();
        this.scheduler.nodesChanged();
        break;
      case 'workload-submitted':
        this.#submit(event);
        break;
      case 'workload-spilled':
      case 'spill-dropped':
        this.#workloadsEver = Math.max(this.#workloadsEver, Number(event.workload));
        this.spilled.apply(event, this.active);
        break;
      case 'task-placed':
        this.#place(event);
        break;
      case 'attempts-lined-up':
        this.#letting.release(lineUp(event, this.#workloads, this.lines, this.scheduler));
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
        this.#preemptions = orderPreemption(this, event, this.toStop);
        break;
      case 'task-ended':
        this.#end(event);
        break;
      case 'retry-due':
        this.#wait(this.#workloads.knownTask(event.task));
        break;
      case 'step-ended':
        this.#endStep(event);
        break;
      case 'step-opened':
      case 'step-expanded':
        this.#openDecided(event);
        break;
      case 'limit-reached': {
        const workload = this.#workloads.known(event.workload);
        workload.limitReached = event.reached;
        if (event.reached.stops) this.#stopAll(workload);
        break;
      }
      case 'cancel-requested':
        this.#cancel(event);
        break;
      case 'workload-ended':
        this.#endWorkload(event);
        break;
      case 'workload-retired':
        this.#workloads.retire(event.workload);
        break;
      case 'budget-exceeded':
        this.#workloads.known(event.workload).overBudget = event.facts;
        this.#cancel({ ...event, by: BY_BUDGET });
        break;
      default:
        if (isMeasuredEvent(event)) applyMeasured(this, event);
        else if (isLiveEvent(event)) this.live.apply(event);
        else if (isMoneyEvent(event)) this.money.apply(event);
        else this.services.apply(event);
    }
  }

  /** Enters a workload and opens the steps that need nothing. */
  #submit(event: Extract<Event, { kind: 'workload-submitted' }>): void {
    const { workload: id, tenant, spec, at, resumes } = event;
    this.#workloadsEver = Math.max(this.#workloadsEver, Number(id));
    const since = this.spilled.take(id)?.at;
    const workload = newWorkload(id, tenant, spec, since ?? at, resumes);
    if (since === undefined) this.active.submitted(workload);
    else this.active.letIn(workload);
    this.#workloads.set(workload.id, workload);
    this.leases.add(workload);
    this.services.touch(workload);
    for (const step of workload.steps) {
      if (step.unmet === 0) this.#openOrDecide(step, at);
    }
  }

  #place(event: Extract<Event, { kind: 'task-placed' }>): void {
    const task = this.#workloads.taskOfNext(event.attempt);
    assert(task.state === 'waiting', 'only a waiting task is placed');
    const row = this.table.rowOf(event.placement.node);
    assert(row !== undefined, 'placed on a node that is there');
    const attempt = newAttempt(task, attemptsOf(task) + 1, event);
    if (startsInBatches(task)) this.batches.started(task, event.at);
    this.lines.queued(task, -1);
    task.attempts = [...task.attempts, attempt];
    const { workload } = task.step;
    if (workload.startedAt === undefined) {
      workload.startedAt = event.at;
      this.limitEnds.add(workload);
    }
    this.money.placed(attempt, event.reserved);
    this.#running.seat(attempt, row);
    this.leases.touch(attempt, event.at);
  }

  #stop({ attempt: id, reason, at }: Extract<Event, { kind: 'stop-ordered' }>): void {
    const attempt = this.#workloads.knownAttempt(id);
    attempt.stop = reason;
    this.services.touch(attempt.task.step.workload);
    this.scheduler.stopping?.(id);
    this.leases.touch(attempt, at);
  }

  #start({ attempt: id, at, pid, terms }: Extract<Event, { kind: 'task-started' }>): void {
    const attempt = Object.assign(this.#workloads.knownAttempt(id), { startedAt: at, pid, terms });
    this.services.started(attempt, at);
  }

  #end(event: Extract<Event, { kind: 'task-ended' }>): void {
    const attempt = this.#workloads.knownAttempt(event.attempt);
    assert(attempt.end === undefined, `an attempt ends once: ${attempt.id}`);
    Object.assign(attempt, { end: event.end, endedAt: event.at });
    const { task } = attempt;
    if (event.end.used !== undefined) tellUse(attempt, event.end.used);
    if (attempt.behind !== undefined) leaveLine(attempt, this.lines, event.at);
    else this.#running.leave(attempt, event.at, event.charged);
    this.live.ended(attempt);
    task.step.workload.outputChars += outputCharsOf(event.end.outputs);
    if (isNotItsFault(event.end.cause, task)) task.preempted++;
    if (event.end.cause === 'unstarted') comeBack(task);
    else if (event.retry !== undefined) {
      if (countsAsRetry(task, event.end)) task.step.workload.retried++;
      this.#rest(task, event.retry);
    } else this.#endTask(task, event.end.cause);
    // One that tries again keeps its place, but not in a step that has failed meanwhile.
    this.#letting.release(task.step);
    // What is left of a gang below its minimum stops, and starts again with it.
    if (event.end.cause !== 'succeeded' && isBroken(task.step))
      this.toStop.pushAll(task.step, 'preempted');
    this.lines.judge(task.step);
    this.unsettled.add(task.step);
  }

  get preemptions(): readonly PreemptionRecord[] {
    return this.#preemptions;
  }

  restorePreemptions(records: readonly PreemptionRecord[]): void {
    this.#preemptions = records;
    for (const record of records) tellPreemption(this, record);
  }

  #endTask(task: TaskRecord, cause: EndCause): void {
    // Only a task of a cancelled workload does not try again after it was stopped for others.
    const isCancelled = ['preempted', 'cancelled', 'over-limit'].includes(cause);
    if (isCancelled || task.step.spec.service !== undefined) task.state = 'cancelled';
    else task.state = cause === 'succeeded' ? 'succeeded' : 'failed';
    task.step.counts[task.state]++;
    if (task.state === 'failed') this.#withdrawWaiting(task.step);
  }

  #rest(task: TaskRecord, retry: ScheduledRetry): void {
    task.step.counts.waiting++;
    task.state = 'resting';
    task.dueAt = retry.dueAt;
    task.inRow = retry.inRow ?? 0;
    if (retry.memory !== undefined) {
      task.memoryLimit = retry.memory;
      task.shape = shapeOf(this, task);
    }
    this.#resting.push(task);
  }

  #wait(task: TaskRecord): void {
    task.state = 'waiting';
    task.dueAt = undefined;
    this.lines.queued(task, 1);
    this.scheduler.enqueue(task);
  }

  #endStep(event: Extract<Event, { kind: 'step-ended' }>): void {
    const workload = this.#workloads.known(event.workload);
    const step = stepNamed(workload, event.step);
    assert(step !== undefined, 'a step of its workload');
    assert(step.counts.running === 0, 'a step ends when none of its tasks runs');
    Object.assign(step, { state: event.state, endedAt: event.at, reason: event.reason });
    workload.stepsLeft--;
    this.lines.judge(step);
    cancelWaiting(step);
    for (const index of step.dependents) {
      const dependent = workload.steps[index]!;
      if (isMet(dependent, step)) dependent.unmet--;
      if (dependent.state !== 'blocked') continue;
      if (dependent.unmet === 0 && !isStopped(workload)) this.#openOrDecide(dependent, event.at);
      else this.unsettled.add(dependent);
    }
    this.unsettled.add(step);
  }

  #cancel(
    event: Pick<Extract<Event, { kind: 'cancel-requested' }>, 'workload' | 'by' | 'at'>,
  ): void {
    const workload = this.#workloads.known(event.workload);
    workload.cancelledBy = event.by;
    this.#stopAll(workload);
    this.services.drain(workload, event.at);
  }

  /** Nothing more starts, and what runs is to stop; of a service it is drained before. */
  #stopAll(workload: WorkloadRecord): void {
    const reason = stopOf(workload)!;
    for (const step of workload.steps) {
      this.#withdrawWaiting(step);
      if (workload.service === undefined) this.toStop.pushAll(step, reason);
    }
    this.unsettled.addAll(workload);
  }

  #endWorkload(event: Extract<Event, { kind: 'workload-ended' }>): void {
    const workload = this.#workloads.known(event.workload);
    Object.assign(workload, { state: event.state, endedAt: event.at });
    this.active.count(workload, -1);
    this.#workloads.ended(workload);
    this.unsettled.settle(workload);
  }

  /** For restoring a snapshot: what `apply` keeps for a workload whose record is further on. */
  restore(workloads: readonly WorkloadRecord[], saved: SavedState): void {
    assert(this.#workloads.size === 0, 'only an empty state is restored');
    this.scheduler.nodesChanged();
    for (const workload of workloads) this.#workloads.set(workload.id, workload);
    const tables = {
      workloads: this.#workloads,
      running: this.#running,
      resting: this.#resting,
      wait: (task: TaskRecord) => this.#wait(task),
    };
    restoreTables(this, tables, saved);
    this.#workloadsEver = saved.ever;
  }

  order(): SavedOrder {
    return {
      running: this.#running.ids(),
      lined: Array.from(this.lines.attempts(), ({ id, behind }) => [id, behind!.id] as const),
      ended: this.#workloads.endedIds(),
    };
  }

  #withdrawWaiting(step: StepRecord): void {
    for (const task of step.tasks) if (task.state === 'waiting') this.scheduler.withdraw(task);
    this.lines.withdrawn(step);
  }

  /** What it needs is as it has to be. */
  #openOrDecide(step: StepRecord, at: TimeMs): void {
    if (step.state !== 'blocked') return;
    if (needsDecision(step)) this.unsettled.add(step);
    else this.#open(step, at);
  }

  #openDecided(event: Extract<Event, { kind: 'step-opened' | 'step-expanded' }>): void {
    const workload = this.#workloads.known(event.workload);
    const step = stepNamed(workload, event.step);
    assert(step?.state === 'blocked', 'a step opens once');
    if (event.kind === 'step-expanded') {
      this.active.count(workload, -1);
      expand(step, event.items);
      this.active.count(workload, 1);
    }
    this.#open(step, event.at);
  }

  #open(step: StepRecord, at: TimeMs): void {
    step.state = 'open';
    // Without tasks it ends at once.
    if (step.spec.count === 0) this.unsettled.add(step);
    // Replicas are opened one by one.
    if (step.spec.service !== undefined) return;
    step.openedAt = at;
    step.batchKind = this.batches.kindAt(step.workload.spec.queue, at);
    this.deferrals.opened(step, at);
    step.tasks = newTasks(step, shapeFor(this, step));
    this.#letting.release(step);
  }
}
