import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { TaskUses } from '../execution/io/local/task-uses.ts';
import type { AttemptId } from '../model/ids.ts';
import type { TickSource } from '../telemetry/io/sampling.ts';
import { TaskSampler } from '../telemetry/io/task-sampler.ts';
import type { LatestReadings } from '../telemetry/latest.ts';
import type { Labels, Reading } from '../telemetry/metric.ts';
import type { TaskFolders } from '../telemetry/task-files.ts';

const OFTEN_MS = 1_000;
/** What costs more is read of a fifth of the tasks each second. */
const TURNS = 5;
/** Each costs about 15 µs a second; what others run is seen by the host alone. */
const TASKS_MAX = 1_000;
/** So many without a cgroup are walked process by process each second, at 100 µs; more of them in turn. */
const WALKED_OFTEN_MAX = 10;

/** What is said of an attempt that runs: a part of its record. */
export interface RunningTask {
  readonly id: AttemptId;
  readonly startedAt: TimeMs | undefined;
  readonly placement: {
    readonly held: { readonly cpu: number };
    readonly memoryLimit: number;
  };
  readonly task: {
    readonly tenant: string;
    readonly step: {
      readonly spec: { readonly id: string };
      readonly workload: { readonly id: string };
    };
  };
}

interface Task {
  readonly record: RunningTask;
  readonly labels: Labels;
  readonly turn: number;
  sampler: TaskSampler | undefined;
}

export interface TaskMetricsDeps {
  readonly running: () => Iterable<RunningTask>;
  readonly uses: Pick<TaskUses, 'of'> & { foldersOf(attempt: AttemptId): TaskFolders | undefined };
  readonly live: Pick<LatestReadings, 'forget' | 'latest'>;
}

/** Readings of each attempt that runs on this machine, and sums by tenant. */
export class TaskMetrics {
  readonly #deps: TaskMetricsDeps;
  readonly #tasks = new Map<AttemptId, Task>();
  /** Of those who have tasks here. */
  readonly #tenantLabels = new Map<string, Labels>();
  #turns = 0;
  #walked = 0;
  #left = 0;

  constructor(deps: TaskMetricsDeps) {
    this.#deps = deps;
  }

  /** In this order: the sums are of what was read before them. */
  sources(): readonly TickSource[] {
    const inTurn = Array.from({ length: TURNS }, (_, turn) => ({
      name: `tasks-${turn}`,
      everyMs: OFTEN_MS * TURNS,
      read: (tick: number) => (tick % TURNS === turn ? this.#inTurn(turn) : undefined),
    }));
    return [
      { name: 'tasks', everyMs: OFTEN_MS, read: () => this.#often() },
      ...inTurn,
      { name: 'tenants', everyMs: OFTEN_MS, read: () => this.#tenants() },
    ];
  }

  close(): void {
    for (const { sampler } of this.#tasks.values()) sampler?.close();
    this.#tasks.clear();
  }

  #often(): readonly Reading[] {
    this.#follow();
    const readings: Reading[] = [];
    for (const { record, labels, sampler } of this.#tasks.values()) {
      const { held, memoryLimit } = record.placement;
      readings.push({ name: 'berth_task_cpu_held', labels, value: held.cpu / 1_000 });
      if (memoryLimit !== UNLIMITED) {
        readings.push({ name: 'berth_task_memory_limit_bytes', labels, value: memoryLimit });
      }
      sampler?.often(readings);
    }
    // What a cgroup counts here is known when it was read.
    const walked = [...this.#tasks.values()].filter(({ sampler }) => sampler?.isWalked);
    this.#walked = walked.length;
    if (walked.length <= WALKED_OFTEN_MAX) for (const task of walked) this.#walk(task, readings);
    readings.push({ name: 'berth_tasks_unmeasured', labels: {}, value: this.#left });
    return readings;
  }

  #inTurn(turn: number): readonly Reading[] {
    const readings: Reading[] = [];
    for (const task of this.#tasks.values()) {
      if (task.turn !== turn) continue;
      task.sampler?.inTurn(readings);
      if (this.#walked > WALKED_OFTEN_MAX) this.#walk(task, readings);
    }
    return readings;
  }

  #walk({ record, sampler }: Task, into: Reading[]): void {
    if (sampler?.isWalked !== true) return;
    const use = this.#deps.uses.of(record.id);
    if (use === undefined) return;
    const { cpuUs, memory } = use;
    const cpuSeconds = cpuUs === undefined ? undefined : cpuUs / 1e6;
    sampler.walked({ cpuSeconds, memoryBytes: memory }, into);
  }

  #tenants(): readonly Reading[] {
    const { live } = this.#deps;
    const tenants = new Set([...this.#tasks.values()].map(({ labels }) => labels['tenant']!));
    for (const [tenant, labels] of this.#tenantLabels) {
      if (tenants.has(tenant)) continue;
      this.#tenantLabels.delete(tenant);
      live.forget(labels);
    }
    for (const tenant of tenants) {
      if (!this.#tenantLabels.has(tenant)) this.#tenantLabels.set(tenant, { tenant });
    }
    return [
      ...this.#sums('berth_tenant_cpu_used', live.latest('berth_task_cpu_ratio')),
      ...this.#sums('berth_tenant_memory_bytes', live.latest('berth_task_memory_bytes')),
    ];
  }

  #sums(name: string, readings: readonly Reading[]): readonly Reading[] {
    const byTenant = new Map<string, number>();
    for (const { labels, value } of readings) {
      const tenant = labels['tenant']!;
      byTenant.set(tenant, (byTenant.get(tenant) ?? 0) + value);
    }
    return [...byTenant].flatMap(([tenant, value]) => {
      const labels = this.#tenantLabels.get(tenant);
      return labels === undefined ? [] : [{ name, labels, value }];
    });
  }

  /** Who runs now; whose record is not written yet is found a tick later. */
  #follow(): void {
    const running = new Set<AttemptId>();
    this.#left = 0;
    for (const record of this.#deps.running()) {
      if (record.startedAt === undefined) continue;
      running.add(record.id);
      const task = this.#tasks.get(record.id) ?? this.#add(record);
      if (task === undefined) this.#left++;
      else if (task.sampler === undefined) this.#find(task);
    }
    for (const [id, task] of this.#tasks) {
      if (running.has(id)) continue;
      this.#tasks.delete(id);
      task.sampler?.close();
      for (const labels of task.sampler?.labels ?? [task.labels]) this.#deps.live.forget(labels);
    }
  }

  #add(record: RunningTask): Task | undefined {
    if (this.#tasks.size >= TASKS_MAX) return undefined;
    const { tenant, step } = record.task;
    const labels = {
      tenant,
      workload: step.workload.id,
      step: step.spec.id,
      attempt: record.id,
    };
    const task = { record, labels, turn: this.#turns++ % TURNS, sampler: undefined };
    this.#tasks.set(record.id, task);
    return task;
  }

  #find(task: Task): void {
    const folders = this.#deps.uses.foldersOf(task.record.id);
    if (folders !== undefined) task.sampler = new TaskSampler(folders, task.labels);
  }
}
