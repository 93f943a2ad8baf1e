/** A rule as it would stand in a site document. */
interface WrittenAlert {
  readonly name: string;
  readonly condition: string;
  readonly duration: string;
  readonly resolve?: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly summary: string;
  readonly inhibits?: readonly string[];
}

const PRESSURE = 'berth_node_pressure_waiting_ratio';
const FREE = 'berth_node_filesystem_available_bytes';

/**
 * Rules that hold on every site. CPU at 85 and 95 % and pressure at 0.4, 0.6 and 0.8 are those of the source documents;
 * each ends at a lower threshold than that at which it begins.
 */
export const defaultAlerts: readonly WrittenAlert[] = [
  {
    name: 'cpu_critical',
    condition: 'cpu_utilization > 95',
    duration: '5m',
    resolve: 'cpu_utilization < 90',
    severity: 'critical',
    summary: 'All CPUs are as good as used up: `berth top` shows by whom.',
    inhibits: ['cpu_high'],
  },
  {
    name: 'cpu_high',
    condition: 'cpu_utilization > 85',
    duration: '5m',
    resolve: 'cpu_utilization < 80',
    severity: 'warning',
    summary: 'Little CPU is left.',
  },
  {
    name: 'memory_critical',
    condition: 'memory_usage > 95',
    duration: '1m',
    resolve: 'memory_usage < 90',
    severity: 'critical',
    summary: 'The kernel may soon kill processes for memory.',
    inhibits: ['memory_high'],
  },
  {
    name: 'memory_high',
    condition: 'memory_usage > 85',
    duration: '5m',
    resolve: 'memory_usage < 80',
    severity: 'warning',
    summary: 'Little memory is left.',
  },
  {
    name: 'pressure_critical',
    condition: `${PRESSURE} > 0.8`,
    duration: '1m',
    resolve: `${PRESSURE} < 0.6`,
    severity: 'critical',
    summary: 'Tasks wait for this resource most of the time.',
    inhibits: ['pressure_high', 'pressure_moderate'],
  },
  {
    name: 'pressure_high',
    condition: `${PRESSURE} > 0.6`,
    duration: '2m',
    resolve: `${PRESSURE} < 0.4`,
    severity: 'warning',
    summary: 'Tasks wait for this resource more than half of the time.',
    inhibits: ['pressure_moderate'],
  },
  {
    name: 'pressure_moderate',
    condition: `${PRESSURE} > 0.4`,
    duration: '5m',
    resolve: `${PRESSURE} < 0.3`,
    severity: 'info',
    summary: 'Tasks wait for this resource a good part of the time.',
  },
  {
    name: 'disk_nearly_full',
    condition: `disk_usage > 95 and ${FREE} < 20Gi`,
    duration: '1m',
    resolve: 'disk_usage < 93',
    severity: 'critical',
    summary: 'What writes there will fail soon.',
    inhibits: ['disk_fills'],
  },
  {
    name: 'disk_fills',
    condition: `predict(${FREE}, 6h, 24h) < 0 and disk_usage > 70`,
    duration: '30m',
    severity: 'warning',
    summary: 'At the rate of the last hours it is full within a day.',
  },
  {
    name: 'gpu_hot_critical',
    condition: 'gpu_temperature > 92',
    duration: '1m',
    resolve: 'gpu_temperature < 88',
    severity: 'critical',
    summary: 'The GPU slows down for heat, or is about to.',
    inhibits: ['gpu_hot'],
  },
  {
    name: 'gpu_hot',
    condition: 'gpu_temperature > 85',
    duration: '2m',
    resolve: 'gpu_temperature < 82',
    severity: 'warning',
    summary: 'The GPU is near the temperature at which it slows down.',
  },
  {
    name: 'sampler_down',
    condition: 'berth_sampler_up == 0',
    duration: '2m',
    severity: 'warning',
    summary: 'What this sampler measures is not known: `berth logs --component telemetry`.',
  },
];
