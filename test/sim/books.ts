import assert from 'node:assert/strict';
import type { AttemptEnd, EndCause } from '../../src/model/attempt.ts';
import type { FlowValue, LimitReached, Resumption } from '../../src/model/flow.ts';
import type { EndState, Event, Placement, ScheduledRetry } from '../../src/model/messages.ts';
import type { QueueConfig } from '../../src/model/scheduling-config.ts';
import type { StepSpec, WorkloadSpec } from '../../src/model/workload.ts';
import {
  checkRoom,
  isBound,
  isDecided,
  isFine,
  isReady,
  isStopped,
  saidBy,
  stableSteps,
  verdictOf,
} from './flow-book.ts';
import { NodeBook } from './node-book.ts';
import type { QueueBook } from './queue-book.ts';
import { type Waiter, WaitingBook } from './waiting-book.ts';

/** An attempt, as the events tell of it. */
export interface AttemptBook {
  placement: Placement;
  started: boolean;
  stopped: boolean;
  placedAt: number;
  readonly priority: number;
  end: AttemptEnd | undefined;
  /** In line: behind whom, whoever that is by now. */
  behind: string | undefined;
  next: string | undefined;
}

interface TaskBook {
  state: 'new' | 'due' | 'resting' | 'lined' | 'running' | 'succeeded' | 'failed';
  readonly attempts: AttemptBook[];
  memoryLimit: number;
  dueAt: number;
  /** It was among those that may be placed once, and keeps its place when one before it comes back out of a line. */
  letIn?: boolean;
}

interface StepBook {
  spec: StepSpec;
  tasks: readonly TaskBook[];
  end: EndState | 'skipped' | undefined;
  /** Its condition and its list are known. */
  opened: boolean;
  /** When its tasks could first start. */
  readySince: number | undefined;
  skippedItself: boolean;
  takenOver: readonly Readonly<Record<string, FlowValue>>[] | undefined;
}

interface WorkloadBook {
  readonly number: number;
  readonly spec: WorkloadSpec;
  readonly tenant: string;
  readonly steps: ReadonlyMap<string, StepBook>;
  readonly folder: string;
  startedAt: number | undefined;
  limit: LimitReached | undefined;
  retried: number;
  cancelled: boolean;
  priority: number;
  end: EndState | undefined;
}

/** Who takes over a place waited for nothing else. */
const NOT_WAITING: Waiter = {
  queue: '',
  since: 0,
  first: false,
  gang: undefined,
  preferred: undefined,
  gather: undefined,
};

/** A task that may be placed, with what it asks for and its rank in the queue. */
export interface Eligible {
  readonly name: string;
  readonly ask: Placement['held'];
  readonly rank: readonly number[];
  /** How many of its gang must start at once; 1 for a task by itself. */
  readonly needed: number;
  /** All of those on the same node. */
  readonly oneNode: boolean;
  /** Where the others of its gang run that it must be with. */
  readonly only: string | undefined;
  readonly queue: string;
  readonly tenant: string;
  /** Infinite when it says nothing. */
  readonly runMaxMs: number;
  /** Its workload or its group may keep it back: whether they do follows from what came when. */
  readonly bound: boolean;
  /** What may make it wait although there is room. */
  readonly waiter: Waiter;
}

type Of<K extends Event['kind']> = Extract<Event, { kind: K }>;

const retryable: readonly EndCause[] = [
  'failed',
  'signalled',
  'oom-killed',
  'timed-out',
  'preempted',
  'lost',
];

/**
 * The second set of books: kept from the events alone, by code of its own, and strict about what may
 * follow what. It shares nothing with the engine, so that one mistake cannot hide in both.
 */
export class Books {
  readonly nodes = new Map<string, NodeBook>();
  readonly active = new Map<string, WorkloadBook>();
  /** Those that have ended. */
  readonly over = new Map<string, WorkloadBook>();
  /** What conditions, lists, limits and repetitions came to. */
  readonly flow = { opened: 0, expanded: 0, skipped: 0, unread: 0, limits: 0, resumed: 0 };
  readonly attempts = new Map<string, AttemptBook>();
  readonly ends = new Map<string, EndState>();
  readonly specs = new Map<string, WorkloadSpec>();
  readonly cancelled = new Set<string>();
  readonly paused = new Set<string>();
  /** What queues and quotas allow, where there are any. */
  readonly rules: QueueBook | undefined;
  readonly waiting: WaitingBook;
  finishedDespiteStop = 0;
  linedUp = 0;
  takenOver = 0;
  /** In line. */
  readonly lined = new Set<string>();
  preemptions = 0;
  keeps = 0;
  gangsPlaced = 0;
  gangsBroken = 0;
  /** What is kept for a preemptor until it starts, or its victims have stopped. */
  readonly #claims: { owner: string; nodes: Set<string>; victims: readonly string[] }[] = [];
  #kept: { owner: string; nodes: ReadonlySet<string> } | undefined;
  /** Attempts that were chosen to stop for others, and of gangs that lost too many. */
  readonly #mustStop = new Set<string>();
  #retired = 0;
  #now = 0;

  /** A start may be promised to somebody, for which others wait beside free nodes. */
  readonly promises: boolean;

  constructor(rules?: QueueBook, promises = false, root?: QueueConfig) {
    this.rules = rules;
    this.waiting = new WaitingBook(root);
    this.promises = promises;
  }

  record(event: Event): void {
    assert.ok(event.at >= this.#now, `time runs forward: ${event.kind} at ${event.at}`);
    this.#now = event.at;
    switch (event.kind) {
      case 'node-joined':
        this.#join(event);
        break;
      case 'node-left':
        assert.equal(this.nodes.get(event.node)?.held.size, 0, 'a node leaves with nothing on it');
        this.nodes.delete(event.node);
        break;
      case 'workload-submitted':
        this.#submit(event);
        break;
      case 'task-placed':
        this.#place(event);
        break;
      case 'attempts-lined-up':
        this.#lineUp(event);
        break;
      case 'task-started':
        assert.ok(!this.#live(event.attempt).started, `${event.attempt} starts once`);
        this.#live(event.attempt).started = true;
        break;
      case 'stop-ordered':
        this.#stop(event);
        break;
      case 'preemption-ordered':
        this.#preempt(event);
        break;
      case 'seats-kept':
        this.#keep(event);
        break;
      case 'task-ended':
        this.paused.delete(event.attempt);
        this.#end(event);
        // Where nobody stands in line nobody comes back: it can wait for the end of the batch.
        if (this.lined.size > 0 || event.end.cause === 'unstarted') this.#letIn();
        break;
      case 'retry-due': {
        const { task } = this.#task(event.task);
        assert.equal(task.state, 'resting', `${event.task} rests before it is due`);
        assert.ok(event.at >= task.dueAt, `${event.task} is not due before its time`);
        task.state = 'due';
        break;
      }
      case 'step-ended':
        this.#endStep(event);
        break;
      case 'cancel-requested':
        assert.ok(!this.#workload(event.workload).cancelled, 'cancelled once');
        this.#workload(event.workload).cancelled = true;
        this.cancelled.add(event.workload);
        break;
      case 'attempt-adjusted': {
        const attempt = this.#live(event.attempt);
        const { held, node } = attempt.placement;
        assert.deepEqual(event.held.gpu, held.gpu, 'devices stay as they are');
        attempt.placement = {
          ...attempt.placement,
          held: event.held,
          memoryLimit: event.limits.memory,
        };
        this.nodes.get(node)!.give(event.attempt);
        this.nodes
          .get(node)!
          .take(event.attempt, attempt.placement, attempt.placement.cores !== undefined);
        break;
      }
      case 'attempt-paused':
        assert.ok(!this.paused.has(event.attempt), `${event.attempt} is paused once`);
        this.paused.add(this.#live(event.attempt) && event.attempt);
        break;
      case 'attempt-resumed':
        assert.ok(this.paused.delete(event.attempt), `${event.attempt} was paused`);
        break;
      case 'adjustment-reported':
        this.#live(event.attempt);
        break;
      case 'priority-changed':
        this.#workload(event.workload).priority = event.priority;
        break;
      case 'eviction-ordered':
        this.#mustStop.add(this.#live(event.eviction.attempt) && event.eviction.attempt);
        break;
      case 'spot-noticed':
      case 'spot-priced':
      case 'rebalance-started':
      case 'move-ordered':
      case 'move-ended':
        break;
      case 'lease-renewed':
        assert.ok(!this.ends.has(event.workload), 'what has ended is not renewed');
        break;
      case 'workload-ended':
        this.#endWorkload(event);
        break;
      case 'step-opened':
      case 'step-expanded':
        this.#open(event);
        break;
      case 'limit-reached':
        this.#reachLimit(event);
        break;
      case 'reserve-renewed':
        break;
      case 'attempt-used':
      case 'storage-measured':
        assert.fail(`nothing in these worlds tells of its use: ${event.kind}`);
        break;
      case 'spend-settled':
      case 'budget-warned':
      case 'budget-exceeded':
        assert.fail(`these worlds have no budgets: ${event.kind}`);
        break;
      case 'task-probed':
      case 'service-scaled':
      case 'service-updated':
      case 'service-rolled-back':
      case 'canary-passed':
      case 'rollout-finished':
      case 'replica-opened':
      case 'replica-retired':
        assert.fail(`these worlds have no services: ${event.kind}`);
        break;
      case 'workload-spilled':
      case 'spill-dropped':
        assert.fail(`nothing is spilled in these worlds: ${event.kind}`);
        break;
      case 'workload-retired':
        assert.ok(this.ends.has(event.workload), 'what retires has ended');
        this.#retired++;
        break;
      default:
        assert.fail(
          `an event that the books do not know: ${JSON.stringify(event satisfies never)}`,
        );
    }
  }

  get retired(): number {
    return this.#retired;
  }

  /** Once a batch is complete: nothing that is due rests, and nothing that fits waits. */
  checkSettled(): void {
    for (const workload of this.active.values()) {
      assert.ok(![...workload.steps.values()].every((step) => step.end), 'an end is not put off');
      const { startedAt, spec } = workload;
      const ranMs = this.#now - (startedAt ?? this.#now);
      const executionMs = spec.limits?.executionMs ?? Number.POSITIVE_INFINITY;
      assert.ok(isStopped(workload) || ranMs < executionMs, 'nobody runs longer than he may');
      for (const step of workload.steps.values()) {
        if (step.end !== undefined || isStopped(workload) || failed(step)) continue;
        const isDue = isDecided(step) && !step.opened && isReady(workload, step);
        assert.ok(!isDue, `${step.spec.id} can be decided`);
        for (const task of step.tasks) {
          assert.ok(task.state !== 'resting' || task.dueAt > this.#now, 'what is due is tried');
        }
      }
    }
    this.#checkGangs();
    for (const id of this.lined) {
      const { behind } = this.attempts.get(id)!;
      assert.equal(
        this.attempts.get(behind!)!.end,
        undefined,
        `${id} stands behind one that lives`,
      );
    }
    for (const id of this.#mustStop) assert.ok(this.attempts.get(id)!.stopped, `${id} is stopped`);
    this.#mustStop.clear();
    const hopeless = new Set<string>();
    const eligible = [...this.eligible()];
    for (const waiting of eligible) {
      const { name, ask, needed, oneNode, only, bound } = waiting;
      if (bound) continue;
      this.#task(name).task.letIn = true;
      const key = `${needed}/${oneNode}/${only}/${JSON.stringify(ask)}`;
      if (hopeless.has(key) || this.mayWait(waiting, eligible)) continue;
      const each = this.#unclaimed(name)
        .filter(({ id }) => only === undefined || id === only)
        .map((node) => node.seats(ask, needed));
      const seats = oneNode ? Math.max(0, ...each) : each.reduce((sum, seat) => sum + seat, 0);
      assert.ok(seats < needed, `${name} waits although ${needed} of it fit`);
      hopeless.add(key);
    }
  }

  /** Not before all that stood in a line that broke is back. */
  #letIn(): void {
    const behind = [...this.lined].map((id) => this.attempts.get(id)!.behind!);
    if (behind.some((id) => this.attempts.get(id)!.end !== undefined)) return;
    for (const { name, bound } of this.eligible()) {
      if (!bound) this.#task(name).task.letIn = true;
    }
  }

  /** Nodes on which nothing is kept for another. */
  #unclaimed(name: string): NodeBook[] {
    const step = name.slice(0, name.lastIndexOf('.'));
    const barred = new Set<string>();
    for (const claim of this.#claims) {
      const live = claim.victims.some((id) => this.attempts.get(id)?.end === undefined);
      const waits = [...this.eligible()].some((one) =>
        `${one.name}.`.startsWith(`${claim.owner}.`),
      );
      if ([step, name].includes(claim.owner) || !live || !waits) continue;
      for (const node of claim.nodes) barred.add(node);
    }
    if (this.#kept !== undefined && ![step, name].includes(this.#kept.owner)) {
      for (const node of this.#kept.nodes) barred.add(node);
    }
    return [...this.nodes.values()].filter((node) => !barred.has(node.id));
  }

  /** A gang runs with its minimum, or what is left of it was told to stop, or it does not run at all. */
  #checkGangs(): void {
    for (const [id, workload] of this.active) {
      for (const step of workload.steps.values()) {
        const { gangMin } = step.spec;
        if (gangMin === undefined) continue;
        const running = step.tasks.filter((task) => task.state === 'running');
        const succeeded = step.tasks.filter((task) => task.state === 'succeeded').length;
        if (running.length === 0 || running.length + succeeded >= gangMin) continue;
        const told = running.every((task) => task.attempts.at(-1)!.stopped);
        assert.ok(told, `${running.length} of gang ${id}.${step.spec.id} run without the others`);
        this.gangsBroken++;
      }
    }
  }

  #preempt({ at, preemption }: Of<'preemption-ordered'>): void {
    const { preemptor, victims, claims } = preemption;
    const waiting = [...this.eligible()].find((one) => one.name === preemptor);
    assert.ok(waiting !== undefined, `${preemptor} waits, or nobody stops for it`);
    assert.ok(victims.length > 0, 'somebody stops');
    this.preemptions++;
    const room = new Map<string, number>();
    const told = new Set(victims.map((victim) => victim.attempt as string));
    const gone = new Set(told);
    for (const { held } of this.nodes.values()) {
      for (const id of held.keys()) if (this.attempts.get(id)!.stopped) gone.add(id);
    }
    for (const { attempt: id } of victims) {
      const attempt = this.#live(id);
      const { step } = this.#task(id, id);
      assert.ok(!attempt.stopped, `${id} is not stopping already`);
      if (this.rules?.isOther(waiting, id) !== true) {
        assert.ok(attempt.priority < -waiting.rank[0]!, `${id} comes after ${preemptor}`);
      }
      const stops = step.spec.stops;
      assert.ok(stops?.preemptible !== false, `${id} may be stopped for others`);
      assert.ok(at - attempt.placedAt >= (stops?.minRunMs ?? 0), `${id} has had its time`);
      this.#mustStop.add(id);
      const { gangMin } = step.spec;
      if (gangMin === undefined) continue;
      const left = step.tasks.filter(
        (task, i) =>
          task.state === 'succeeded' ||
          (task.state === 'running' &&
            !task.attempts.at(-1)!.stopped &&
            !told.has(`${id.split('.').slice(0, 2).join('.')}.${i}.${task.attempts.length}`)),
      );
      const running = left.filter((task) => task.state === 'running').length;
      assert.ok(running === 0 || left.length >= gangMin, `${id}: a gang stops whole, or not below`);
    }
    this.rules?.checkTaken(waiting, [...told], preemption.rule);
    for (const { node: id, members } of claims) {
      const node = this.nodes.get(id)!;
      room.set(id, node.seatsWithout(gone, waiting.ask, members));
      assert.ok(room.get(id)! >= members, `${preemptor} fits on ${id} once they have stopped`);
    }
    const owner = this.#ownerOf(preemptor);
    const nodes = new Set<string>(claims.map(({ node }) => node));
    this.#claims.push({ owner, nodes, victims: [...told] });
  }

  /** A gang claims as one. */
  #ownerOf(task: string): string {
    const { spec } = this.#task(task).step;
    return spec.gangMin === undefined ? task : task.slice(0, task.lastIndexOf('.'));
  }

  #keep({ keep: { task, claims } }: Of<'seats-kept'>): void {
    const owner = this.#ownerOf(task);
    const nodes = new Set<string>(claims.map(({ node }) => node));
    this.#kept = claims.length === 0 ? undefined : { owner, nodes };
    if (claims.length === 0) return;
    this.keeps++;
    const waiting = [...this.eligible()].find((one) => one.name === task);
    assert.ok(waiting !== undefined, `${task} waits, or nothing is kept for it`);
    const members = claims.reduce((sum, claim) => sum + claim.members, 0);
    assert.equal(members, waiting.needed, `all of ${task} have a seat`);
  }

  /** A limit, a quota or a turn keeps it waiting, whatever is free. */
  mayWait(waiting: Eligible, eligible: readonly Eligible[]): boolean {
    if (this.promises && this.#running()) return true;
    if (this.waiting.mayWait(waiting.waiter, waiting.needed, this.#now)) return true;
    return this.rules?.mayWait(waiting, eligible, this.#now, this.nodes.values()) ?? false;
  }

  #running(): boolean {
    return [...this.nodes.values()].some((node) => node.held.size > 0);
  }

  /** Every task that may be placed now. */
  *eligible(): Iterable<Eligible> {
    for (const [id, workload] of this.active) {
      if (isStopped(workload)) continue;
      let index = -1;
      for (const step of workload.steps.values()) {
        index++;
        if (!open(workload, step) || failed(step)) continue;
        step.readySince ??= this.#now;
        const needed = neededNow(step);
        if (needed === undefined) continue;
        const slots = step.tasks.filter((task) => holdsSlot(task) || isLetIn(task)).length;
        let room = step.spec.maxParallel - slots;
        const most = largest(step, needed);
        for (const [i, task] of step.tasks.entries()) {
          if (task.state === 'new' && !isLetIn(task) && room-- <= 0) continue;
          if (task.state !== 'new' && task.state !== 'due') continue;
          const ask = needed === 1 ? askOf(step, task) : most;
          yield eligibleOf(id, workload, { step, index }, { i, ask, needed });
        }
      }
    }
  }

  /** Whether a task asks for more memory than its step did. */
  grown(name: string): boolean {
    const { step, task } = this.#task(name);
    return askOf(step, task).memory !== step.spec.request.memory;
  }

  #join({ node }: Of<'node-joined'>): void {
    const known = this.nodes.get(node.id);
    if (known === undefined) this.nodes.set(node.id, new NodeBook(node));
    else known.node = node;
  }

  #submit({ workload: id, tenant, spec, resumes }: Of<'workload-submitted'>): void {
    const number = Number(id);
    assert.equal(number, this.specs.size + 1, 'workloads are numbered without gaps');
    const steps = new Map<string, StepBook>();
    for (const step of spec.steps) {
      const tasks = Array.from({ length: step.count }, (): TaskBook => {
        return { state: 'new', attempts: [], memoryLimit: step.limits.memory, dueAt: 0 };
      });
      const [opened, skippedItself] = [false, false];
      const alone = step.constraints?.gpuAlone === true && step.request.gpu > 0;
      const request = alone ? { ...step.request, gpuFor: id } : step.request;
      const book = { spec: { ...step, request }, tasks, end: undefined, opened, skippedItself };
      steps.set(step.id, { ...book, readySince: undefined, takenOver: undefined });
    }
    const workload: WorkloadBook = {
      number,
      spec,
      tenant,
      steps,
      folder: resumes?.folder ?? id,
      startedAt: undefined,
      limit: undefined,
      retried: 0,
      cancelled: false,
      priority: spec.priority,
      end: undefined,
    };
    if (resumes !== undefined) this.#resume(workload, resumes);
    this.active.set(id, workload);
    this.specs.set(id, spec);
  }

  /** Nothing that succeeded is done again, nothing else is taken for done, and one run at a time has the folder. */
  #resume(workload: WorkloadBook, { from, folder, done }: Resumption): void {
    const before = this.over.get(from);
    assert.ok(before !== undefined, `run ${from} has ended`);
    assert.equal(folder, before.folder, 'the folder is that of the first run');
    for (const other of this.active.values()) assert.notEqual(other.folder, folder);
    const ids = done.map(({ step }) => step as string);
    assert.ok(ids.length === 0 || ids.join() === stableSteps(before).join(), 'what is taken over');
    for (const { step: id, outputs } of done) {
      const step = workload.steps.get(id)!;
      assert.deepEqual(outputs, saidBy(before.steps.get(id)!), `what ${id} said before`);
      step.end = 'succeeded';
      step.takenOver = outputs;
      step.tasks = [];
    }
    this.flow.resumed++;
  }

  #open(event: Of<'step-opened' | 'step-expanded'>): void {
    const workload = this.#workload(event.workload);
    const step = workload.steps.get(event.step)!;
    const name = `${event.workload}.${event.step}`;
    assert.ok(step.end === undefined && !step.opened && isDecided(step), `${name} is decided once`);
    assert.ok(isReady(workload, step) && !isStopped(workload), `${name} is decided in time`);
    const items = event.kind === 'step-expanded' ? { items: event.items } : {};
    assert.deepEqual({ kind: 'run', ...items }, verdictOf(workload, step), `${name} opens so`);
    step.opened = true;
    this.flow[event.kind === 'step-opened' ? 'opened' : 'expanded']++;
    if (event.kind === 'step-opened') return;
    step.spec = { ...step.spec, count: event.items.length };
    const { memory: memoryLimit } = step.spec.limits;
    step.tasks = event.items.map(() => ({ state: 'new', attempts: [], memoryLimit, dueAt: 0 }));
  }

  #reachLimit({ at, workload: id, reached }: Of<'limit-reached'>): void {
    const workload = this.#workload(id);
    const { limits } = workload.spec;
    assert.ok(limits !== undefined && !isStopped(workload), `workload ${id} has limits`);
    if (reached.limit === 'execution-time') {
      assert.ok(at >= workload.startedAt! + limits.executionMs, `workload ${id} is over its time`);
    } else assert.equal(workload.retried, limits.retries, `workload ${id} has no retries left`);
    assert.equal(reached.stops, reached.limit === 'execution-time');
    workload.limit = reached;
    this.flow.limits++;
  }

  #place({ at, attempt: id, placement }: Of<'task-placed'>): void {
    const { workload, step, task, number } = this.#task(id.slice(0, id.lastIndexOf('.')), id);
    workload.startedAt ??= at;
    assert.ok(!isStopped(workload), `${id} is not placed after its workload was cancelled`);
    assert.ok(open(workload, step), `${id} is placed once its needs have succeeded`);
    assert.ok(!failed(step), `${id} is not placed in a step that failed`);
    assert.ok(task.state === 'new' || task.state === 'due', `${id} is placed while ${task.state}`);
    assert.equal(number, task.attempts.length + 1, `${id} is the next attempt`);
    assert.ok(tries(task) <= step.spec.retry.maxRetries, `${id} is within its retries`);
    const running = step.tasks.filter((other) => other.state === 'running').length;
    assert.ok(running < step.spec.maxParallel, `${id} is within maxParallel`);
    assert.equal(placement.memoryLimit, task.memoryLimit, `${id} has the limit it grew to`);
    const ask = askOf(step, task);
    this.#checkTurn(id, ask, placement, step);
    const node = this.nodes.get(placement.node);
    assert.ok(node !== undefined, `${id} is placed on a node that is there`);
    const owed = node.owed(ask, placement.gpus);
    assert.deepEqual(placement.held, owed, `${id} holds what it asks for`);
    node.take(id, placement, step.spec.execution?.process?.cores === 'exclusive');
    const { priority } = workload;
    const attempt = {
      placement,
      started: false,
      stopped: false,
      placedAt: at,
      priority,
      end: undefined,
      behind: undefined,
      next: undefined,
    };
    if (this.#kept !== undefined && id.startsWith(`${this.#kept.owner}.`)) this.#kept = undefined;
    if (step.spec.gangMin === running + 1) this.gangsPlaced++;
    task.attempts.push(attempt);
    task.state = 'running';
    task.letIn = false;
    this.attempts.set(id, attempt);
    checkRoom(id, workload);
  }

  /** Only while nobody else waits, and each for exactly what the one before it holds. */
  #lineUp({ at, behind, attempts }: Of<'attempts-lined-up'>): void {
    const first = this.#live(behind);
    const { workload, step } = this.#task(behind, behind);
    assert.ok(!isStopped(workload) && !failed(step), `nothing follows ${behind} when all is over`);
    assert.ok(!first.stopped, `nothing follows ${behind}, which is to stop`);
    assert.equal(step.spec.gangMin, undefined, 'gangs start together, not in line');
    const own = `${behind.split('.').slice(0, 2).join('.')}.`;
    for (const { name, bound, waiter } of this.eligible()) {
      if (this.waiting.isAway(waiter, at)) continue;
      assert.ok(bound || name.startsWith(own), `${name} waits, too`);
    }
    let before: string = behind;
    for (const id of attempts) {
      const { task, number } = this.#task(id, id);
      assert.ok(id.startsWith(own), `${id} follows one of its step`);
      assert.ok(task.state === 'new' || task.state === 'due', `${id} waits before it is lined up`);
      assert.equal(number, task.attempts.length + 1, `${id} is the next attempt`);
      assert.ok(tries(task) <= step.spec.retry.maxRetries, `${id} is within its retries`);
      const { node, gpus, held } = first.placement;
      // Of a share by memory, what its device makes of it: as when the first was placed.
      const owed = this.nodes.get(node)!.owed(askOf(step, task), gpus);
      assert.deepEqual(held, owed, `${id} asks for what is there`);
      assert.equal(first.placement.memoryLimit, task.memoryLimit, `${id} has the same limit`);
      assert.equal(this.attempts.get(before)!.next, undefined, `${before} is followed by one`);
      this.attempts.get(before)!.next = id;
      const attempt: AttemptBook = {
        placement: first.placement,
        started: false,
        stopped: false,
        placedAt: at,
        priority: workload.spec.priority,
        end: undefined,
        behind: before,
        next: undefined,
      };
      task.attempts.push(attempt);
      task.state = 'lined';
      task.letIn = false;
      this.attempts.set(id, attempt);
      this.lined.add(id);
      this.linedUp++;
      before = id;
    }
  }

  /** What one held on the very same node and devices is the other's now. */
  #takeOver(id: string, before: AttemptBook, at: number): void {
    const attempt = this.#live(id);
    const { workload, step, task } = this.#task(id, id);
    assert.equal(task.state, 'lined', `${id} stood in line`);
    attempt.behind = undefined;
    attempt.placedAt = at;
    task.state = 'running';
    this.lined.delete(id);
    this.takenOver++;
    const running = step.tasks.filter((other) => other.state === 'running').length;
    assert.ok(running <= step.spec.maxParallel, `${id} is within maxParallel`);
    const exclusive = step.spec.execution?.process?.cores === 'exclusive';
    this.nodes.get(attempt.placement.node)!.follow(id, attempt.placement, exclusive);
    checkRoom(id, workload);
    if (before.stopped) this.#mustStop.add(id);
    this.rules?.place(
      id,
      {
        name: id.slice(0, id.lastIndexOf('.')),
        ask: attempt.placement.held,
        rank: [],
        needed: 1,
        oneNode: false,
        only: undefined,
        queue: workload.spec.queue,
        tenant: workload.tenant,
        runMaxMs: runMaxOf(step.spec),
        bound: false,
        waiter: NOT_WAITING,
      },
      at,
    );
  }

  /** Nobody of the same shape was passed over. */
  #checkTurn(id: string, ask: Placement['held'], placement: Placement, step: StepBook): void {
    const [workloadId, , i] = id.split('.');
    const workload = this.#workload(workloadId!);
    const facts = { i: Number(i), ask, needed: 1 };
    const eligible = [...this.eligible()];
    const own = eligibleOf(workloadId!, workload, { step, index: 0 }, facts);
    assert.ok(own.only === undefined || own.only === placement.node, `${id} is with its gang`);
    this.rules?.checkPlaced(own, this.#now);
    this.rules?.place(id, own, this.#now);
    this.waiting.place(id, own.waiter, this.#now);
    if (step.spec.gangMin !== undefined) return;
    const key = JSON.stringify(ask);
    const name = id.slice(0, id.lastIndexOf('.'));
    const same = eligible.filter((other) => JSON.stringify(other.ask) === key);
    const mine = same.find((other) => other.name === name);
    assert.ok(mine !== undefined, `${id} is one of those that may be placed`);
    if (this.promises) return;
    for (const other of same) {
      if (other.needed > 1 || other.only !== undefined || other.bound) continue;
      if (this.waiting.mayWait(other.waiter, 1, this.#now)) continue;
      // What is kept for somebody is not for those before or after it.
      if (this.#claims.length > 0 || this.#kept !== undefined) continue;
      if (this.rules !== undefined && !this.rules.ranks(mine, other)) continue;
      assert.ok(!before(other.rank, mine.rank), `${id} was placed before ${other.name}`);
    }
  }

  #stop({ attempt: id }: Of<'stop-ordered'>): void {
    const attempt = this.#live(id);
    assert.ok(!attempt.stopped, `${id} is stopped once`);
    const { workload, step } = this.#task(id, id);
    const told = this.#mustStop.has(id);
    const alive = step.tasks.filter((one) => one.state === 'running' || one.state === 'succeeded');
    const broken = step.spec.gangMin !== undefined && alive.length < step.spec.gangMin;
    assert.ok(isStopped(workload) || told || broken, `${id} is stopped for a reason`);
    attempt.stopped = true;
  }

  #end(event: Of<'task-ended'>): void {
    const { attempt: id, end } = event;
    const attempt = this.#live(id);
    const { task } = this.#task(id, id);
    attempt.end = end;
    if (attempt.stopped && end.cause !== 'cancelled') this.finishedDespiteStop++;
    const held = task.state === 'running';
    task.state = ends[end.cause] ?? 'failed';
    if (held) {
      this.nodes.get(attempt.placement.node)!.give(id);
      this.rules?.end(id, event.at);
      if (attempt.next !== undefined && end.cause === 'succeeded') {
        this.#takeOver(attempt.next, attempt, event.at);
      }
    } else this.#leaveLine(id, attempt);
    if (event.retry !== undefined) this.#rest(id, event.at, event.retry);
  }

  /** Never begun. */
  #leaveLine(id: string, attempt: AttemptBook): void {
    assert.equal(attempt.end!.cause, 'unstarted', `${id} ends in line`);
    this.lined.delete(id);
    this.attempts.get(attempt.behind!)!.next = undefined;
  }

  #rest(id: string, at: number, { dueAt, memory }: ScheduledRetry): void {
    const { workload, step, task } = this.#task(id, id);
    const last = task.attempts.at(-1)!;
    assert.equal(task.state, 'failed', `${id} tries again after it failed`);
    assert.ok(!isStopped(workload), `${id} does not try again after a cancel`);
    assert.ok(retryable.includes(last.end!.cause), `${id} tries again after ${last.end!.cause}`);
    const counted = tries(task);
    const free = last.end!.cause === 'preempted';
    if (!free) workload.retried++;
    const most = workload.spec.limits?.retries ?? Number.POSITIVE_INFINITY;
    assert.ok(workload.retried <= most, `${id} is within the retries of its workload`);
    assert.ok(free || counted <= step.spec.retry.maxRetries, `${id} has retries left`);
    assert.ok(dueAt >= at, `${id} is due later`);
    task.state = 'resting';
    task.dueAt = dueAt;
    if (memory === undefined) return;
    assert.equal(last.end!.cause, 'oom-killed', `${id} grows after it ran out of memory`);
    assert.ok(memory >= task.memoryLimit, `${id} never gets less than before`);
    task.memoryLimit = memory;
  }

  #endStep({ workload: id, step: stepId, state, reason }: Of<'step-ended'>): void {
    const workload = this.#workload(id);
    const step = workload.steps.get(stepId)!;
    const name = `step ${id}.${stepId}`;
    assert.equal(step.end, undefined, `${name} ends once`);
    assert.ok(!step.tasks.some((task) => task.state === 'running'), `${name}: nothing runs`);
    if (reason !== undefined) {
      assert.ok(isDecided(step) && !step.opened && isReady(workload, step), `${name} is decided`);
      assert.ok(!isStopped(workload), `${name} is decided in time`);
      const isSkip = reason.kind === 'condition';
      // How many tasks the site has room for, the books do not know.
      const isFull = reason.kind === 'expression' && reason.message.includes('the site has room');
      const want = isFull ? 'run' : isSkip ? 'skip' : 'error';
      assert.equal(verdictOf(workload, step).kind, want, `${name} ends so`);
      assert.equal(state, isSkip ? 'skipped' : 'failed', `${name} ends so`);
      step.skippedItself = isSkip;
      step.end = state;
      step.tasks = [];
      this.flow[isSkip ? 'skipped' : 'unread']++;
      return;
    }
    const done = open(workload, step) && step.tasks.every((task) => task.state === 'succeeded');
    const stuck =
      step.spec.flow?.condition === undefined &&
      step.spec.needs.some((need) => {
        const other = workload.steps.get(need)!;
        return other.end !== undefined && !isFine(other);
      });
    const want = done
      ? 'succeeded'
      : isStopped(workload)
        ? 'cancelled'
        : stuck
          ? 'skipped'
          : failed(step)
            ? 'failed'
            : 'no end';
    assert.equal(state, want, `${name} ends as its tasks did`);
    step.end = state;
    if (state === 'skipped') step.tasks = [];
  }

  #endWorkload({ workload: id, state }: Of<'workload-ended'>): void {
    const workload = this.#workload(id);
    const ends = [...workload.steps.values()].map((step) => step.end);
    assert.ok(!ends.includes(undefined), `workload ${id} ends after its steps`);
    const steps = [...workload.steps.values()];
    const isLost = steps.some((step) => step.end === 'failed' && !isFine(step));
    const want = steps.every(isFine)
      ? 'succeeded'
      : isLost || workload.limit?.stops === true
        ? 'failed'
        : 'cancelled';
    assert.equal(state, want, `workload ${id} ends as its steps did`);
    assert.ok(
      want !== 'cancelled' || workload.cancelled,
      `workload ${id} was cancelled by someone`,
    );
    workload.end = state;
    this.ends.set(id, state);
    this.active.delete(id);
    this.over.set(id, workload);
  }

  #workload(id: string): WorkloadBook {
    const workload = this.active.get(id);
    assert.ok(workload !== undefined, `workload ${id} is active`);
    return workload;
  }

  #live(id: string): AttemptBook {
    const attempt = this.attempts.get(id);
    assert.ok(attempt !== undefined, `${id} was placed`);
    assert.equal(attempt.end, undefined, `${id} has not ended`);
    return attempt;
  }

  #task(id: string, attempt = `${id}.0`) {
    const [workloadId, stepId, index, number] = attempt.split('.');
    const workload = this.#workload(workloadId!);
    const step = workload.steps.get(stepId!)!;
    return { workload, step, task: step.tasks[Number(index)]!, number: Number(number) };
  }
}

function eligibleOf(
  id: string,
  workload: WorkloadBook,
  { step, index }: { step: StepBook; index: number },
  { i, ask, needed }: { i: number; ask: Placement['held']; needed: number },
): Eligible {
  const { spec, number, tenant, priority } = workload;
  const together = step.spec.topology?.required === true;
  const running = step.tasks.find((task) => task.state === 'running');
  return {
    name: `${id}.${step.spec.id}.${i}`,
    ask,
    rank: [-priority, number, index, i],
    needed,
    oneNode: needed > 1 && together,
    only: together ? running?.attempts.at(-1)?.placement.node : undefined,
    queue: spec.queue,
    tenant,
    runMaxMs: runMaxOf(step.spec),
    bound: isBound(workload, step),
    waiter: {
      queue: spec.queue,
      since: step.readySince!,
      first: step.tasks[i]!.attempts.length === 0,
      gang: step.spec.gangMin === undefined ? undefined : `${id}.${step.spec.id}`,
      preferred: spec.preferred,
      gather: step.spec.gather,
    },
  };
}

const ends: Partial<Record<EndCause, TaskBook['state']>> = {
  succeeded: 'succeeded',
  unstarted: 'new',
};

/** Attempts that count against the retries. */
const tries = (task: TaskBook): number =>
  task.attempts.filter(({ end }) => end!.cause !== 'preempted' && end!.cause !== 'unstarted')
    .length;

const isLetIn = ({ state, letIn }: TaskBook): boolean => state === 'new' && letIn === true;

const failed = (step: StepBook): boolean => step.tasks.some((task) => task.state === 'failed');

/** A task that tries again keeps its place among `maxParallel`. */
const holdsSlot = (task: TaskBook): boolean =>
  task.state === 'running' || task.state === 'resting' || task.state === 'due';

/** Of a gang: its minimum when none of it runs, one when that runs already, nothing in between. */
function neededNow({ spec, tasks }: StepBook): number | undefined {
  if (spec.gangMin === undefined) return 1;
  const running = tasks.filter((task) => task.state === 'running').length;
  const succeeded = tasks.filter((task) => task.state === 'succeeded').length;
  if (running + succeeded >= spec.gangMin) return 1;
  const needed = spec.gangMin - succeeded;
  const due = tasks.filter((task) => task.state === 'due').length;
  const slots = spec.maxParallel - tasks.filter(holdsSlot).length;
  const ready = due + Math.min(slots, tasks.filter((task) => task.state === 'new').length);
  return running > 0 || ready < needed ? undefined : needed;
}

/** What each of a gang must find, that the one that grew most fits, too. */
function largest(step: StepBook, needed: number): Placement['held'] {
  let room = step.spec.maxParallel - step.tasks.filter(holdsSlot).length;
  const ready = step.tasks.filter(
    (task) => task.state === 'due' || (task.state === 'new' && room-- > 0),
  );
  // Those that ask for least start first, where not all must.
  const asks = ready.map((task) => askOf(step, task)).sort((a, b) => a.memory - b.memory);
  return asks.slice(0, needed).reduce((a, b) => (b.memory > a.memory ? b : a), step.spec.request);
}

function open(workload: WorkloadBook, step: StepBook): boolean {
  if (step.end !== undefined) return false;
  return isDecided(step) ? step.opened : isReady(workload, step);
}

/** What grew is held, not only allowed. */
function askOf({ spec }: StepBook, task: TaskBook): Placement['held'] {
  const grown = task.memoryLimit !== spec.limits.memory && task.memoryLimit > spec.request.memory;
  return grown
    ? { ...spec.request, memory: task.memoryLimit as typeof spec.request.memory }
    : spec.request;
}

function runMaxOf({ limits, estimateMs }: StepSpec): number {
  if (limits.wallMs < Number.MAX_SAFE_INTEGER) return limits.wallMs + limits.graceMs;
  return estimateMs ?? Number.POSITIVE_INFINITY;
}

function before(a: readonly number[], b: readonly number[]): boolean {
  const i = a.findIndex((value, at) => value !== b[at]);
  return i >= 0 && a[i]! < b[i]!;
}
