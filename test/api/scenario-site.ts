import type {
  AttemptDocument,
  EnforcedDocument,
  LogChunk,
  NodeList,
  Status,
  StepDocument,
  Usage,
  Why,
  WorkloadDocument,
  WorkloadList,
} from '../../src/api/contract/documents.ts';
import type {
  CpuUse,
  InventoryChanges,
  InventoryDocument,
} from '../../src/api/contract/inventory-documents.ts';
import type { NetworkQuery, NetworkStatus } from '../../src/api/contract/network-documents.ts';
import type { PreemptionList } from '../../src/api/contract/preemption-documents.ts';
import type {
  ClassList,
  QueueList,
  QuotaList,
  ReservationList,
} from '../../src/api/contract/queue-documents.ts';
import type {
  ChangeOutcome,
  LogRequest,
  RetryOutcome,
  Site,
  SiteChange,
  SubmitOutcome,
  WorkloadFilter,
} from '../../src/api/contract/views.ts';
import { classList } from '../../src/api/views/classes.ts';
import { preemptionList } from '../../src/api/views/preemptions.ts';
import { queueList } from '../../src/api/views/queues.ts';
import { quotaList } from '../../src/api/views/quotas.ts';
import { reservationList } from '../../src/api/views/reservations.ts';
import { networkStatus } from '../../src/app/network-status.ts';
import type { TenantId, WorkloadId } from '../../src/model/ids.ts';
import { defaultNetwork, type NetworkConfig } from '../../src/model/network-config.ts';
import { defaultScheduling } from '../../src/model/scheduling-config.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { Site as EngineSite } from '../builders/site.ts';
import { smallMachine } from './machines.ts';
import { LOG_CAP_BYTES, settleWorkload, stepOf, summaryOf, waits, wave } from './toy-documents.ts';
import { ToyLog } from './toy-log.ts';
import { GIB, type ToyStep, type ToyWorkload } from './toy-workload.ts';

const SAMPLE_MS = 5_000;

const kernelHolds: EnforcedDocument = {
  driver: 'cgroup-v2',
  cpu: 'quota',
  memory: 'kernel',
  pids: 'kernel',
  notes: [],
};

interface Entry {
  readonly document: WorkloadDocument;
  readonly toy: ToyWorkload;
  readonly source: string;
}

/**
 * The second implementation of `Site`: one node that is played forward by `advance`, with first-fit
 * in order of submission. Keeps no journal and starts nothing; for the tests of routes and page.
 */
export class ScenarioSite implements Site {
  now: number;
  readonly startedAt: number;
  enforcement: EnforcedDocument = kernelHolds;
  stalled: string | null = null;
  shutDowns = 0;
  /** Of the machine that the node is on; a small one unless a scenario puts a recorded one in place. */
  hardware: Promise<InventoryDocument> = smallMachine();
  gpuIds: readonly string[] = [];
  gpuModel = 'NVIDIA A100-SXM4-80GB';
  hardwareChanges: InventoryChanges['changes'] = [];
  /** A real engine, for what is said of queues; it knows nothing of the workloads here. */
  scheduling = new EngineSite(defaultScheduling);
  refuse: Extract<SubmitOutcome, { kind: 'refused' }> | undefined;
  networkConfig: NetworkConfig = defaultNetwork;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly gpus: number;
  readonly #entries = new Map<string, Entry>();
  readonly #logs = new Map<string, ToyLog>();
  readonly #listeners = new Set<(change: SiteChange) => void>();
  readonly #samples: {
    at: number;
    cpu: number;
    held: number;
    memory: number;
    memoryHeld: number;
  }[] = [];
  #changed = new Set<string>();

  constructor(
    options: { now?: number; cpuMilli?: number; memoryBytes?: number; gpus?: number } = {},
  ) {
    this.now = options.now ?? 1_795_000_000_000;
    this.startedAt = this.now;
    this.cpuMilli = options.cpuMilli ?? 32_000;
    this.memoryBytes = options.memoryBytes ?? 128 * GIB;
    this.gpus = options.gpus ?? 0;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  add(toy: ToyWorkload): string {
    const [id] = this.addAll([toy]);
    return id!;
  }

  addAll(toys: readonly ToyWorkload[]): readonly string[] {
    const ids = toys.map((toy) => this.#enter(toy));
    this.#settle();
    return ids;
  }

  #enter(toy: ToyWorkload): string {
    const id = String(this.#entries.size + 1);
    const document: WorkloadDocument = {
      id,
      status: 'waiting',
      workload: {
        id,
        name: toy.name,
        kind: toy.kind ?? (toy.steps.length > 1 ? 'pipeline' : 'job'),
        queue: toy.queue ?? 'default',
        tenant: toy.tenant ?? 'default',
        priority: toy.priority ?? 0,
        labels: {},
        submitted_at: this.now,
        started_at: null,
        ended_at: null,
      },
      steps: toy.steps.map(stepOf),
    };
    this.#entries.set(id, { document, toy, source: toy.source ?? `name: ${toy.name}\n` });
    return id;
  }

  /** Plays `ms` of time in steps of a second, then tells who listens. */
  advance(ms: number): void {
    for (let played = 0; played < ms; played += 1_000) {
      this.now += 1_000;
      for (const entry of this.#entries.values()) this.#play(entry);
      this.#settle();
      if (this.now % SAMPLE_MS === 0) this.#sample();
    }
    this.announce({ workloads: [...this.#changed], nodes: this.#changed.size > 0, sample: true });
    this.#changed = new Set();
  }

  announce(change: SiteChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  /** Appends to an attempt's log, as the task would. */
  write(attempt: string, stream: 'stdout' | 'stderr', text: string): void {
    this.#log(attempt, stream).write(text);
  }

  endLog(attempt: string): void {
    for (const stream of ['stdout', 'stderr'] as const) this.#log(attempt, stream).ended = true;
  }

  status(): Status {
    const states = [...this.#entries.values()].map(({ document }) => document.status);
    const count = (...wanted: string[]) => states.filter((state) => wanted.includes(state)).length;
    return {
      pid: 4242,
      version: '0.1.0',
      state_dir: '/home/ada/.local/state/berth',
      site_file: null,
      url: 'http://127.0.0.1:7171',
      socket: '/home/ada/.local/state/berth/berth.sock',
      host: 'lab-3',
      started_at: this.startedAt,
      now: this.now,
      launcher_pid: 4243,
      enforcement: this.enforcement,
      journal: { sequence: 1_204, stalled: this.stalled },
      plugins: [],
      counts: {
        waiting: count('waiting'),
        running: count('running'),
        ended: count('succeeded', 'failed', 'cancelled'),
      },
    };
  }

  cache() {
    return { now: 0, bytes: 0, max_bytes: 0, entries: [] };
  }

  async clearCache() {
    return { removed: 0, bytes: 0 };
  }

  async retry(workload: WorkloadId): Promise<RetryOutcome> {
    if (this.workload(workload) !== undefined) return { kind: 'accepted', id: '99' as WorkloadId };
    return { kind: 'refused', refusal: { code: 'no-such-workload', workload } };
  }

  submit(spec: WorkloadSpec): Promise<SubmitOutcome> {
    if (this.refuse !== undefined) return Promise.resolve(this.refuse);
    const steps = spec.steps.map(
      (step): ToyStep => ({
        id: step.id,
        needs: step.needs,
        command:
          step.run.kind === 'argv'
            ? step.run.argv.join(' ')
            : 'script' in step.run
              ? step.run.script
              : '',
        tasks: step.count,
        cpuMilli: step.request.cpu,
        memoryBytes: step.request.memory,
        runMs: 10_000,
      }),
    );
    const id = this.add({ name: spec.name, source: spec.source, steps });
    return Promise.resolve({ kind: 'accepted', id: id as WorkloadId });
  }

  cancel(workload: WorkloadId): Promise<boolean> {
    const entry = this.#entries.get(workload);
    if (entry === undefined) return Promise.resolve(false);
    for (const step of entry.document.steps) {
      for (const attempt of step.attempts) {
        if (attempt.state !== 'ended')
          this.#end(step, attempt, { cause: 'cancelled', signal: 'SIGTERM' });
      }
      step.tasks.cancelled += step.tasks.waiting;
      step.tasks.waiting = 0;
    }
    this.#settle();
    this.announce({ workloads: [workload], nodes: true, sample: false });
    return Promise.resolve(true);
  }

  rebalance() {
    return Promise.resolve({ code: 'no-gain', movesMax: 8 } as const);
  }

  rebalancing() {
    return { now: this.now, plan: null, started: false, done: 0, ended: [] };
  }

  change(): Promise<ChangeOutcome> {
    return Promise.resolve({ kind: 'done' });
  }

  workload(id: WorkloadId): WorkloadDocument | undefined {
    return this.#entries.get(id)?.document;
  }

  workloads({ state, queue, limit, offset }: WorkloadFilter): WorkloadList {
    const active = (status: string) => status === 'waiting' || status === 'running';
    const all = [...this.#entries.values()]
      .map(({ document }) => summaryOf(document))
      .filter(({ status }) => state === 'all' || active(status) === (state === 'active'))
      .filter((summary) => queue === undefined || summary.queue === queue)
      .sort(
        (a, b) =>
          (state === 'ended' ? b.ended_at! - a.ended_at! : 0) || Number(b.id) - Number(a.id),
      );
    return { workloads: all.slice(offset, offset + limit), total: all.length };
  }

  why(id: WorkloadId): Why | undefined {
    const document = this.workload(id);
    if (document === undefined) return undefined;
    const steps = document.steps.map((step) => ({
      id: step.id,
      state: step.state,
      sentence: step.waiting_for[0]?.sentence ?? `Step ${step.id} is ${step.state}.`,
      reasons: step.waiting_for,
    }));
    return {
      id,
      status: document.status,
      sentence: summaryOf(document).reason ?? `It is ${document.status}.`,
      steps,
      preemptions: [],
    };
  }

  owner(id: WorkloadId): TenantId | undefined {
    return this.workload(id)?.workload.tenant as TenantId | undefined;
  }

  source(id: WorkloadId): string | undefined {
    return this.#entries.get(id)?.source;
  }

  nodes(): NodeList {
    const held = this.#held();
    const resources = (cpu: number, memory: number, gpu: number) => ({
      cpu_milli: cpu,
      memory_bytes: memory,
      gpu_milli: gpu,
      custom: {},
    });
    return {
      nodes: [
        {
          id: 'lab-3',
          allocatable: resources(this.cpuMilli, this.memoryBytes, this.gpus * 1_000),
          held: resources(held.cpu, held.memory, held.gpu),
          gpus: Array.from({ length: this.gpus }, (_, i) => ({
            id: this.gpuIds[i] ?? `GPU-${i}f3c2a10`,
            model: this.gpuModel,
            memory_bytes: 80 * GIB,
            held_milli: Math.max(0, Math.min(1_000, held.gpu - i * 1_000)),
          })),
          labels: { zone: 'basement', disk: 'nvme' },
        },
      ],
    };
  }

  scale(workload: WorkloadId): Promise<ChangeOutcome> {
    const code = this.workload(workload) === undefined ? 'no-such-workload' : 'not-a-service';
    return Promise.resolve({ kind: 'refused', refusal: { code, workload } });
  }

  update(workload: WorkloadId): Promise<ChangeOutcome> {
    return this.scale(workload);
  }

  queues(): QueueList {
    return queueList(this.scheduling.engine.state, this.scheduling.at);
  }

  classes(): ClassList {
    return classList(this.scheduling.engine.state, this.scheduling.at);
  }

  quotas(): QuotaList {
    return quotaList(this.scheduling.engine.state, this.scheduling.at);
  }

  reservations(): ReservationList {
    return reservationList(this.scheduling.engine.state, this.scheduling.at);
  }

  preemptions(limit: number): PreemptionList {
    return preemptionList(this.scheduling.engine.state, limit);
  }

  network(query: NetworkQuery): NetworkStatus {
    return networkStatus(this.networkConfig, undefined, query);
  }

  usage(window: number): Usage {
    const samples = this.#samples.filter(({ at }) => at > this.now - window);
    return {
      interval_ms: SAMPLE_MS,
      at: samples.map(({ at }) => at),
      cpu_ratio: samples.map(({ cpu }) => cpu),
      cpu_held_ratio: samples.map(({ held }) => held),
      memory_used_bytes: samples.map(({ memory }) => memory),
      memory_held_bytes: samples.map(({ memoryHeld }) => memoryHeld),
      memory_total_bytes: this.memoryBytes,
      io_pressure_ratio: samples.map(({ at }) => wave(at, 7) * 0.03),
      memory_pressure_ratio: samples.map(
        ({ memory }) => Math.max(0, memory / this.memoryBytes - 0.7) * 0.4,
      ),
      cpu_pressure_ratio: samples.map(({ at, cpu }) => cpu * 0.2 * wave(at, 3)),
    };
  }

  inventory(): Promise<InventoryDocument> {
    return this.hardware;
  }

  inventoryChanges(): Promise<InventoryChanges> {
    const { now, hardwareChanges: changes } = this;
    return Promise.resolve({ read_at: now, searched_at: this.startedAt, changes });
  }

  async cpuUse(): Promise<CpuUse> {
    const ids = (await this.hardware).cpu?.online ?? [];
    const held = this.#held().cpu / this.cpuMilli;
    const cpus = ids.map((id) => ({
      id,
      busy_ratio: Math.min(1, 0.03 + held * 1.1 * wave(this.now + id * 9_000, id % 11)),
    }));
    return { at: this.now, span_ms: 2_000, cpus };
  }

  log(request: LogRequest): Promise<LogChunk | undefined> {
    const known = [...this.#entries.values()].some(({ document }) =>
      document.steps.some((step) => step.attempts.some(({ id }) => id === request.attempt)),
    );
    return Promise.resolve(
      known ? this.#log(request.attempt, request.stream).read(request) : undefined,
    );
  }

  changes(onChange: (change: SiteChange) => void, signal: AbortSignal): void {
    this.#listeners.add(onChange);
    signal.addEventListener('abort', () => this.#listeners.delete(onChange), { once: true });
  }

  shutDown(): void {
    this.shutDowns++;
  }

  #log(attempt: string, stream: 'stdout' | 'stderr'): ToyLog {
    const key = `${attempt} ${stream}`;
    const found = this.#logs.get(key) ?? new ToyLog(LOG_CAP_BYTES);
    this.#logs.set(key, found);
    return found;
  }

  #held(): { cpu: number; memory: number; gpu: number } {
    let [cpu, memory, gpu] = [0, 0, 0];
    for (const { document } of this.#entries.values()) {
      for (const { request, tasks } of document.steps) {
        cpu += request.cpu_milli * tasks.running;
        memory += request.memory_bytes * tasks.running;
        gpu += request.gpu_milli * tasks.running;
      }
    }
    return { cpu, memory, gpu };
  }

  #sample(): void {
    const held = this.#held();
    this.#samples.push({
      at: this.now,
      cpu: Math.min(1, 0.03 + (held.cpu / this.cpuMilli) * (0.72 + 0.2 * wave(this.now, 1))),
      held: held.cpu / this.cpuMilli,
      memory: 0.05 * this.memoryBytes + held.memory * (0.6 + 0.2 * wave(this.now, 5)),
      memoryHeld: held.memory,
    });
  }

  /** One second of every attempt of a workload. */
  #play({ document, toy }: Entry): void {
    document.steps.forEach((step, i) => {
      const toyStep = toy.steps[i]!;
      for (const attempt of step.attempts) {
        if (attempt.state !== 'running') continue;
        this.#changed.add(document.id);
        const ran = this.now - attempt.started_at!;
        const index = Number(attempt.task.slice(attempt.task.lastIndexOf('.') + 1));
        const said = toyStep.says?.(Math.floor(ran / 1_000), index);
        if (said !== undefined) this.write(attempt.id, 'stdout', `${said}\n`);
        attempt.cpu_ms = Math.round(
          (ran * toyStep.cpuMilli * (0.75 + 0.2 * wave(index * 7_000, 2))) / 1_000,
        );
        attempt.wall_ms = ran;
        const full = Math.min(1, ran / 20_000) * (0.6 + 0.3 * wave(index * 9_000, 4));
        attempt.memory_peak_bytes = Math.round(full * attempt.memory_limit_bytes!);
        if (ran >= toyStep.runMs) {
          this.#end(
            step,
            attempt,
            toyStep.ends?.(index, attempt.number) ?? { cause: 'succeeded', exitCode: 0 },
          );
        }
      }
    });
  }

  #end(
    step: StepDocument,
    attempt: AttemptDocument,
    end: NonNullable<ReturnType<NonNullable<ToyStep['ends']>>>,
  ): void {
    attempt.state = 'ended';
    attempt.ended_at = this.now;
    attempt.wall_ms = this.now - (attempt.started_at ?? this.now);
    attempt.cause = end.cause;
    attempt.exit_code = end.exitCode ?? null;
    attempt.signal = end.signal ?? null;
    attempt.message = end.message ?? null;
    if (end.cause === 'oom-killed') attempt.memory_peak_bytes = attempt.memory_limit_bytes;
    if (end.message !== undefined) this.write(attempt.id, 'stderr', `${end.message}\n`);
    this.endLog(attempt.id);
    step.tasks.running--;
    if (end.retried === true) step.tasks.waiting++;
    else if (end.cause === 'succeeded') step.tasks.succeeded++;
    else if (end.cause === 'cancelled') step.tasks.cancelled++;
    else step.tasks.failed++;
  }

  /** Starts what is ready and fits, then brings states and reasons up to date. */
  #settle(): void {
    const held = this.#held();
    for (const { document, toy } of this.#entries.values()) {
      document.steps.forEach((step, i) => {
        const toyStep = toy.steps[i]!;
        const open = step.needs.filter(
          (id) => document.steps.find((s) => s.id === id)?.state !== 'succeeded',
        );
        step.waiting_for = [];
        if (open.length > 0) {
          const skipped = open.some((id) =>
            ['failed', 'cancelled', 'skipped'].includes(
              document.steps.find((s) => s.id === id)!.state,
            ),
          );
          if (skipped) {
            step.state = 'skipped';
            step.tasks.cancelled += step.tasks.waiting;
            step.tasks.waiting = 0;
          } else
            step.waiting_for = [
              waits(
                'waits-for-steps',
                `Waits for ${open.join(' and ')}.`,
                `It starts when ${open.join(' and ')} succeeded.`,
                step.tasks.waiting,
              ),
            ];
        } else this.#startTasks(document, step, toyStep, held);
        if (step.state !== 'skipped') this.#settleStep(step);
      });
      settleWorkload(document, this.now);
    }
  }

  #startTasks(
    document: WorkloadDocument,
    step: StepDocument,
    toy: ToyStep,
    held: { cpu: number; memory: number; gpu: number },
  ): void {
    while (step.tasks.waiting > 0) {
      const gpu = toy.gpuMilli ?? 0;
      const freeGpu = this.gpus * 1_000 - held.gpu;
      const freeCpu = this.cpuMilli - held.cpu;
      if (toy.parallel !== undefined && step.tasks.running >= toy.parallel) {
        step.waiting_for = [
          waits(
            'step-parallelism',
            `Its step runs at most ${toy.parallel} tasks at once.`,
            'It starts when a task of the step ends.',
            step.tasks.waiting,
          ),
        ];
        return;
      }
      if (gpu > freeGpu) {
        step.waiting_for = [
          waits(
            'insufficient',
            `Asks ${gpu / 1_000} GPUs; lab-3 has ${freeGpu / 1_000} free.`,
            `It starts when ${(gpu - freeGpu) / 1_000} more are free; likely when train-7b ends.`,
            step.tasks.waiting,
          ),
        ];
        return;
      }
      if (toy.cpuMilli > freeCpu || toy.memoryBytes > this.memoryBytes - held.memory) {
        step.waiting_for = [
          waits(
            'insufficient',
            `Asks ${toy.cpuMilli / 1_000} CPUs; lab-3 has ${freeCpu / 1_000} free.`,
            `It starts when ${(toy.cpuMilli - freeCpu) / 1_000} more CPUs are free on one node.`,
            step.tasks.waiting,
          ),
        ];
        return;
      }
      this.#start(document, step, toy);
      held.cpu += toy.cpuMilli;
      held.memory += toy.memoryBytes;
      held.gpu += gpu;
    }
  }

  #start(document: WorkloadDocument, step: StepDocument, toy: ToyStep): void {
    const index = new Set(step.attempts.map((a) => a.task)).size;
    const task =
      index < step.tasks.total
        ? `${document.id}.${step.id}.${index}`
        : step.attempts.find(
            (a) =>
              a.state === 'ended' &&
              !step.attempts.some(
                (b) => b.task === a.task && (b.state !== 'ended' || b.cause === 'succeeded'),
              ),
          )!.task;
    const number = step.attempts.filter((a) => a.task === task).length + 1;
    const limit = (toy.memoryLimitBytes ?? toy.memoryBytes) * 1.5 ** (number - 1);
    step.attempts.push({
      id: `${task}.${number}`,
      task,
      number,
      state: 'running',
      node: 'lab-3',
      gpus: [],
      pid: 5_000 + this.#logs.size,
      placed_at: this.now,
      started_at: this.now,
      ended_at: null,
      cause: null,
      exit_code: null,
      signal: null,
      message: null,
      wall_ms: null,
      cpu_ms: null,
      memory_peak_bytes: null,
      memory_limit_bytes: Math.round(limit),
      cpu_milli: 1000,
      enforced: this.enforcement,
    });
    step.tasks.waiting--;
    step.tasks.running++;
    step.started_at ??= this.now;
    document.workload.started_at ??= this.now;
    this.#changed.add(document.id);
  }

  #settleStep(step: StepDocument): void {
    const { tasks } = step;
    if (tasks.running > 0) step.state = 'running';
    else if (tasks.waiting > 0) step.state = 'waiting';
    else step.state = tasks.cancelled > 0 ? 'cancelled' : tasks.failed > 0 ? 'failed' : 'succeeded';
    const over = tasks.running + tasks.waiting === 0;
    step.ended_at = over ? (step.ended_at ?? this.now) : null;
  }
}
