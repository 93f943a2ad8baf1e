import { type Labels, type Reading, seriesKey } from './metric.ts';

/**
 * A short name that people use in `monitoring.resources`, and what it is told from. Percentages are 0 … 100 here, for
 * whoever writes `cpu_utilization > 90` means that.
 */
export interface MetricAlias {
  readonly alias: string;
  readonly unit: 'percent' | 'bytes' | 'bytes_per_second' | 'celsius' | 'watts' | 'none';
  /** One sentence, for HELP and for the reference. */
  readonly help: string;
  /** Names as `historyName` has them; series with the same labels belong together. */
  readonly names: readonly string[];
  /** Only series with these labels, which the alias then does not have. */
  readonly where?: Labels;
  /** Of one value for each of `names`; what is not finite is unknown. */
  readonly value: (...parts: readonly number[]) => number;
}

const same = (value: number): number => value;
const percent = (ratio: number): number => ratio * 100;
const sum = (...parts: readonly number[]): number => parts.reduce((all, one) => all + one, 0);
const percentOf = (part: number, whole: number): number => (part / whole) * 100;

type Row = readonly [
  alias: string,
  unit: MetricAlias['unit'],
  help: string,
  names: readonly string[],
  value: (...parts: number[]) => number,
  where?: Labels,
];

const rows: readonly Row[] = [
  [
    'cpu_utilization',
    'percent',
    'Busy share of all CPUs, in percent.',
    ['berth_node_cpu_busy_ratio'],
    percent,
  ],
  [
    'memory_usage',
    'percent',
    'Memory that is not available, in percent of all.',
    ['berth_node_memory_used_bytes', 'berth_node_memory_total_bytes'],
    percentOf,
  ],
  [
    'memory_available',
    'bytes',
    'Memory to be had without swapping.',
    ['berth_node_memory_available_bytes'],
    same,
  ],
  [
    'swap_usage',
    'percent',
    'Swap in use, in percent of all.',
    ['berth_node_swap_used_bytes', 'berth_node_swap_total_bytes'],
    percentOf,
  ],
  [
    'gpu_utilization',
    'percent',
    'Time in which a kernel ran on a GPU, in percent.',
    ['berth_gpu_busy_ratio'],
    percent,
  ],
  [
    'gpu_memory_usage',
    'percent',
    'Memory of a GPU in use, in percent of its own.',
    ['berth_gpu_memory_used_bytes', 'berth_gpu_memory_total_bytes'],
    percentOf,
  ],
  ['gpu_temperature', 'celsius', 'Temperature of a GPU.', ['berth_gpu_temperature_celsius'], same],
  [
    'disk_io',
    'bytes_per_second',
    'Read from and written to a disk, bytes a second.',
    ['berth_node_disk_read_bytes_per_second', 'berth_node_disk_written_bytes_per_second'],
    sum,
  ],
  [
    'disk_usage',
    'percent',
    'What is not free on a file system, in percent of its size.',
    ['berth_node_filesystem_available_bytes', 'berth_node_filesystem_size_bytes'],
    (free, size) => 100 - percentOf(free, size),
  ],
  [
    'network_throughput',
    'bytes_per_second',
    'Received and sent by a link, bytes a second.',
    ['berth_node_network_received_bytes_per_second', 'berth_node_network_sent_bytes_per_second'],
    sum,
  ],
  ['load_average', 'none', 'Tasks that run or wait, over a minute.', ['berth_node_load1'], same],
  [
    'model_queue_depth',
    'none',
    'Replicas of services that wait for a place, of models among them.',
    ['berth_service_tasks'],
    same,
    { state: 'waiting' },
  ],
];

export const aliases: readonly MetricAlias[] = rows.map(
  ([alias, unit, help, names, value, where]) => {
    return { alias, unit, help, names, value, ...(where && { where }) };
  },
);

const byName: ReadonlyMap<string, MetricAlias> = new Map(aliases.map((one) => [one.alias, one]));

export const aliasOf = (name: string): MetricAlias | undefined => byName.get(name);

/**
 * What an alias says now: a reading for each set of labels of which all its parts are known. `latest` answers as
 * `LiveMetrics.latest` does.
 */
export function readAlias(
  { alias, names, where, value }: MetricAlias,
  latest: (name: string) => readonly Reading[],
): readonly Reading[] {
  const [first, ...others] = names.map((name) => bySeries(latest(name), where));
  const readings: Reading[] = [];
  for (const [key, { labels, value: of }] of first ?? []) {
    const parts = [of];
    for (const other of others) {
      const found = other.get(key);
      if (found !== undefined) parts.push(found.value);
    }
    if (parts.length !== names.length) continue;
    const result = value(...parts);
    if (Number.isFinite(result)) readings.push({ name: alias, labels, value: result });
  }
  return readings;
}

type Part = Pick<Reading, 'labels' | 'value'>;

/** By labels alone, without those that `where` names. */
function bySeries(readings: readonly Reading[], where: Labels = {}): ReadonlyMap<string, Part> {
  const asked = Object.entries(where);
  const found = new Map<string, Part>();
  for (const { labels, value } of readings) {
    if (!asked.every(([name, wanted]) => labels[name] === wanted)) continue;
    const left = Object.fromEntries(Object.entries(labels).filter(([name]) => !(name in where)));
    found.set(seriesKey('', left), { labels: left, value });
  }
  return found;
}
