// The Grafana dashboard and the rules for Prometheus that are shipped in monitoring/, made from the catalogue of
// metrics: a name that is not there cannot be written here.
import { stringify } from 'yaml';
import { families, toldFamilies } from '../src/telemetry/families.ts';
import type { MetricUnit } from '../src/telemetry/metric.ts';

const catalogue = new Map(families.map((family) => [family.name, family]));

/** A name of the catalogue, or a part of a histogram there. */
function metric(name: string): string {
  const family = catalogue.get(name) ?? catalogue.get(name.replace(/_(bucket|sum|count)$/, ''));
  if (family === undefined) throw new Error(`${name} is not in the catalogue of metrics`);
  return name;
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly summary: string;
  readonly description: string;
}

const ratio = (value: string): string => `{{ ${value} | humanizePercentage }}`;

const cpu = metric('berth_node_cpu_busy_ratio');
const available = metric('berth_node_memory_available_bytes');
const memory = metric('berth_node_memory_total_bytes');
const free = metric('berth_node_filesystem_available_bytes');
const size = metric('berth_node_filesystem_size_bytes');
const waitingTime = metric('berth_node_pressure_waiting_seconds_total');
const attempts = metric('berth_attempts_total');
const waited = metric('berth_task_waiting_seconds_bucket');
const latency = metric('inference_latency_seconds_bucket');

/** What was not the task's own doing, or was meant, is no failure. */
const NO_FAILURE = 'succeeded|cancelled|preempted|unstarted';

const recorded: Readonly<Record<string, string>> = {
  'berth:attempts:rate5m': `sum by (instance, cause) (rate(${attempts}[5m]))`,
  'berth:attempts_failed:ratio_rate30m': `sum by (instance) (rate(${attempts}{cause!~"${NO_FAILURE}"}[30m])) / sum by (instance) (rate(${attempts}[30m]))`,
  'berth:task_waiting_seconds:p95_rate1h': `histogram_quantile(0.95, sum by (instance, queue, le) (rate(${waited}[1h])))`,
  'berth:inference_latency_seconds:p99_rate5m': `histogram_quantile(0.99, sum by (instance, workload, step, le) (rate(${latency}[5m])))`,
  'berth:gpu_busy:avg': `avg by (instance) (${metric('berth_gpu_busy_ratio')})`,
};

const rules: readonly Rule[] = [
  {
    alert: 'BerthSilent',
    expr: `absent(${metric('berth_tasks')})`,
    for: '2m',
    severity: 'critical',
    summary: 'Berth is not scraped',
    description: 'No daemon tells of its tasks. What runs goes on under its launcher.',
  },
  {
    alert: 'BerthCpuBusy',
    expr: `${cpu} > 0.85 and ${cpu} <= 0.95`,
    for: '5m',
    severity: 'warning',
    summary: 'CPUs of {{ $labels.instance }} are busy',
    description: `${ratio('$value')} of all CPU time for 5 minutes. See \`berth doctor\`.`,
  },
  {
    alert: 'BerthCpuFull',
    expr: `${cpu} > 0.95`,
    for: '5m',
    severity: 'critical',
    summary: 'CPUs of {{ $labels.instance }} are full',
    description: `${ratio('$value')} of all CPU time for 5 minutes. See \`berth doctor\`.`,
  },
  {
    alert: 'BerthMemoryLow',
    expr: `${available} / ${memory} < 0.1`,
    for: '2m',
    severity: 'critical',
    summary: 'Memory of {{ $labels.instance }} runs out',
    description: `${ratio('$value')} is available.`,
  },
  {
    alert: 'BerthMemoryPressure',
    expr: `rate(${waitingTime}{resource="memory"}[5m]) > 0.1`,
    for: '5m',
    severity: 'warning',
    summary: 'Tasks of {{ $labels.instance }} wait for memory',
    description: `${ratio('$value')} of the time something waits for memory (PSI some).`,
  },
  {
    alert: 'BerthDiskPressure',
    expr: `rate(${waitingTime}{resource="io"}[5m]) > 0.5`,
    for: '10m',
    severity: 'warning',
    summary: 'Tasks of {{ $labels.instance }} wait for disks',
    description: `${ratio('$value')} of the time something waits for a disk (PSI some).`,
  },
  {
    alert: 'BerthKernelKilled',
    expr: `increase(${metric('berth_node_oom_kills_total')}[10m]) > 0`,
    severity: 'warning',
    summary: 'The kernel of {{ $labels.instance }} killed for memory',
    description: '{{ $value | humanize }} processes in 10 minutes.',
  },
  {
    alert: 'BerthFileSystemFull',
    expr: `${free} / ${size} < 0.1`,
    for: '10m',
    severity: 'warning',
    summary: '{{ $labels.mount }} of {{ $labels.instance }} fills up',
    description: `${ratio('$value')} is free.`,
  },
  {
    alert: 'BerthAttemptsFail',
    expr: `berth:attempts_failed:ratio_rate30m > 0.2`,
    for: '15m',
    severity: 'warning',
    summary: 'Attempts on {{ $labels.instance }} fail',
    description: `${ratio('$value')} of those that end do not succeed.`,
  },
  {
    alert: 'BerthTasksWaitLong',
    expr: 'berth:task_waiting_seconds:p95_rate1h > 3600',
    for: '15m',
    severity: 'warning',
    summary: 'Tasks of queue {{ $labels.queue }} wait long',
    description: 'One in twenty waits longer than {{ $value | humanizeDuration }}.',
  },
  {
    alert: 'BerthInferenceSlow',
    expr: 'berth:inference_latency_seconds:p99_rate5m > 0.1',
    for: '10m',
    severity: 'warning',
    summary: 'Step {{ $labels.step }} of workload {{ $labels.workload }} answers slowly',
    description: 'One request in a hundred takes longer than {{ $value | humanizeDuration }}.',
  },
  {
    alert: 'BerthGpuHot',
    expr: `${metric('berth_gpu_temperature_celsius')} > 85`,
    for: '5m',
    severity: 'warning',
    summary: 'GPU {{ $labels.index }} of {{ $labels.instance }} is hot',
    description: '{{ $value }} °C for 5 minutes.',
  },
  {
    alert: 'BerthGpuErrors',
    expr: `increase(${metric('berth_gpu_errors_total')}[1h]) > 0`,
    severity: 'critical',
    summary: 'Memory of GPU {{ $labels.index }} of {{ $labels.instance }} is damaged',
    description: '{{ $value | humanize }} errors in an hour were not corrected.',
  },
  {
    alert: 'BerthSamplerSilent',
    expr: `${metric('berth_sampler_up')} == 0`,
    for: '5m',
    severity: 'info',
    summary: '{{ $labels.sampler }} is not measured on {{ $labels.instance }}',
    description: 'The sampler has not answered for 5 minutes.',
  },
];

/** Recording and alerting rules, as `promtool check rules` reads them. */
export function prometheusRules(): string {
  const groups = [
    {
      name: 'berth-recorded',
      rules: Object.entries(recorded).map(([record, expr]) => ({ record, expr })),
    },
    {
      name: 'berth',
      rules: rules.map(({ alert, expr, for: lasting, severity, summary, description }) => ({
        alert,
        expr,
        ...(lasting !== undefined && { for: lasting }),
        labels: { severity },
        annotations: { summary, description },
      })),
    },
  ];
  const head = '# Made by `node scripts/generate.ts` from the catalogue of metrics.\n';
  return head + stringify({ groups }, { lineWidth: 0 });
}

interface Panel {
  readonly title: string;
  readonly name: string;
  readonly expr: (name: string) => string;
  readonly legend: string;
  readonly unit?: string;
  readonly max?: number;
  readonly isStacked?: boolean;
}

const rate = (name: string): string => `rate(${name}{instance=~"$instance"}[$__rate_interval])`;
const plain = (name: string): string => `${name}{instance=~"$instance"}`;

/** Grafana's word for a unit. */
const grafanaUnits: Readonly<Record<MetricUnit, string>> = {
  none: 'short',
  ratio: 'percentunit',
  seconds: 's',
  bytes: 'bytes',
  hertz: 'hertz',
  celsius: 'celsius',
  watts: 'watt',
  joules: 'joule',
  dollars: 'currencyUSD',
};

const rows: Readonly<Record<string, readonly Panel[]>> = {
  Work: [
    {
      title: 'Tasks',
      name: 'berth_tasks',
      expr: (n) => `${n}{instance=~"$instance", state=~"waiting|running|blocked"}`,
      legend: '{{state}}',
      isStacked: true,
    },
    {
      title: 'Waiting by queue',
      name: 'berth_queue_tasks',
      expr: (n) => `${n}{instance=~"$instance", state="waiting"}`,
      legend: '{{queue}}',
      isStacked: true,
    },
    {
      title: 'Attempts that end',
      name: 'berth_attempts_total',
      expr: (n) => `sum by (cause) (${rate(n)})`,
      legend: '{{cause}}',
      unit: 'ops',
      isStacked: true,
    },
    {
      title: 'Waiting time, 95th percentile',
      name: 'berth_task_waiting_seconds_bucket',
      expr: (n) => `histogram_quantile(0.95, sum by (queue, le) (${rate(n)}))`,
      legend: '{{queue}}',
    },
    {
      title: 'Time of attempts, median',
      name: 'berth_attempt_duration_seconds_bucket',
      expr: (n) => `histogram_quantile(0.5, sum by (queue, le) (${rate(n)}))`,
      legend: '{{queue}}',
    },
    {
      title: 'Jobs that end',
      name: 'ml_jobs_total',
      expr: (n) => `sum by (status, user) (${rate(n)})`,
      legend: '{{user}} {{status}}',
      unit: 'ops',
      isStacked: true,
    },
  ],
  Machine: [
    {
      title: 'CPU',
      name: 'berth_node_cpu_busy_ratio',
      expr: plain,
      legend: '{{instance}}',
      max: 1,
    },
    {
      title: 'CPU given out',
      name: 'berth_node_cpu_held_ratio',
      expr: plain,
      legend: '{{instance}}',
    },
    {
      title: 'Memory in use',
      name: 'berth_node_memory_used_bytes',
      expr: plain,
      legend: '{{instance}}',
    },
    {
      title: 'Pressure (PSI some)',
      name: 'berth_node_pressure_waiting_seconds_total',
      expr: rate,
      legend: '{{resource}}',
      unit: 'percentunit',
      max: 1,
    },
    {
      title: 'Disks read',
      name: 'berth_node_disk_read_bytes_total',
      expr: rate,
      legend: '{{device}}',
      unit: 'Bps',
    },
    {
      title: 'Disks written',
      name: 'berth_node_disk_written_bytes_total',
      expr: rate,
      legend: '{{device}}',
      unit: 'Bps',
    },
    {
      title: 'Network received',
      name: 'berth_node_network_received_bytes_total',
      expr: rate,
      legend: '{{device}}',
      unit: 'Bps',
    },
    {
      title: 'Network sent',
      name: 'berth_node_network_sent_bytes_total',
      expr: rate,
      legend: '{{device}}',
      unit: 'Bps',
    },
    {
      title: 'File systems, free',
      name: 'berth_node_filesystem_available_bytes',
      expr: plain,
      legend: '{{mount}}',
    },
  ],
  GPUs: [
    { title: 'Busy', name: 'berth_gpu_busy_ratio', expr: plain, legend: 'GPU {{index}}', max: 1 },
    {
      title: 'Memory in use',
      name: 'berth_gpu_memory_used_bytes',
      expr: plain,
      legend: 'GPU {{index}}',
    },
    {
      title: 'Temperature',
      name: 'berth_gpu_temperature_celsius',
      expr: plain,
      legend: 'GPU {{index}}',
    },
    { title: 'Power', name: 'berth_gpu_power_watts', expr: plain, legend: 'GPU {{index}}' },
  ],
  'Tasks and models': [
    {
      title: 'CPUs used by tenant',
      name: 'berth_task_cpu_seconds_total',
      expr: (n) => `sum by (tenant) (${rate(n)})`,
      legend: '{{tenant}}',
      unit: 'short',
      isStacked: true,
    },
    {
      title: 'Memory by workload',
      name: 'berth_task_memory_bytes',
      expr: (n) => `topk(20, sum by (workload, step) (${plain(n)}))`,
      legend: '{{workload}} {{step}}',
    },
    {
      title: 'Inference latency, 99th percentile',
      name: 'inference_latency_seconds_bucket',
      expr: (n) => `histogram_quantile(0.99, sum by (workload, step, le) (${rate(n)}))`,
      legend: '{{workload}} {{step}}',
    },
    {
      title: 'Accuracy of models',
      name: 'model_accuracy',
      expr: plain,
      legend: '{{model_name}} {{version}}',
      max: 1,
    },
  ],
  Berth: [
    {
      title: 'Memory of the daemon',
      name: 'berth_daemon_memory_bytes',
      expr: plain,
      legend: '{{instance}}',
    },
    {
      title: 'CPU of the daemon',
      name: 'berth_daemon_cpu_seconds_total',
      expr: rate,
      legend: '{{instance}}',
      unit: 'percentunit',
    },
    {
      title: 'Quality of data',
      name: 'berth_data_quality_ratio',
      expr: plain,
      legend: '{{instance}}',
      max: 1,
    },
  ],
};

const WIDTH = 24;
const PANEL = { w: 8, h: 8 };

/** For Grafana 10 and later; the data source is chosen where it is imported. */
export function grafanaDashboard(): string {
  const panels: unknown[] = [];
  let y = 0;
  for (const [title, of] of Object.entries(rows)) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
      panels: [],
    });
    y++;
    for (const [i, panel] of of.entries()) {
      const perRow = WIDTH / PANEL.w;
      const gridPos = {
        ...PANEL,
        x: (i % perRow) * PANEL.w,
        y: y + Math.floor(i / perRow) * PANEL.h,
      };
      panels.push({ id: panels.length + 1, ...plot(panel), gridPos });
    }
    y += Math.ceil(of.length / (WIDTH / PANEL.w)) * PANEL.h;
  }
  const dashboard = {
    title: 'Berth',
    uid: 'berth',
    tags: ['berth'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: { list: [dataSource, instances] },
    panels,
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

const source = { type: 'prometheus', uid: '${datasource}' };
const dataSource = { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Source' };
const query = `label_values(${metric('berth_tasks')}, instance)`;
const instances = {
  name: 'instance',
  type: 'query',
  label: 'Machine',
  datasource: source,
  definition: query,
  query: { query, refId: 'instances' },
  refresh: 2,
  multi: true,
  includeAll: true,
  current: { text: 'All', value: '$__all' },
};

function plot({ title, name, expr, legend, unit, max, isStacked = false }: Panel) {
  const bare = metric(name).replace(/_(bucket|sum|count)$/, '');
  const { help, unit: own, source: from } = catalogue.get(name) ?? catalogue.get(bare)!;
  const told = toldFamilies.some((family) => family.name === bare) ? 'told by tasks' : from;
  return {
    type: 'timeseries',
    title,
    description: `${help} (${told})`,
    datasource: source,
    targets: [{ refId: 'A', datasource: source, expr: expr(name), legendFormat: legend }],
    fieldConfig: {
      defaults: {
        unit: unit ?? grafanaUnits[own],
        min: 0,
        ...(max !== undefined && { max }),
        custom: {
          lineWidth: 1,
          fillOpacity: isStacked ? 30 : 0,
          stacking: { mode: isStacked ? 'normal' : 'none', group: 'A' },
        },
      },
      overrides: [],
    },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
  };
}
