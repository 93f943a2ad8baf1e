import type { Facts, RunningTask } from '../../src/analysis/diagnosis/facts.ts';
import { NOTHING_LOOKED_AT } from '../../src/analysis/diagnosis/facts.ts';
import {
  type KeptSeries,
  type Labels,
  type MetricHistory,
  type SeriesPoint,
  seriesKey,
} from '../../src/telemetry/metric.ts';

/** One series; its value by the second, which may depend on the second. */
export interface Drawn {
  readonly name: string;
  readonly labels?: Labels;
  readonly value: number | ((second: number) => number | undefined);
}

export const START = 1_000_000;
export const GIB = 1024 ** 3;

/** A history of samples by the second, from START, as a store would answer it. */
export function historyOf(drawn: readonly Drawn[], seconds: number): MetricHistory {
  const kept = drawn.map(({ name, labels = {}, value }): KeptSeries => {
    const points: SeriesPoint[] = [];
    for (let second = 0; second < seconds; second++) {
      const sample = typeof value === 'number' ? value : value(second);
      if (sample === undefined) continue;
      const at = START + second * 1_000;
      points.push({ at, min: sample, max: sample, mean: sample, last: sample, count: 1 });
    }
    return { key: seriesKey(name, labels), name, labels, points };
  });
  return {
    names: () => [...new Set(drawn.map(({ name }) => name))].sort(),
    query: ({ name, labels = {}, from, to, pointsMax, seriesMax = 50 }) =>
      kept
        .filter((one) => one.name === name)
        .filter((one) => Object.entries(labels).every(([key, is]) => one.labels[key] === is))
        .map((one) => {
          const inside = one.points.filter(({ at }) => at >= from && at <= to);
          return { ...one, points: merged(inside, pointsMax) };
        })
        .toSorted((a, b) => mean(b.points) - mean(a.points))
        .slice(0, seriesMax),
  };
}

function merged(points: readonly SeriesPoint[], most: number): readonly SeriesPoint[] {
  const size = Math.max(1, Math.ceil(points.length / most));
  const pieces: SeriesPoint[] = [];
  for (let i = 0; i < points.length; i += size) {
    const piece = points.slice(i, i + size);
    pieces.push({
      at: piece[0]!.at,
      min: Math.min(...piece.map(({ min }) => min)),
      max: Math.max(...piece.map(({ max }) => max)),
      mean: mean(piece),
      last: piece.at(-1)!.last,
      count: piece.length,
    });
  }
  return pieces;
}

const mean = (points: readonly SeriesPoint[]): number =>
  points.reduce((sum, one) => sum + one.mean, 0) / Math.max(1, points.length);

export function runningTask(number: number, changes: Partial<RunningTask> = {}): RunningTask {
  return {
    attempt: `${number}.main.0.1`,
    workload: String(number),
    step: 'main',
    tenant: 'ann',
    priority: 0,
    cpuHeld: 1,
    memoryHeldBytes: GIB,
    cpuLimit: undefined,
    memoryLimitBytes: undefined,
    ...changes,
  };
}

export const labelsOf = ({ tenant, workload, step, attempt }: RunningTask): Labels => ({
  tenant,
  workload,
  step,
  attempt,
});

export const factsOf = (tasks: readonly RunningTask[], changes: Partial<Facts> = {}): Facts => ({
  tasks,
  cpus: 4,
  others: 'outside Berth',
  waitingTasks: 0,
  look: NOTHING_LOOKED_AT,
  ...changes,
});

/** A host of 4 CPUs and 16 GiB at ease, with one disk and one link; each may be drawn otherwise. */
export function host(changes: Readonly<Record<string, Drawn['value']>> = {}): readonly Drawn[] {
  const of = (name: string, value: number, labels: Labels = {}): Drawn => {
    const key = [name, ...Object.values(labels)].join(' ');
    return { name: `berth_node_${name}`, labels, value: changes[key] ?? value };
  };
  const disk = { device: 'vda' };
  const link = { device: 'eth0' };
  const mount = { mount: '/' };
  return [
    of('cpu_busy_ratio', 0.1),
    of('cpu_stolen_ratio', 0),
    ...[0, 1, 2, 3].map((cpu) => of('cpu_core_busy_ratio', 0.1, { cpu: String(cpu) })),
    of('pressure_waiting_ratio', 0.02, { resource: 'cpu' }),
    of('pressure_waiting_ratio', 0, { resource: 'memory' }),
    of('pressure_waiting_ratio', 0.01, { resource: 'io' }),
    of('memory_total_bytes', 16 * GIB),
    of('memory_available_bytes', 12 * GIB),
    of('memory_used_bytes', 4 * GIB),
    of('swapped_bytes_per_second', 0, { direction: 'in' }),
    of('major_faults_per_second', 0),
    of('oom_kills_per_second', 0),
    of('compact_stalls_per_second', 0),
    of('memory_unusable_free_ratio', 0.9, { numa: '0', zone: 'Normal' }),
    of('filesystem_size_bytes', 100 * GIB, mount),
    of('filesystem_available_bytes', 60 * GIB, mount),
    of('disk_busy_ratio', 0.03, disk),
    of('disk_queue_ratio', 0.05, disk),
    of('disk_reads_per_second', 10, disk),
    of('disk_writes_per_second', 20, disk),
    of('disk_read_time_ratio', 0.01, disk),
    of('disk_write_time_ratio', 0.02, disk),
    of('disk_read_bytes_per_second', 100_000, disk),
    of('disk_written_bytes_per_second', 200_000, disk),
    of('network_sent_bytes_per_second', 1_000_000, link),
    of('network_received_bytes_per_second', 500_000, link),
    of('network_sent_packets_per_second', 1_000, link),
    of('network_received_packets_per_second', 1_000, link),
    of('network_drops_per_second', 0, link),
    of('network_errors_per_second', 0, link),
    of('network_speed_bytes', 125_000_000, link),
    of('tcp_segments_sent_per_second', 1_000),
    of('tcp_segments_retransmitted_per_second', 0),
    of('context_switches_per_second', 5_000),
    of('thermal_throttles_per_second', 0, { cpu: '0' }),
  ];
}

export interface TaskDraw {
  readonly cpu?: Drawn['value'];
  readonly throttled?: Drawn['value'];
  readonly memory?: Drawn['value'];
  readonly read?: Drawn['value'];
  readonly written?: Drawn['value'];
  readonly faults?: Drawn['value'];
  /** PSI some, by resource. */
  readonly waits?: Partial<Record<'cpu' | 'memory' | 'io', Drawn['value']>>;
}

/** What a task uses and waits for. */
export function uses(task: RunningTask, draw: TaskDraw): readonly Drawn[] {
  const labels = labelsOf(task);
  const { waits = {} } = draw;
  return [
    { name: 'berth_task_cpu_ratio', labels, value: draw.cpu ?? 0 },
    { name: 'berth_task_throttled_ratio', labels, value: draw.throttled ?? 0 },
    { name: 'berth_task_memory_bytes', labels, value: draw.memory ?? 0 },
    { name: 'berth_task_read_bytes_per_second', labels, value: draw.read ?? 0 },
    { name: 'berth_task_written_bytes_per_second', labels, value: draw.written ?? 0 },
    { name: 'berth_task_major_faults_per_second', labels, value: draw.faults ?? 0 },
    ...(['cpu', 'memory', 'io'] as const).map((resource) => ({
      name: 'berth_task_pressure_waiting_ratio',
      labels: { ...labels, resource },
      value: waits[resource] ?? 0,
    })),
  ];
}
