import type { MetricList } from '../../api/contract/telemetry-documents.ts';

/** What the tasks of one workload use together, as last measured. */
export interface WorkloadUse {
  /** CPUs. */
  readonly cpus: number | undefined;
  readonly memoryBytes: number | undefined;
  /** Of how many tasks it is told. */
  readonly tasks: number;
}

export const CPU_METRIC = 'berth_task_cpu_ratio';
export const MEMORY_METRIC = 'berth_task_memory_bytes';

/** The sums by workload. */
export function useByWorkload(
  cpu: MetricList,
  memory: MetricList,
): ReadonlyMap<string, WorkloadUse> {
  const found = new Map<string, WorkloadUse>();
  const cpus = sumsOf(cpu, CPU_METRIC);
  const bytes = sumsOf(memory, MEMORY_METRIC);
  for (const workload of new Set([...cpus.keys(), ...bytes.keys()])) {
    const [used, held] = [cpus.get(workload), bytes.get(workload)];
    const tasks = Math.min(used?.tasks ?? Infinity, held?.tasks ?? Infinity);
    found.set(workload, { cpus: used?.sum, memoryBytes: held?.sum, tasks });
  }
  return found;
}

function sumsOf(
  { metrics }: MetricList,
  name: string,
): Map<string, { sum: number; tasks: number }> {
  const sums = new Map<string, { sum: number; tasks: number }>();
  const series = metrics.find((metric) => metric.name === name)?.series ?? [];
  for (const { labels, value } of series) {
    const workload = labels['workload'];
    if (workload === undefined) continue;
    const before = sums.get(workload) ?? { sum: 0, tasks: 0 };
    sums.set(workload, { sum: before.sum + value, tasks: before.tasks + 1 });
  }
  return sums;
}
