import type {
  AlertList,
  DoctorReport,
  KpiList,
} from '../../src/api/contract/telemetry-documents.ts';
import type { ScenarioSite } from '../api/scenario-site.ts';
import { GIB, MIB } from '../api/toy-workload.ts';
import { type Curve, type Telemetry, wave } from './telemetry.ts';

/** Curves of every attempt that runs or ran, by the names that the page asks for. */
export function taskMetrics(site: ScenarioSite): NonNullable<Telemetry['metrics']> {
  const attempts = site
    .workloads({ state: 'all', limit: 500, offset: 0 } as never)
    .workloads.flatMap(({ id }) => site.workload(id as never)?.steps ?? [])
    .flatMap((step) => step.attempts.map((attempt) => ({ step: step.id, attempt })));
  const curves = (shape: (seed: number) => (at: number) => number, more = {}): Curve[] =>
    attempts.map(({ step, attempt }, i) => ({
      labels: {
        tenant: 'default',
        workload: attempt.id.split('.')[0]!,
        step,
        attempt: attempt.id,
        ...more,
      },
      value: (at) => {
        const lives = at >= (attempt.started_at ?? at) && at <= (attempt.ended_at ?? at);
        return lives ? shape(i)(at) : null;
      },
    }));
  return {
    berth_task_cpu_ratio: { unit: 'ratio', curves: curves((i) => wave(1.6 + (i % 3) * 0.7, 0.4)) },
    berth_task_cpu_held: { unit: 'none', curves: curves(() => () => 4) },
    berth_task_memory_bytes: {
      unit: 'bytes',
      curves: curves((i) => wave((3 + (i % 4)) * GIB, 0.4 * GIB, 400_000)),
    },
    berth_task_memory_limit_bytes: { unit: 'bytes', curves: curves(() => () => 10 * GIB) },
    berth_task_read_bytes_per_second: {
      unit: 'bytes',
      curves: curves((i) => wave((20 + i) * MIB, 15 * MIB, 60_000)),
    },
    berth_task_written_bytes_per_second: {
      unit: 'bytes',
      curves: curves(() => wave(4 * MIB, 3 * MIB, 90_000)),
    },
    berth_task_pressure_waiting_ratio: {
      unit: 'ratio',
      curves: [
        ...curves((i) => wave(0.04 + (i % 3) * 0.01, 0.03), { resource: 'cpu' }),
        ...curves(() => wave(0.002, 0.001), { resource: 'memory' }),
        ...curves(() => wave(0.02, 0.015, 70_000), { resource: 'io' }),
      ],
    },
  };
}

const MINUTE = 60_000;

/** One alert of each state, one that is kept quiet, a rule that cannot work, and a silence. */
export function troubledAlerts(now: number): AlertList {
  const none = { muted_by: null, told: [], acted: [], resolved_at: null, fired_at: null };
  return {
    now,
    alerts: [
      {
        ...none,
        id: 'a1',
        rule: 'scratch-full',
        severity: 'critical',
        state: 'firing',
        sentence: '/scratch has 3.1 GiB free, less than 5 GiB for 12 minutes.',
        condition: 'node.filesystem.available < 5Gi',
        labels: { mount: '/scratch' },
        value: 3.1 * GIB,
        since: now - 12 * MINUTE,
        fired_at: now - 10 * MINUTE,
        told: [
          { to: 'slack #ml-ops', at: now - 10 * MINUTE, what: 'fired', outcome: 'sent' },
          {
            to: 'pagerduty',
            at: now - 9 * MINUTE,
            what: 'fired',
            outcome: 'no answer, tried again',
          },
          { to: 'pagerduty', at: now - 8 * MINUTE, what: 'fired', outcome: 'sent' },
        ],
        acted: [
          { action: 'evict_low_priority', at: now - 7 * MINUTE, outcome: 'preempted sweep (8)' },
        ],
      },
      {
        ...none,
        id: 'a2',
        rule: 'io-pressure',
        severity: 'warning',
        state: 'firing',
        sentence: 'Some task waited for disks 38% of the time, more than 20% for 6 minutes.',
        condition: 'node.pressure.io > 20%',
        labels: {},
        value: 0.38,
        since: now - 6 * MINUTE,
        fired_at: now - MINUTE,
      },
      {
        ...none,
        id: 'a3',
        rule: 'disk-latency',
        severity: 'warning',
        state: 'firing',
        sentence: 'Reads of nvme0n1 take 42 ms, more than 20 ms for 6 minutes.',
        condition: 'node.disk.read_latency > 20ms',
        labels: { device: 'nvme0n1' },
        value: 0.042,
        since: now - 6 * MINUTE,
        fired_at: now - MINUTE,
        muted_by: 'io-pressure fires',
      },
      {
        ...none,
        id: 'a4',
        rule: 'cpu-high',
        severity: 'warning',
        state: 'pending',
        sentence: 'The CPU is 91% busy, more than 90% for 2 minutes.',
        condition: 'node.cpu.busy > 90%',
        labels: {},
        value: 0.91,
        since: now - 2 * MINUTE,
      },
      {
        ...none,
        id: 'a5',
        rule: 'memory-low',
        severity: 'critical',
        state: 'resolved',
        sentence: 'Less than 1 GiB of memory was available for 3 minutes.',
        condition: 'node.memory.available < 1Gi',
        labels: {},
        value: 2 * GIB,
        since: now - 95 * MINUTE,
        fired_at: now - 92 * MINUTE,
        resolved_at: now - 80 * MINUTE,
      },
    ],
    rules: [
      {
        name: 'scratch-full',
        condition: 'node.filesystem.available < 5Gi',
        duration_ms: 2 * MINUTE,
        severity: 'critical',
        actions: ['notify', 'evict_low_priority'],
        origin: 'site.yaml:41',
        problem: null,
      },
      {
        name: 'cpu-high',
        condition: 'node.cpu.busy > 90%',
        duration_ms: 5 * MINUTE,
        severity: 'warning',
        actions: ['scale_up'],
        origin: 'default',
        problem: null,
      },
      {
        name: 'gpu-hot',
        condition: 'gpu.temperature > 85',
        duration_ms: MINUTE,
        severity: 'warning',
        actions: [],
        origin: 'default',
        problem: 'Nobody measures gpu.temperature here: no GPU was found.',
      },
    ],
    silences: [
      {
        id: 's7',
        matches: { alert: 'load-high', node: 'lab-3' },
        until: now + 150 * MINUTE,
        by: 'ada',
        comment: 'reindexing until tonight',
      },
    ],
  };
}

/** Disks are the bottleneck; who causes it, who suffers, and what may be done. */
export function congestedDisks(now: number): DoctorReport {
  const wait = {
    name: 'berth_node_pressure_waiting_ratio',
    labels: { resource: 'io' },
    unit: 'ratio',
    value: 0.38,
    threshold: 0.2,
    sentence: 'Some task waited for a disk 38% of the time.',
  } as const;
  return {
    from: now - 10 * MINUTE,
    to: now,
    sentence: 'Disks are the bottleneck: tasks waited for nvme0n1 38% of the time.',
    quality: 0.97,
    findings: [
      {
        id: 'io-contention/nvme0n1',
        kind: 'io-contention',
        resource: 'io',
        severity: 'high',
        score: 0.72,
        sentence: 'Disks are the bottleneck: tasks waited for nvme0n1 38% of the time.',
        since: now - 6 * MINUTE,
        evidence: [
          wait,
          {
            name: 'berth_node_disk_busy_ratio',
            labels: { device: 'nvme0n1' },
            unit: 'ratio',
            value: 0.98,
            threshold: 0.9,
            sentence: 'nvme0n1 was busy all the time.',
          },
        ],
        culprits: [
          {
            kind: 'attempt',
            id: '9.dedupe.1.1',
            workload: '9',
            tenant: 'prod',
            share: 0.61,
            sentence: 'It read 410 MiB/s of the 670 MiB/s.',
          },
          {
            kind: 'process',
            id: 'updatedb (pid 812)',
            workload: null,
            tenant: null,
            share: 0.2,
            sentence: 'It read 134 MiB/s.',
          },
        ],
        sufferers: [
          {
            kind: 'attempt',
            id: '4.train.0.1',
            workload: '4',
            tenant: 'default',
            share: 0.44,
            sentence: 'Its data loader waited 44% of the time.',
          },
        ],
        remedies: [
          {
            title: 'Limit how much crawl-clean reads',
            why: 'It alone takes 61% of what the disk can give, and has the lower priority.',
            risk: 'low',
            effect: 'train waits less than 10% of the time; dedupe takes twice as long.',
            command: 'berth limit 9 --io-read 150Mi',
          },
          {
            title: 'Move the data of train to another disk',
            why: 'nvme1n1 was idle all the time.',
            risk: 'medium',
            effect: 'Neither waits for the other any more.',
            command: null,
          },
        ],
      },
      {
        id: 'memory-fragmentation/0',
        kind: 'memory-fragmentation',
        resource: 'memory',
        severity: 'low',
        score: 0.21,
        sentence: 'A fifth of the free memory is in blocks too small for huge pages.',
        since: null,
        evidence: [],
        culprits: [],
        sufferers: [],
        remedies: [],
      },
    ],
    looked: looked(0.38),
  };
}

const looked = (io: number): DoctorReport['looked'] => [
  {
    resource: 'CPU',
    utilisation: 0.63,
    saturation: 0.04,
    errors: 0,
    sentence: 'Busy, and nobody waits long.',
  },
  {
    resource: 'memory',
    utilisation: 0.52,
    saturation: 0.002,
    errors: 0,
    sentence: 'Half of it is free.',
  },
  {
    resource: 'disk nvme0n1',
    utilisation: 0.98,
    saturation: io,
    errors: null,
    sentence: 'Busy all the time; its errors cannot be read here.',
  },
  {
    resource: 'network eth0',
    utilisation: null,
    saturation: 0,
    errors: 3,
    sentence: '3 packets were dropped; the speed of the link is not known.',
  },
];

/** All well, and what that was told from. */
export function healthy(now: number): DoctorReport {
  return {
    from: now - 10 * MINUTE,
    to: now,
    sentence: 'Nothing stands out in the last 10 minutes.',
    quality: 0.72,
    findings: [],
    looked: looked(0.01),
  };
}

export const diskMetrics: NonNullable<Telemetry['metrics']> = {
  berth_node_pressure_waiting_ratio: {
    unit: 'ratio',
    curves: [{ labels: { resource: 'io' }, value: wave(0.28, 0.12) }],
  },
  berth_node_disk_busy_ratio: {
    unit: 'ratio',
    curves: [{ labels: { device: 'nvme0n1' }, value: wave(0.94, 0.04) }],
  },
};

/** What a sampler finds on a machine with `cores` and these GPUs. */
export function machineMetrics(
  cores: number,
  gpus: readonly string[],
): NonNullable<Telemetry['metrics']> {
  const steady = (labels: Curve['labels'], value: number): Curve => ({
    labels,
    value: () => value,
  });
  const ofGpus = (value: (i: number) => number): Curve[] =>
    gpus.map((gpu, i) => steady({ gpu, index: String(i) }, value(i)));
  return {
    berth_node_cpu_core_busy_ratio: {
      unit: 'ratio',
      curves: Array.from({ length: cores }, (_, i) =>
        steady({ cpu: String(i) }, ((i * 37) % 100) / 100),
      ),
    },
    berth_node_temperature_celsius: {
      unit: 'celsius',
      source: 'driver',
      curves: [steady({ sensor: 'Tctl' }, 61.25), steady({ sensor: 'nvme' }, 44)],
    },
    berth_node_power_watts: {
      unit: 'watts',
      source: 'driver',
      curves: [steady({ zone: 'package-0' }, 142)],
    },
    berth_node_load1: { unit: 'none', curves: [steady({}, 17.4)] },
    berth_gpu_busy_ratio: { unit: 'ratio', source: 'driver', curves: ofGpus((i) => 0.93 - i / 10) },
    berth_gpu_memory_used_bytes: {
      unit: 'bytes',
      source: 'driver',
      curves: ofGpus((i) => (61 - i * 8) * GIB),
    },
    berth_gpu_temperature_celsius: {
      unit: 'celsius',
      source: 'driver',
      curves: ofGpus((i) => 66 + i),
    },
    berth_gpu_power_watts: { unit: 'watts', source: 'driver', curves: ofGpus((i) => 412 - i * 20) },
  };
}

const HOUR = 60 * MINUTE;

/** Indicators of a month: met, missed, badly missed and unknown; and an objective that burns. */
export function monthOfKpis(now: number): KpiList {
  const kpi = (
    name: string,
    title: string,
    rest: Pick<
      KpiList['kpis'][number],
      'unit' | 'value' | 'target' | 'critical' | 'better' | 'status'
    >,
    sentence: string,
    low: number | null = null,
    high: number | null = null,
  ): KpiList['kpis'][number] => ({ name, title, ...rest, samples: 412, low, high, sentence });
  return {
    from: now - 720 * HOUR,
    to: now,
    complete: true,
    kpis: [
      kpi(
        'cluster_utilization',
        'Utilisation of the cluster',
        {
          unit: 'ratio',
          value: 0.74,
          target: 0.85,
          critical: 0.7,
          better: 'higher',
          status: 'warning',
        },
        'The CPU was 74% busy, less than 85%.',
      ),
      kpi(
        'training_job_success_rate',
        'Jobs that succeed',
        {
          unit: 'ratio',
          value: 0.963,
          target: 0.95,
          critical: 0.9,
          better: 'higher',
          status: 'good',
        },
        '397 of 412 jobs succeeded.',
        0.944,
        0.976,
      ),
      kpi(
        'cost_per_inference',
        'Cost of a call of a model',
        {
          unit: 'dollars',
          value: 0.0008,
          target: 0.001,
          critical: 0.005,
          better: 'lower',
          status: 'good',
        },
        'A call cost $0.0008.',
      ),
      kpi(
        'mttr_minutes',
        'Time to repair',
        {
          unit: 'none',
          value: 71.3,
          target: 15,
          critical: 60,
          better: 'lower',
          status: 'critical',
        },
        'A failure took 71 minutes to repair, more than 60.',
        40.1,
        132.8,
      ),
      kpi(
        'inference_latency_p99',
        'Latency of calls, 99th percentile',
        {
          unit: 'seconds',
          value: null,
          target: 0.05,
          critical: 0.1,
          better: 'lower',
          status: 'unknown',
        },
        'No calls of models were told of.',
      ),
    ],
    objectives: [
      {
        name: 'jobs start within 10 min',
        objective: 0.99,
        period_ms: 720 * HOUR,
        counted: 'tasks',
        good: 4_021,
        bad: 29,
        budget_left: 0.28,
        windows: [
          {
            long_ms: HOUR,
            short_ms: 5 * MINUTE,
            burn_long: 16.2,
            burn_short: 18.9,
            threshold: 14.4,
            fires: true,
            severity: 'critical',
          },
          {
            long_ms: 6 * HOUR,
            short_ms: 30 * MINUTE,
            burn_long: 2.1,
            burn_short: null,
            threshold: 6,
            fires: false,
            severity: 'warning',
          },
        ],
      },
    ],
  };
}
