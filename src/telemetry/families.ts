import type { MetricFamily, MetricSource, MetricUnit } from './metric.ts';

type Row = readonly [
  name: string,
  unit: MetricUnit,
  help: string,
  labels?: readonly string[],
  source?: MetricSource,
];

const rowsOf = (kind: MetricFamily['kind'], rows: readonly Row[]): readonly MetricFamily[] =>
  rows.map(([name, unit, help, labels = [], source = 'measured']) => {
    return { name, kind, unit, source, help, labels };
  });

/** Of the host. Names of labels: `cpu` its number, `device` as the kernel calls it, `numa` the number of a NUMA node. */
export const nodeFamilies: readonly MetricFamily[] = [
  ...rowsOf('gauge', [
    ['berth_node_cpu_busy_ratio', 'ratio', 'Busy share of all CPUs.'],
    ['berth_node_cpu_core_busy_ratio', 'ratio', 'Busy share of one CPU.', ['cpu']],
    ['berth_node_cpu_stolen_ratio', 'ratio', 'Time that the hypervisor gave to other guests.'],
    ['berth_node_cpu_frequency_hertz', 'hertz', 'Clock of one CPU.', ['cpu'], 'driver'],
    ['berth_node_load1', 'none', 'Tasks that run or wait for CPU or disk, over a minute.'],
    ['berth_node_processes', 'none', 'Processes of the host, by state.', ['state']],
    ['berth_node_memory_total_bytes', 'bytes', 'Memory that there is.'],
    ['berth_node_memory_available_bytes', 'bytes', 'Memory to be had without swapping.'],
    ['berth_node_memory_used_bytes', 'bytes', 'Total less available.'],
    ['berth_node_memory_cached_bytes', 'bytes', 'Page cache.'],
    ['berth_node_memory_dirty_bytes', 'bytes', 'Waits to be written to disk.'],
    ['berth_node_swap_total_bytes', 'bytes', 'Swap that there is.'],
    ['berth_node_swap_used_bytes', 'bytes', 'Swap in use.'],
    [
      'berth_node_memory_unusable_free_ratio',
      'ratio',
      'Share of free memory in blocks too small for 2 MiB.',
      ['numa', 'zone'],
      'derived',
    ],
    ['berth_node_numa_memory_total_bytes', 'bytes', 'Memory of one NUMA node.', ['numa']],
    ['berth_node_numa_memory_free_bytes', 'bytes', 'Free memory of one NUMA node.', ['numa']],
    ['berth_node_filesystem_size_bytes', 'bytes', 'Size of a file system.', ['mount']],
    ['berth_node_filesystem_available_bytes', 'bytes', 'Free for anybody.', ['mount']],
    ['berth_node_filesystem_files_free', 'none', 'Free inodes.', ['mount']],
    ['berth_node_network_speed_bytes', 'bytes', 'Bytes a second of a link.', ['device'], 'driver'],
    [
      'berth_node_cache_occupancy_bytes',
      'bytes',
      'Of a last-level cache, by group of resctrl; empty: the root.',
      ['cache', 'group'],
      'driver',
    ],
    ['berth_node_temperature_celsius', 'celsius', 'Of a sensor.', ['sensor'], 'driver'],
    ['berth_node_power_watts', 'watts', 'Power of a zone.', ['zone'], 'driver'],
    ['berth_node_cpu_held_ratio', 'ratio', 'Share of the CPU given out to tasks.'],
    ['berth_node_memory_held_bytes', 'bytes', 'Memory given out to tasks.'],
  ]),
  ...rowsOf('counter', [
    ['berth_node_cpu_seconds_total', 'seconds', 'CPU time, by mode.', ['cpu', 'mode']],
    ['berth_node_context_switches_total', 'none', 'Context switches.'],
    ['berth_node_interrupts_total', 'none', 'Interrupts served.'],
    ['berth_node_softirqs_total', 'none', 'Soft interrupts served, by kind.', ['kind']],
    ['berth_node_forks_total', 'none', 'Processes begun.'],
    [
      'berth_node_pressure_waiting_seconds_total',
      'seconds',
      'Time in which at least one task waited (PSI some).',
      ['resource'],
    ],
    [
      'berth_node_pressure_stalled_seconds_total',
      'seconds',
      'Time in which all tasks waited (PSI full).',
      ['resource'],
    ],
    ['berth_node_swapped_bytes_total', 'bytes', 'Moved to and from swap.', ['direction']],
    ['berth_node_major_faults_total', 'none', 'Page faults that needed a disk.'],
    ['berth_node_oom_kills_total', 'none', 'Processes that the kernel killed for memory.'],
    ['berth_node_compact_stalls_total', 'none', 'Allocations that waited for compaction.'],
    ['berth_node_numa_misses_total', 'none', 'Pages from another NUMA node than wished.', ['numa']],
    ['berth_node_disk_read_bytes_total', 'bytes', 'Read from a disk.', ['device']],
    ['berth_node_disk_written_bytes_total', 'bytes', 'Written to a disk.', ['device']],
    ['berth_node_disk_reads_total', 'none', 'Reads that a disk completed.', ['device']],
    ['berth_node_disk_writes_total', 'none', 'Writes that a disk completed.', ['device']],
    ['berth_node_disk_read_time_seconds_total', 'seconds', 'Spent by all reads.', ['device']],
    ['berth_node_disk_write_time_seconds_total', 'seconds', 'Spent by all writes.', ['device']],
    ['berth_node_disk_busy_seconds_total', 'seconds', 'A disk had something to do.', ['device']],
    ['berth_node_disk_queue_seconds_total', 'seconds', 'Waited by all requests.', ['device']],
    ['berth_node_network_received_bytes_total', 'bytes', 'Received by a link.', ['device']],
    ['berth_node_network_sent_bytes_total', 'bytes', 'Sent by a link.', ['device']],
    ['berth_node_network_received_packets_total', 'none', 'Packets received.', ['device']],
    ['berth_node_network_sent_packets_total', 'none', 'Packets sent.', ['device']],
    ['berth_node_network_errors_total', 'none', 'Packets that were damaged.', ['device']],
    ['berth_node_network_drops_total', 'none', 'Packets that were dropped.', ['device']],
    ['berth_node_tcp_segments_sent_total', 'none', 'TCP segments sent.'],
    ['berth_node_tcp_segments_retransmitted_total', 'none', 'TCP segments sent again.'],
    ['berth_node_energy_joules_total', 'joules', 'Energy of a zone.', ['zone'], 'driver'],
    [
      'berth_node_memory_traffic_bytes_total',
      'bytes',
      'Between a last-level cache and memory, by group of resctrl.',
      ['cache', 'group'],
      'driver',
    ],
    [
      'berth_node_memory_local_traffic_bytes_total',
      'bytes',
      'As the one above, to memory of its own NUMA node.',
      ['cache', 'group'],
      'driver',
    ],
    ['berth_node_thermal_throttles_total', 'none', 'Slowed for heat.', ['cpu'], 'driver'],
  ]),
];

/** `gpu` is the UUID, `index` the number that programs know it by. */
export const gpuFamilies: readonly MetricFamily[] = [
  ...rowsOf('gauge', [
    ['berth_gpu_busy_ratio', 'ratio', 'Time in which a kernel ran.', ['gpu', 'index'], 'driver'],
    ['berth_gpu_memory_used_bytes', 'bytes', 'Memory in use.', ['gpu', 'index'], 'driver'],
    ['berth_gpu_memory_total_bytes', 'bytes', 'Memory that there is.', ['gpu', 'index'], 'driver'],
    ['berth_gpu_temperature_celsius', 'celsius', 'Of the chip.', ['gpu', 'index'], 'driver'],
    ['berth_gpu_power_watts', 'watts', 'Power drawn.', ['gpu', 'index'], 'driver'],
    ['berth_gpu_clock_hertz', 'hertz', 'Clock of the multiprocessors.', ['gpu', 'index'], 'driver'],
  ]),
  ...rowsOf('counter', [
    ['berth_gpu_energy_joules_total', 'joules', 'Energy used.', ['gpu', 'index'], 'driver'],
    ['berth_gpu_errors_total', 'none', 'Memory errors not corrected.', ['gpu', 'index'], 'driver'],
  ]),
];

const OF_TASK = ['tenant', 'workload', 'step', 'attempt'];

/** Of attempts that run, from their cgroups; `attempt` is the whole id. */
export const taskFamilies: readonly MetricFamily[] = [
  ...rowsOf('gauge', [
    ['berth_task_memory_bytes', 'bytes', 'Memory in use.', OF_TASK],
    ['berth_task_memory_limit_bytes', 'bytes', 'Memory allowed.', OF_TASK],
    ['berth_task_cpu_held', 'none', 'CPUs asked for.', OF_TASK],
    ['berth_task_processes', 'none', 'Processes.', OF_TASK],
  ]),
  ...rowsOf('counter', [
    ['berth_task_cpu_seconds_total', 'seconds', 'CPU time used.', OF_TASK],
    ['berth_task_throttled_seconds_total', 'seconds', 'Kept back by its CPU limit.', OF_TASK],
    ['berth_task_read_bytes_total', 'bytes', 'Read from disks.', OF_TASK],
    ['berth_task_written_bytes_total', 'bytes', 'Written to disks.', OF_TASK],
    [
      'berth_task_pressure_waiting_seconds_total',
      'seconds',
      'Time in which one of its processes waited (PSI some).',
      [...OF_TASK, 'resource'],
    ],
    ['berth_task_major_faults_total', 'none', 'Page faults that needed a disk.', OF_TASK],
  ]),
];

/** Of the engine, and of the daemon itself. */
export const berthFamilies: readonly MetricFamily[] = [
  ...rowsOf('gauge', [
    ['berth_tasks', 'none', 'Tasks by state.', ['state']],
    ['berth_tasks_unmeasured', 'none', 'Running tasks that nobody measures, beyond the bound.'],
    ['berth_queue_tasks', 'none', 'Tasks of a queue by state.', ['queue', 'state']],
    ['berth_service_tasks', 'none', 'Replicas of all services by state.', ['state']],
    ['berth_tenant_cpu_used', 'none', 'CPUs that tasks of a tenant used.', ['tenant'], 'derived'],
    ['berth_tenant_memory_bytes', 'bytes', 'Memory of tasks of a tenant.', ['tenant'], 'derived'],
    ['berth_sampler_duration_seconds', 'seconds', 'Time that a sampler took.', ['sampler']],
    ['berth_sampler_up', 'none', '1 where a sampler answered last time, else 0.', ['sampler']],
    ['berth_data_quality_ratio', 'ratio', 'Freshness × completeness.', [], 'derived'],
    ['berth_daemon_memory_bytes', 'bytes', 'Resident memory of the daemon.'],
    ['berth_series', 'none', 'Series that the daemon holds.'],
    [
      'berth_objective_burn_ratio',
      'ratio',
      'How many times too fast the budget of an objective burned in a window.',
      ['objective', 'window'],
      'derived',
    ],
    [
      'berth_objective_budget_left_ratio',
      'ratio',
      'Share of the budget of an objective that is left; below 0: overspent.',
      ['objective'],
      'derived',
    ],
    ['berth_workloads', 'none', 'Workloads by state, with those that ended lately.', ['state']],
    ['berth_told_series', 'none', 'Series that tasks tell of in BERTH_METRICS.'],
    [
      'berth_inference_calls',
      'none',
      'Calls that tasks timed within ten seconds, by the longest time of their bucket; history only.',
      ['tenant', 'le'],
    ],
    ['berth_otlp_waiting', 'none', 'Points or spans that wait for the collector.', ['signal']],
  ]),
  ...rowsOf('counter', [
    ['berth_attempts_total', 'none', 'Attempts that ended, by cause.', ['tenant', 'cause']],
    ['berth_told_lines_refused_total', 'none', 'Lines of BERTH_METRICS that were not taken.'],
    ['berth_daemon_cpu_seconds_total', 'seconds', 'CPU time of the daemon.'],
    ['berth_otlp_sent_total', 'none', 'Points or spans that the collector took.', ['signal']],
    [
      'berth_otlp_dropped_total',
      'none',
      'Points or spans (forgotten: workloads) that it never got.',
      ['signal', 'reason'],
    ],
    ['berth_otlp_failures_total', 'none', 'Requests that failed, and are made again.', ['signal']],
    ['berth_sampling_cpu_seconds_total', 'seconds', 'Time that sampling held the daemon.'],
    ['berth_series_refused_total', 'none', 'Readings of series beyond the bound.', ['metric']],
  ]),
  ...rowsOf('histogram', [
    [
      'berth_task_waiting_seconds',
      'seconds',
      'From when an attempt could have started until it had its place.',
      ['queue'],
    ],
    ['berth_attempt_duration_seconds', 'seconds', 'From start to end of an attempt.', ['queue']],
  ]),
];

/** Names of which tasks tell themselves, with whatever other labels they say. */
export const toldFamilies: readonly MetricFamily[] = [
  ...rowsOf('histogram', [
    [
      'inference_latency_seconds',
      'seconds',
      'From request to answer of a model, as its task tells it.',
      ['tenant', 'workload', 'step'],
    ],
  ]),
  ...rowsOf('gauge', [
    [
      'model_accuracy',
      'ratio',
      'Accuracy of a model, as its task tells it.',
      ['tenant', 'workload', 'step', 'model_name', 'version'],
    ],
  ]),
];

/** Names that other tools of machine learning use for what Berth measures. */
export const mlFamilies: readonly MetricFamily[] = [
  ...rowsOf('counter', [
    ['ml_jobs_total', 'none', 'Workloads that ended, services aside.', ['status', 'user']],
  ]),
  ...rowsOf('gauge', [
    [
      'gpu_utilization_percent',
      'none',
      'Time in which a kernel ran on a GPU, in percent.',
      ['gpu_id'],
      'driver',
    ],
  ]),
];

/** Every family that Berth measures by itself. */
export const families: readonly MetricFamily[] = [
  ...nodeFamilies,
  ...gpuFamilies,
  ...taskFamilies,
  ...berthFamilies,
  ...toldFamilies,
  ...mlFamilies,
];
