import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { readySince } from '../engine/records.ts';
import type { AttemptId, WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { QueueConfig } from '../model/scheduling-config.ts';
import { Counter, Histogram, taskBounds } from '../telemetry/counting.ts';
import { families } from '../telemetry/families.ts';
import type { LatestReading, LiveMetrics, MetricFamily, Reading } from '../telemetry/metric.ts';

const NAMES: ReadonlySet<string> = new Set([
  'berth_tasks',
  'berth_queue_tasks',
  'berth_service_tasks',
  'berth_workloads',
  'berth_attempts_total',
  'berth_task_waiting_seconds',
  'berth_attempt_duration_seconds',
  'ml_jobs_total',
  'berth_start_interval_inside_ratio',
  'berth_start_intervals',
]);
/** Looking at all workloads takes at most this part of the time: with 100,000 of them some 10 ms. */
const LOOKS_SHARE = 0.02;
const LOOK_EVERY_MS = 1_000;

const taskStates = ['blocked', 'waiting', 'running', 'succeeded', 'failed', 'cancelled'] as const;
type TaskState = (typeof taskStates)[number];
/** Of a queue, those that are not over. */
const openStates = ['blocked', 'waiting', 'running'] as const;
const workloadStates = ['active', 'spilled', 'succeeded', 'failed', 'cancelled'] as const;

interface EngineMetricsDeps {
  readonly engine: Engine;
  readonly root: QueueConfig;
  readonly now: () => TimeMs;
  /** What was foretold of starts, against what came. */
  readonly ahead: { readonly calibration: { readonly inside: number; readonly of: number } };
}

/**
 * What the engine does, as numbers. Counters and histograms begin with the daemon; what is there now is counted
 * anew when somebody asks, but not more often than costs LOOKS_SHARE of the time.
 */
export class EngineMetrics implements Pick<LiveMetrics, 'families' | 'latest'> {
  readonly #deps: EngineMetricsDeps;
  readonly #attempts = new Counter('berth_attempts_total');
  readonly #jobs = new Counter('ml_jobs_total');
  readonly #waiting = new Histogram('berth_task_waiting_seconds', taskBounds);
  readonly #running = new Histogram('berth_attempt_duration_seconds', taskBounds);
  readonly #families = families.filter(({ name }) => NAMES.has(name));
  #counted: { readonly readings: readonly Reading[]; readonly until: number } | undefined;

  constructor(deps: EngineMetricsDeps) {
    this.#deps = deps;
  }

  families(): readonly MetricFamily[] {
    return this.#families;
  }

  latest(name?: string): readonly LatestReading[] {
    const at = this.#deps.now();
    const found: LatestReading[] = [];
    // Readings of a histogram are called as it is, and more.
    if (name !== undefined && !this.#families.some((one) => name.startsWith(one.name)))
      return found;
    const counters = [this.#attempts, this.#jobs, this.#waiting, this.#running];
    for (const readings of [
      this.gauges(),
      this.#foretold(),
      ...counters.map((one) => one.readings()),
    ]) {
      for (const reading of readings) {
        if (name === undefined || reading.name === name) found.push({ ...reading, at });
      }
    }
    return found;
  }

  noteEvents(events: readonly Event[]): void {
    for (const event of events) {
      if (event.kind === 'task-started') this.#started(event.attempt);
      else if (event.kind === 'task-ended') this.#ended(event);
      else if (event.kind === 'workload-ended') this.#workloadEnded(event.workload, event.state);
    }
  }

  #started(id: AttemptId): void {
    const attempt = this.#deps.engine.state.attempt(id);
    if (attempt === undefined) return;
    const { task, placedAt, number } = attempt;
    // Whoever comes again has waited since its last attempt ended.
    const before = task.attempts.find((one) => one.number === number - 1)?.endedAt;
    const since = before ?? Math.max(task.waitingSince, readySince(task.step));
    this.#waiting.observe({ queue: task.queue }, Math.max(0, placedAt - since) / 1000);
  }

  #ended({ attempt: id, end, at }: Extract<Event, { kind: 'task-ended' }>): void {
    const attempt = this.#deps.engine.state.attempt(id);
    if (attempt === undefined) return;
    const { task, startedAt } = attempt;
    this.#attempts.add({ tenant: task.tenant, cause: end.cause });
    if (startedAt === undefined) return;
    const ranMs = end.usage.wallMs ?? at - startedAt;
    this.#running.observe({ queue: task.queue }, Math.max(0, ranMs) / 1000);
  }

  #workloadEnded(id: WorkloadId, status: string): void {
    const workload = this.#deps.engine.state.workload(id);
    if (workload === undefined || !isJob(workload.spec.kind)) return;
    this.#jobs.add({ status, user: workload.tenant });
  }

  /** Nothing until a start was foretold and came. */
  #foretold(): readonly Reading[] {
    const { inside, of } = this.#deps.ahead.calibration;
    if (of === 0) return [];
    return [
      { name: 'berth_start_interval_inside_ratio', labels: {}, value: inside / of },
      { name: 'berth_start_intervals', labels: {}, value: of },
    ];
  }

  /** What is there now. */
  gauges(): readonly Reading[] {
    const began = performance.now();
    if (this.#counted !== undefined && began < this.#counted.until) return this.#counted.readings;
    const readings = countTasks(this.#deps.engine, this.#deps.root);
    const ended = performance.now();
    const restMs = Math.max(LOOK_EVERY_MS, (ended - began) / LOOKS_SHARE);
    this.#counted = { readings, until: began + restMs };
    return readings;
  }
}

const isJob = (kind: string): boolean => kind === 'job' || kind === 'pipeline';

/** What is there now: every state of every queue, zero where there is none. */
export function countTasks({ state }: Engine, root: QueueConfig): readonly Reading[] {
  const all = zeros(taskStates);
  const services = zeros(openStates);
  const workloads = zeros(workloadStates);
  const queues = new Map(leavesOf(root).map((name) => [name as string, zeros(openStates)]));
  workloads['spilled'] = state.spilled.size;
  for (const { spec, state: ofWorkload, steps, service } of state.workloads()) {
    if (spec.kind === 'lease') continue;
    workloads[ofWorkload]!++;
    const queue = queues.get(spec.queue) ?? zeros(openStates);
    queues.set(spec.queue, queue);
    for (const step of steps) {
      const { counts } = step;
      const first: TaskState = step.state === 'blocked' ? 'blocked' : 'waiting';
      for (const tally of service === undefined ? [all, queue] : [all, queue, services]) {
        tally[first]! += counts.waiting;
        tally['running']! += counts.running;
      }
      for (const end of ['succeeded', 'failed', 'cancelled'] as const) all[end]! += counts[end];
    }
  }
  return [
    ...readingsOf('berth_tasks', {}, all),
    ...[...queues].flatMap(([queue, tally]) => readingsOf('berth_queue_tasks', { queue }, tally)),
    ...readingsOf('berth_service_tasks', {}, services),
    ...readingsOf('berth_workloads', {}, workloads),
  ];
}

type Tally = Record<string, number>;

const zeros = (names: readonly string[]): Tally =>
  Object.fromEntries(names.map((name) => [name, 0]));

const readingsOf = (name: string, labels: Readonly<Record<string, string>>, tally: Tally) =>
  Object.entries(tally).map(([state, value]): Reading => {
    return { name, labels: { ...labels, state }, value };
  });

const leavesOf = (queue: QueueConfig): QueueConfig['name'][] =>
  queue.children.length === 0 ? [queue.name] : queue.children.flatMap(leavesOf);
