import type { MetricUnit } from '../telemetry/metric.ts';
import type { ResourceName } from './finding.ts';

/** Where the cause of slowness may lie. */
export const layers = [
  'thermal',
  'hardware',
  'network',
  'storage',
  'fragmentation',
  'data-pipeline',
  'software',
] as const;
export type Layer = (typeof layers)[number];

/** Which layers a fault of one goes on to, in words of physics: heat lowers clocks, a slow disk starves what reads. */
export const leadsTo: Record<Layer, readonly Layer[]> = {
  thermal: ['hardware'],
  hardware: ['storage', 'network'],
  network: ['data-pipeline'],
  storage: ['data-pipeline'],
  fragmentation: [],
  'data-pipeline': [],
  software: ['fragmentation', 'data-pipeline'],
};

/** What tells of a layer. */
export interface LayerMetric {
  readonly layer: Layer;
  /** As history has it. */
  readonly name: string;
  /** It is divided by this: time of reads by reads. */
  readonly per?: string;
  readonly unit: MetricUnit;
  readonly resource: ResourceName;
  readonly worse: 'up' | 'down';
  /** In its unit, or with `relative` as a share of what it was: a change that begins to matter. */
  readonly matters: number;
  readonly relative?: true;
  /** It grows with the work done; what more work explains is taken out. */
  readonly followsLoad?: true;
  /** All its series as one, the mean: of cores and tasks there are too many. */
  readonly asOne?: true;
  readonly labels?: Readonly<Record<string, string>>;
  /** `the temperature of GPU`: begins a sentence. */
  readonly words: string;
}

const up = { worse: 'up' } as const;
const down = { worse: 'down' } as const;
const loaded = { followsLoad: true } as const;

export const layerMetrics: readonly LayerMetric[] = [
  ...of('thermal', 'power', [
    ['berth_gpu_temperature_celsius', 'celsius', 5, 'the GPU temperature', { ...up, ...loaded }],
    ['berth_node_temperature_celsius', 'celsius', 5, 'a temperature', { ...up, ...loaded }],
    [
      'berth_node_thermal_throttles_per_second',
      'none',
      0.01,
      'slowing for heat',
      { ...up, asOne: true },
    ],
  ]),
  ...of('hardware', 'gpu', [
    ['berth_gpu_clock_hertz', 'hertz', 0.05, 'the GPU clock', { ...down, relative: true }],
    ['berth_gpu_errors_per_second', 'none', 0.001, 'GPU memory errors', up],
  ]),
  ...of('hardware', 'cpu', [
    [
      'berth_node_cpu_frequency_hertz',
      'hertz',
      0.05,
      'the CPU clock',
      { ...down, relative: true, asOne: true },
    ],
    ['berth_node_cpu_stolen_ratio', 'ratio', 0.02, 'CPU time taken by other guests', up],
  ]),
  ...of('network', 'network', [
    [
      'berth_node_tcp_segments_retransmitted_per_second',
      'ratio',
      0.005,
      'the share of TCP segments sent again',
      { ...up, per: 'berth_node_tcp_segments_sent_per_second' },
    ],
    ['berth_node_network_errors_per_second', 'none', 0.1, 'damaged packets', up],
    ['berth_node_network_drops_per_second', 'none', 1, 'dropped packets', { ...up, ...loaded }],
    [
      'berth_node_network_speed_bytes',
      'bytes',
      0.3,
      'the speed of a link',
      { ...down, relative: true },
    ],
  ]),
  ...of('storage', 'io', [
    [
      'berth_node_disk_read_time_ratio',
      'seconds',
      0.25,
      'the time of a read',
      { ...up, relative: true, ...loaded, per: 'berth_node_disk_reads_per_second' },
    ],
    [
      'berth_node_disk_write_time_ratio',
      'seconds',
      0.25,
      'the time of a write',
      { ...up, relative: true, ...loaded, per: 'berth_node_disk_writes_per_second' },
    ],
    [
      'berth_node_pressure_waiting_ratio',
      'ratio',
      0.05,
      'time in which somebody waited for disks',
      { ...up, ...loaded, labels: { resource: 'io' } },
    ],
  ]),
  ...of('fragmentation', 'memory', [
    [
      'berth_node_memory_unusable_free_ratio',
      'ratio',
      0.1,
      'free memory in blocks too small for 2 MiB',
      { ...up, asOne: true },
    ],
    [
      'berth_node_compact_stalls_per_second',
      'none',
      0.5,
      'waiting for compaction',
      { ...up, ...loaded },
    ],
    [
      'berth_node_numa_misses_per_second',
      'none',
      100,
      'memory from the wrong NUMA node',
      { ...up, ...loaded, asOne: true },
    ],
  ]),
  ...of('data-pipeline', 'cache', [
    [
      'berth_node_memory_cached_bytes',
      'bytes',
      0.25,
      'the page cache',
      { ...down, relative: true },
    ],
    [
      'berth_task_read_bytes_per_second',
      'bytes',
      0.15,
      'what tasks read',
      { ...down, relative: true, asOne: true },
    ],
    [
      'berth_node_major_faults_per_second',
      'none',
      10,
      'pages read back from disk',
      { ...up, ...loaded },
    ],
  ]),
  ...of('software', 'software', [
    [
      'berth_task_throttled_ratio',
      'ratio',
      0.05,
      'time in which tasks were held back by their CPU limit',
      { ...up, asOne: true },
    ],
    [
      'berth_node_context_switches_per_second',
      'none',
      0.3,
      'context switches',
      { ...up, relative: true, ...loaded },
    ],
  ]),
];

type Terms = Pick<LayerMetric, 'worse' | 'per' | 'relative' | 'followsLoad' | 'asOne' | 'labels'>;
type Row = readonly [name: string, unit: MetricUnit, matters: number, words: string, terms: Terms];

function of(layer: Layer, resource: ResourceName, rows: readonly Row[]): readonly LayerMetric[] {
  return rows.map(([name, unit, matters, words, terms]) => {
    return { layer, resource, name, unit, matters, words, ...terms };
  });
}

/** What tells how much was asked of the machine, best first. */
export const loadMetrics = ['berth_gpu_busy_ratio', 'berth_node_cpu_busy_ratio'] as const;
