import type { TimeMs } from '../../base/units.ts';
import type { Engine } from '../../engine/engine.ts';
import { type AttemptRecord, type StepRecord, startsMore } from '../../engine/records.ts';
import type { NodeId, TenantId, WorkloadId } from '../../model/ids.ts';
import type { Event } from '../../model/messages.ts';
import type { WorkloadSpec } from '../../model/workload.ts';
import { SiteLoad } from '../../scheduling/site-load.ts';
import { type Vector, vectorOf } from '../../scheduling/usage-account.ts';
import type { Observer } from '../observer.ts';
import type { TraceJob } from '../trace.ts';
import { aloneMs, failsByItself } from './alone.ts';
import { AttemptBook, addTimes, type InterruptionKind, interruptionKinds } from './attempt-book.ts';
import { BoundedSeries } from './bounded-series.ts';
import { GpuFragments } from './gpu-fragments.ts';
import {
  countWaiting,
  GroupBook,
  type Grouping,
  type GroupSums,
  groupings,
  largestAsk,
  sizeClassOf,
} from './group-book.ts';
import { JOB, JobTable, SLOWDOWN_BOUND_MS } from './job-columns.ts';
import { type PowerOf, SitePower } from './node-power.ts';
import { type RunDocument, type RunFacts, type RunResult, runDocument } from './run-document.ts';
import { FIGURE, FIGURES } from './run-figures.ts';
import { dominantOf, type TenantAccount, TenantShares } from './tenant-shares.ts';

export interface MeasureOptions {
  /** The name under which the policy is compared. */
  readonly policy: string;
  readonly seed: number;
  /** What tenants are entitled to, beside each other; absent: all to the same. */
  readonly weightOf?: (tenant: TenantId) => number;
  /** Absent: energy is unknown. */
  readonly power?: PowerOf;
  /** Jobs are meant to start within this; absent: nothing was promised. */
  readonly startWithinMs?: number;
  /** Of the series over time; even. */
  readonly pointsMax?: number;
}

const POINTS_MAX = 480;
const MILLISECONDS_A_SECOND = 1_000;

/** A workload that has not ended. */
interface ActiveJob {
  /** Of the trace; absent: somebody else's. */
  job: TraceJob | undefined;
  /** In the table of jobs; −1 of somebody else's. */
  index: number;
  spec: WorkloadSpec;
  readonly account: TenantAccount;
  readonly groups: Groups;
  readonly largest: Vector;
  isWaiting: boolean;
  /** Tasks of each step that could start if there were room. */
  readonly wants: number[];
  readonly submittedAt: number;
  /** Weight × milliseconds of all active tenants, when it was submitted. */
  readonly weightBefore: number;
}

interface Accepted {
  readonly job: TraceJob;
  readonly index: number;
  readonly largest: Vector;
  readonly groups: Groups;
}

type Groups = Readonly<Record<Grouping, GroupSums>>;

/**
 * Everything that a simulation is compared by, followed event by event in memory that does not grow with time: some
 * 60 bytes of a job that has ended, and a series of so many points at most. Give the same object to one simulation.
 */
export class RunMeasures implements Observer {
  readonly #options: MeasureOptions;
  readonly #jobs = new JobTable();
  readonly #active = new Map<WorkloadId, ActiveJob>();
  /** That are not in the engine yet. */
  readonly #accepted = new Map<WorkloadId, Accepted>();
  readonly #attempts = new AttemptBook();
  readonly #tenants: TenantShares;
  readonly #groups: Readonly<Record<Grouping, GroupBook>> = {
    queue: new GroupBook(),
    tenant: new GroupBook(),
    size: new GroupBook(),
  };
  readonly #fragments = new GpuFragments();
  readonly #power: SitePower;
  readonly #capacities = new Map<NodeId, Vector>();
  readonly #series: BoundedSeries;
  /** As they are since the last moment. */
  readonly #figures = new Float64Array(FIGURES.length);
  readonly #interruptions = Object.fromEntries(
    interruptionKinds.map((kind) => [kind, 0]),
  ) as Record<InterruptionKind, number>;
  readonly #lost: [number, number, number] = [0, 0, 0];
  readonly #overhead: [number, number, number] = [0, 0, 0];
  #watts = new Map<AttemptRecord, number>();
  #load: SiteLoad | undefined;
  #engine: Engine | undefined;
  #microDollars = 0;
  #isMoneyKnown = false;
  #isEnergyKnown: boolean;
  #sampledAt = 0;
  #lastEndAt = 0;
  /** Integrals of the figures up to the last end of a job. */
  readonly #atLastEnd = new Float64Array(FIGURES.length);
  #refused = 0;
  #waitingMax = 0;

  constructor(options: MeasureOptions) {
    this.#options = options;
    this.#tenants = new TenantShares(options.weightOf ?? (() => 1));
    this.#power = new SitePower(options.power);
    this.#isEnergyKnown = options.power !== undefined;
    this.#series = new BoundedSeries(FIGURES.length, options.pointsMax ?? POINTS_MAX);
  }

  accepted(job: TraceJob, workload: WorkloadId, at: TimeMs): void {
    const accepted = this.#add(job, at, JOB.active);
    const known = this.#active.get(workload);
    if (known === undefined) this.#accepted.set(workload, accepted);
    else Object.assign(known, { job, index: accepted.index });
  }

  refused(job: TraceJob, at: TimeMs): void {
    this.#refused++;
    this.#add(job, at, JOB.refused);
  }

  happened(event: Event, engine: Engine): void {
    this.#advance(event.at);
    if (this.#engine === undefined) {
      // It may have stood for long before anybody looked: the state has all, this event included.
      this.#adopt(engine, event.at);
      return;
    }
    this.#take(event, engine);
  }

  settled(at: TimeMs, engine: Engine): void {
    this.#advance(at);
    if (this.#engine === undefined) this.#adopt(engine, at);
    const { table } = engine.state;
    this.#fragments.follow(table);
    const figures = this.#figures;
    figures[FIGURE.gpuIdle] = this.#fragments.idle;
    figures[FIGURE.gpuFragmented] = this.#fragments.unusable;
    figures[FIGURE.broken] = this.#load!.read().broken / 10_000;
    figures[FIGURE.tasksRunning] = this.#attempts.running;
    figures[FIGURE.tenantsActive] = this.#tenants.active;
    figures[FIGURE.weightActive] = this.#tenants.activeWeight;
    const watts = this.#power.watts;
    if (watts === undefined && this.#capacities.size > 0) this.#isEnergyKnown = false;
    figures[FIGURE.watts] = watts ?? 0;
  }

  document(): RunDocument {
    return runDocument(this.#facts());
  }

  /** The document, and each job: what policies are compared by. It can be sent between threads. */
  result(): RunResult {
    return { document: this.document(), jobs: this.#jobs.take() };
  }

  #facts(): RunFacts {
    const isOver = this.#active.size === 0;
    const until = isOver ? this.#lastEndAt : this.#series.until;
    return {
      options: this.#options,
      jobs: this.#jobs.take(),
      refused: this.#refused,
      series: this.#series,
      until,
      sampledMs: this.#sampledAt - this.#series.from,
      integrals: isOver ? this.#atLastEnd : FIGURES.map((_, i) => this.#series.integral(i)),
      groups: this.#groups,
      tenants: this.#tenants,
      interruptions: this.#interruptions,
      lost: this.#lost,
      overhead: this.#overhead,
      microDollars: this.#isMoneyKnown ? this.#microDollars : undefined,
      isEnergyKnown: this.#isEnergyKnown,
      waitingMax: this.#waitingMax,
    };
  }

  #add(job: TraceJob, at: number, state: number): Accepted {
    this.#advance(at);
    if (this.#jobs.count === 0) {
      this.#series.begin(at);
      this.#sampledAt = at;
      this.#lastEndAt = at;
    }
    const index = this.#jobs.add();
    const { columns } = this.#jobs;
    columns.submittedAt[index] = at;
    columns.aloneMs[index] = aloneMs(job);
    const largest = largestAsk(job.spec);
    const groups = this.#groupsOf(job.spec, job.tenant, largest);
    columns.state[index] = state;
    for (const grouping of groupings) columns[grouping][index] = groups[grouping].index;
    return { job, index, largest, groups };
  }

  #groupsOf({ queue }: WorkloadSpec, tenant: TenantId, largest: Vector): Groups {
    return {
      queue: this.#groups.queue.of(queue),
      tenant: this.#groups.tenant.of(tenant),
      size: this.#groups.size.of(sizeClassOf(largest)),
    };
  }

  /** Nothing has changed since the last moment; once a step of the series, it is looked at who should hold what. */
  #advance(at: number): void {
    if (this.#jobs.count === 0 || at <= this.#series.until) return;
    if (this.#series.passesStep(at) || this.#sampledAt === this.#series.from) {
      const { jain, shareError } = this.#tenants.sample(at - this.#sampledAt);
      this.#sampledAt = at;
      this.#figures[FIGURE.jainKnown] = jain === undefined ? 0 : 1;
      this.#figures[FIGURE.jain] = jain ?? 0;
      this.#figures[FIGURE.shareError] = shareError;
    }
    this.#series.advance(at, this.#figures);
  }

  /** All that is there when it begins to look. */
  #adopt(engine: Engine, at: number): void {
    const { state } = engine;
    this.#engine = engine;
    this.#load = new SiteLoad(state.table);
    this.#isMoneyKnown = state.money.isKnown;
    for (const { id } of state.nodes()) this.#joined(id, at);
    for (const { id, state: is } of state.workloads()) if (is === 'active') this.#enter(id, at);
    for (const attempt of state.runningAttempts()) this.#seat(attempt, at);
  }

  #take(event: Event, engine: Engine): void {
    const { state } = engine;
    const { at } = event;
    switch (event.kind) {
      case 'node-joined':
        this.#joined(event.node.id, at);
        break;
      case 'node-left':
        this.#left(event.node, at);
        break;
      case 'workload-submitted':
        this.#enter(event.workload, at);
        break;
      case 'task-placed':
        this.#seat(state.attempt(event.attempt)!, at);
        break;
      case 'task-ended':
        this.#ended(event, state.attempt(event.attempt)!);
        break;
      case 'attempt-adjusted':
        this.#adjusted(state.attempt(event.attempt)!, at);
        break;
      case 'step-opened':
      case 'step-expanded':
      case 'step-ended':
      case 'cancel-requested':
      case 'limit-reached':
      case 'budget-exceeded':
        this.#wantAnew(event.workload);
        break;
      case 'workload-ended':
        this.#finish(event, at);
        break;
      case 'reserve-renewed':
        this.#pay(state.attempt(event.attempt)!.task.step.workload.id, event.charged);
        break;
      case 'spend-settled':
        this.#pay(event.workload, event.spending.amount ?? 0);
        break;
      default:
    }
  }

  #joined(id: NodeId, at: number): void {
    const { table } = this.#engine!.state;
    const row = table.rowOf(id);
    // Of several events at once, a later one took it away again.
    if (row === undefined) return;
    const node = table.node(row)!;
    const gpu = table.gpuCapacity(row);
    this.#power.joined(node);
    this.#changeCapacity(id, vectorOf({ cpu: node.cpu, memory: node.memory, gpu }), at);
  }

  #left(id: NodeId, at: number): void {
    this.#power.left(id);
    this.#changeCapacity(id, undefined, at);
  }

  #changeCapacity(id: NodeId, now: Vector | undefined, at: number): void {
    const before = this.#capacities.get(id);
    if (now === undefined) this.#capacities.delete(id);
    else this.#capacities.set(id, now);
    const figures = this.#figures;
    for (let r = 0; r < 3; r++) {
      figures[FIGURE.cpuCapacity + r]! += (now?.[r] ?? 0) - (before?.[r] ?? 0);
    }
    this.#tenants.setCapacity(this.#capacity(), at);
  }

  #capacity(): Vector {
    const figures = this.#figures;
    return [
      figures[FIGURE.cpuCapacity]!,
      figures[FIGURE.memoryCapacity]!,
      figures[FIGURE.gpuCapacity]!,
    ];
  }

  #enter(id: WorkloadId, at: number): void {
    const record = this.#engine!.state.workload(id)!;
    const { spec, tenant } = record;
    const known = this.#accepted.get(id);
    this.#accepted.delete(id);
    const largest = known?.largest ?? largestAsk(spec);
    // Demand is a question of sites with GPUs.
    if (this.#figures[FIGURE.gpuCapacity]! > 0) this.#fragments.submitted(spec);
    const active: ActiveJob = {
      job: known?.job,
      index: known?.index ?? -1,
      spec,
      account: this.#tenants.of(tenant),
      groups: known?.groups ?? this.#groupsOf(spec, tenant, largest),
      largest,
      isWaiting: record.startedAt === undefined,
      wants: spec.steps.map(() => 0),
      submittedAt: at,
      weightBefore: this.#series.integral(FIGURE.weightActive),
    };
    this.#active.set(id, active);
    if (active.isWaiting) this.#countWaiting(active, 1, at);
    for (const step of record.steps) this.#want(active, step);
  }

  #countWaiting({ groups }: ActiveJob, change: 1 | -1, at: number): void {
    for (const grouping of groupings) countWaiting(groups[grouping], change, at);
    this.#figures[FIGURE.jobsWaiting]! += change;
    this.#waitingMax = Math.max(this.#waitingMax, this.#figures[FIGURE.jobsWaiting]!);
  }

  #wantAnew(id: WorkloadId): void {
    const active = this.#active.get(id);
    const record = this.#engine!.state.workload(id);
    if (active === undefined || record === undefined) return;
    for (const step of record.steps) this.#want(active, step);
  }

  /** How many of its tasks could start if there were room. */
  #want(active: ActiveJob, step: StepRecord): void {
    const { counts, spec, index } = step;
    const free = spec.maxParallel - counts.running;
    const now = startsMore(step) ? Math.max(0, Math.min(counts.waiting, free)) : 0;
    const change = now - (active.wants[index] ?? 0);
    if (change === 0) return;
    active.wants[index] = now;
    this.#figures[FIGURE.tasksWaiting]! += change;
    this.#tenants.want(active.account, vectorOf(spec.request), change);
  }

  #seat(attempt: AttemptRecord, at: number): void {
    const { step } = attempt.task;
    const active = this.#active.get(step.workload.id);
    if (active === undefined) return;
    if (active.isWaiting) {
      active.isWaiting = false;
      this.#countWaiting(active, -1, at);
      if (active.index >= 0) this.#jobs.columns.startedAt[active.index] = at;
    }
    const vector = this.#attempts.seat(attempt, at);
    this.#hold(active, vector, 1, at);
    const watts = this.#power.wattsOf(attempt.placement);
    if (watts !== 0) {
      this.#watts.set(attempt, watts);
      this.#power.draw(watts);
    }
    this.#want(active, step);
  }

  #hold({ account }: ActiveJob, vector: Vector, times: 1 | -1, at: number): void {
    for (let r = 0; r < 3; r++) this.#figures[FIGURE.cpuHeld + r]! += vector[r]! * times;
    this.#tenants.hold(account, vector, times, at);
  }

  #adjusted(attempt: AttemptRecord, at: number): void {
    const changed = this.#attempts.adjust(attempt, at);
    const active = this.#active.get(attempt.task.step.workload.id);
    if (changed === undefined || active === undefined) return;
    const [before, after] = changed;
    for (let r = 0; r < 3; r++) this.#figures[FIGURE.cpuHeld + r]! += after[r]! - before[r]!;
    this.#tenants.change(active.account, before, after, at);
  }

  #ended(event: Extract<Event, { kind: 'task-ended' }>, attempt: AttemptRecord): void {
    const { step } = attempt.task;
    const active = this.#active.get(step.workload.id);
    if (active === undefined) return;
    const ended = this.#attempts.end(attempt, event, active.job);
    if (ended !== undefined) {
      this.#hold(active, ended.vector, -1, event.at);
      const { held, lost, overhead, interruption, ms } = ended;
      addTimes(this.#lost, lost, 1);
      addTimes(this.#overhead, overhead, 1);
      if (interruption !== undefined) this.#interruptions[interruption]++;
      const joules = (this.#undraw(attempt) * ms) / MILLISECONDS_A_SECOND;
      for (const grouping of groupings) {
        const group = active.groups[grouping];
        addTimes(group.held, held, 1);
        addTimes(group.lost, lost, 1);
        group.joules += joules;
        if (interruption !== undefined) group.interruptions++;
      }
    }
    this.#pay(step.workload.id, event.charged ?? 0);
    this.#want(active, step);
    const heir = attempt.next;
    if (heir?.behind === undefined && heir?.placedAt === event.at && heir.end === undefined) {
      const { workload } = heir.task.step;
      if (this.#active.has(workload.id)) this.#seat(heir, event.at);
    }
  }

  #undraw(attempt: AttemptRecord): number {
    const watts = this.#watts.get(attempt) ?? 0;
    if (watts === 0) return 0;
    this.#watts.delete(attempt);
    this.#power.draw(-watts);
    return watts;
  }

  #pay(id: WorkloadId | undefined, microDollars: number): void {
    if (microDollars === 0) return;
    this.#microDollars += microDollars;
    const active = id === undefined ? undefined : this.#active.get(id);
    if (active === undefined) return;
    for (const grouping of groupings) active.groups[grouping].microDollars += microDollars;
  }

  #finish({ workload: id, state }: Extract<Event, { kind: 'workload-ended' }>, at: number): void {
    this.#wantAnew(id);
    const active = this.#active.get(id);
    if (active === undefined) return;
    this.#active.delete(id);
    if (active.isWaiting) this.#countWaiting(active, -1, at);
    const { index, job } = active;
    if (job === undefined) return;
    const { columns } = this.#jobs;
    const isDone = state === 'succeeded' || (state === 'failed' && failsByItself(job));
    columns.endedAt[index] = at;
    columns.state[index] = isDone ? JOB.done : JOB.lost;
    if (isDone) columns.finishRatio[index] = this.#finishRatio(active, at);
    this.#meetDeadline(active, isDone, at);
    this.#lastEndAt = at;
    for (let i = 0; i < FIGURES.length; i++) this.#atLastEnd[i] = this.#series.integral(i);
  }

  /**
   * Finish-time fairness (Themis, Mahajan et al., NSDI'20): its time from submission to end, of what it would have
   * taken on its tenant's part of the site by weight, beside the tenants that had work meanwhile. What is larger
   * than that part would have taken as many times longer.
   */
  #finishRatio(active: ActiveJob, at: number): number {
    const { account, largest, index, submittedAt, weightBefore } = active;
    const tookMs = at - submittedAt;
    if (tookMs === 0) return 1;
    const weight = (this.#series.integral(FIGURE.weightActive) - weightBefore) / tookMs;
    const part = account.weight / Math.max(account.weight, weight);
    const times = Math.max(1, dominantOf(largest, this.#capacity()) / part);
    return tookMs / Math.max(SLOWDOWN_BOUND_MS, this.#jobs.columns.aloneMs[index]! * times);
  }

  #meetDeadline({ spec, groups }: ActiveJob, isDone: boolean, at: number): void {
    if (spec.deadlineAt === undefined) return;
    for (const grouping of groupings) {
      groups[grouping].deadlines++;
      if (isDone && at <= spec.deadlineAt) groups[grouping].deadlinesMet++;
    }
  }
}
