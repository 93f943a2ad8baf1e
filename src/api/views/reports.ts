import type { Estimate } from '../../analysis/intervals.ts';
import type { Kpi } from '../../analysis/kpis.ts';
import { budgetLeft, type ObjectiveState } from '../../analysis/objectives.ts';
import type { Reliability } from '../../analysis/reliability.ts';
import type { ReportBook, StageRow } from '../../analysis/report-book.ts';
import type { SiteReliability } from '../../analysis/spells.ts';
import type { UsageReport, UsageSums } from '../../analysis/usage-report.ts';
import type { Indicator } from '../../model/objective.ts';
import type { ReportDocument } from '../contract/report-documents.ts';
import type { KpiList } from '../contract/telemetry-documents.ts';
import { sumsDocument } from './money.ts';

export const kpiDocument = ({ value, low, high, ...rest }: Kpi): KpiList['kpis'][number] => ({
  ...rest,
  value: value ?? null,
  low: low ?? null,
  high: high ?? null,
});

const countedBy: Readonly<Record<Indicator['kind'], KpiList['objectives'][number]['counted']>> = {
  jobs: 'jobs',
  waiting: 'tasks',
  handoff: 'tasks',
  runs: 'runs',
  availability: 'seconds',
};

export function objectiveDocument(state: ObjectiveState): KpiList['objectives'][number] {
  const { objective, counts, windows } = state;
  const counted = countedBy[objective.indicator.kind];
  const by = counted === 'seconds' ? 1_000 : 1;
  return {
    name: objective.name,
    objective: objective.target / 10_000,
    period_ms: objective.periodMs,
    counted,
    good: Math.round(counts.good / by),
    bad: Math.round(counts.bad / by),
    budget_left: budgetLeft(objective, counts) ?? null,
    windows: windows.map((one) => ({
      long_ms: one.longMs,
      short_ms: one.shortMs,
      burn_long: one.burnLong ?? null,
      burn_short: one.burnShort ?? null,
      threshold: one.threshold,
      fires: one.fires,
      severity: one.severity,
    })),
  };
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

const estimateDocument = ({ value, low, high }: Estimate, by: number) => ({
  value: value === undefined ? null : value / by,
  low: low === undefined ? null : low / by,
  high: high === undefined ? null : high / by,
});

const reliabilityDocument = (one: Reliability) => ({
  failures: one.failures,
  repairs: one.repairs,
  up_hours: one.upMs / HOUR_MS,
  down_hours: one.downMs / HOUR_MS,
  mtbf_hours: estimateDocument(one.mtbf, HOUR_MS),
  mttr_minutes: estimateDocument(one.mttr, MINUTE_MS),
  availability: one.availability ?? null,
});

export function siteReliability(of: SiteReliability): ReportDocument['reliability'] {
  return {
    nodes: reliabilityDocument(of.nodes),
    services: reliabilityDocument(of.services),
    fleet: reliabilityDocument(of.fleet),
    outages: of.outages.map(({ subject, from, to, isRepairKnown }) => ({
      subject,
      from,
      to: to ?? null,
      is_repair_known: isRepairKnown,
    })),
  };
}

/** Rows of a table that a report shows. */
const ROWS_MAX = 50;

export function waitingDocument(book: ReportBook): ReportDocument['waiting'] {
  const p95 = book.waits.quantile(0.95);
  const has = book.waits.count > 0;
  return {
    tasks: book.waits.count,
    p50_ms: book.waits.quantile(0.5).value ?? null,
    p95_ms: p95.value ?? null,
    p95_low_ms: p95.low ?? null,
    p95_high_ms: p95.high ?? null,
    max_ms: has ? book.waits.max : null,
    queues: book
      .queues()
      .slice(0, ROWS_MAX)
      .map(({ queue, waits }) => ({
        queue,
        tasks: waits.count,
        p50_ms: waits.quantile(0.5).value ?? null,
        p95_ms: waits.quantile(0.95).value ?? null,
        max_ms: waits.max,
      })),
  };
}

export function stageDocuments(book: ReportBook): ReportDocument['stages'] {
  const all = book.stages();
  const median = ({ runs, handoffs }: StageRow): number =>
    (runs.quantile(0.5).value ?? 0) + (handoffs.quantile(0.5).value ?? 0);
  const totals = new Map<string, { sum: number; steps: number }>();
  for (const stage of all) {
    const { sum, steps } = totals.get(stage.pipeline) ?? { sum: 0, steps: 0 };
    totals.set(stage.pipeline, { sum: sum + median(stage), steps: steps + 1 });
  }
  return all
    .filter(({ pipeline }) => (totals.get(pipeline)?.steps ?? 0) > 1)
    .slice(0, ROWS_MAX * 2)
    .map((stage) => {
      const { sum } = totals.get(stage.pipeline)!;
      return {
        pipeline: stage.pipeline,
        step: stage.step,
        runs: stage.runs.count,
        failed: stage.failed,
        p50_ms: stage.runs.quantile(0.5).value ?? null,
        p95_ms: stage.runs.quantile(0.95).value ?? null,
        handoff_p95_ms: stage.handoffs.quantile(0.95).value ?? null,
        share: sum === 0 ? null : median(stage) / sum,
      };
    });
}

export function costRows(report: UsageReport): ReportDocument['cost']['by_tenant'] {
  return report
    .rows()
    .slice(0, ROWS_MAX)
    .map(({ group, sums }) => ({ name: group[0] ?? null, ...costsOf(sums) }));
}

function costsOf(sums: UsageSums): Omit<ReportDocument['cost']['by_tenant'][number], 'name'> {
  const { cost, unpriced, cpu_hours, memory_gib_hours, gpu_hours, attempts, failures } =
    sumsDocument(sums);
  return { cost, unpriced, cpu_hours, memory_gib_hours, gpu_hours, attempts, failures };
}
