import type { ReportDocument } from '../../src/api/contract/report-documents.ts';

const T0 = Date.parse('2026-11-16T06:00:00Z');
const WEEK = 7 * 86_400_000;
const unknown = { value: null, low: null, high: null };
const reliability = {
  failures: 0,
  repairs: 0,
  up_hours: 168,
  down_hours: 0,
  mtbf_hours: { ...unknown, low: 56.1 },
  mttr_minutes: unknown,
  availability: 1,
};

/** A week of which little is known. */
export function report(changes: Partial<ReportDocument> = {}): ReportDocument {
  return {
    version: 1,
    id: null,
    from: T0,
    to: T0 + WEEK,
    duration_ms: WEEK,
    summary: { state: 'good', sentences: ['3 workloads ended.'] },
    current_status: [
      { resource: 'cpu', title: 'CPUs busy', unit: 'ratio', value: 0.5, total: null, at: T0 },
      { resource: 'gpu', title: 'GPUs busy', unit: 'ratio', value: null, total: null, at: null },
    ],
    historical_trends: [
      {
        name: 'berth_node_cpu_busy_ratio',
        title: 'CPUs busy',
        unit: 'ratio',
        average: 0.4,
        peak: 0.9,
        trough: 0.1,
        volatility: 0.2,
        direction: 'rising',
        slope_per_day: 0.05,
        at: [T0, T0 + 60_000, T0 + 120_000, T0 + 900_000],
        mean: [0.1, 0.2, 0.3, 0.4],
        max: [0.2, 0.3, 0.9, 0.4],
      },
    ],
    workloads: {
      succeeded: 2,
      failed: 1,
      cancelled: 0,
      running: 0,
      waiting: 0,
      took_p50_ms: 1_000,
      took_p95_ms: null,
    },
    failures: [{ cause: 'oom-killed', attempts: 4, example: '3.s.0.1' }],
    waiting: {
      tasks: 2,
      p50_ms: 10,
      p95_ms: 20,
      p95_low_ms: null,
      p95_high_ms: null,
      max_ms: 20,
      queues: [{ queue: 'default', tasks: 2, p50_ms: 10, p95_ms: 20, max_ms: 20 }],
    },
    stages: [],
    efficiency: {
      cpu_used_of_held: null,
      cpu_busy_of_all: 0.4,
      memory_used_of_all: null,
      gpu_busy_of_all: null,
      cpu_hours: 1,
      memory_gib_hours: 2,
      gpu_hours: 0,
    },
    cost: { total: 0, unpriced: 3, by_tenant: [], by_workload: [] },
    kpis: [],
    objectives: [],
    reliability: { nodes: reliability, services: reliability, fleet: reliability, outages: [] },
    alerts: null,
    findings: null,
    recommendations: [],
    metadata: {
      site: 'lab',
      host: 'lab-3',
      berth_version: '0.1.0',
      generated_at: T0 + WEEK,
      only_tenant: null,
      complete: true,
      data_quality: null,
      monitoring_uptime: 1,
      unknown: [{ section: 'alerts', why: 'no rules are watched' }],
    },
    ...changes,
  };
}
