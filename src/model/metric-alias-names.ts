/** Short names of metrics in `monitoring.resources`; what each is, `telemetry/aliases.ts` says. */
export const metricAliasNames = [
  'cpu_utilization',
  'memory_usage',
  'memory_available',
  'swap_usage',
  'gpu_utilization',
  'gpu_memory_usage',
  'gpu_temperature',
  'disk_io',
  'disk_usage',
  'network_throughput',
  'load_average',
  'model_queue_depth',
] as const;

export type MetricAliasName = (typeof metricAliasNames)[number];
