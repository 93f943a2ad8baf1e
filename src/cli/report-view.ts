import type { ReportDocument } from '../api/contract/report-documents.ts';
import { formatBytes, formatDollars } from '../base/format.ts';
import { formatSpan } from './format.ts';
import { kpiTable, objectiveTable, percentOf, plainNumber } from './kpi-table.ts';
import { glyph, type Page, paint } from './page.ts';
import { type Column, renderTable } from './table.ts';
import { printable } from './text.ts';

/** All sections of a report, one below the other. */
export function renderReport(report: ReportDocument, page: Page): readonly string[] {
  const { metadata, from, to } = report;
  const day = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ');
  const head = `${metadata.site ?? metadata.host}, ${day(from)} to ${day(to)} UTC (${formatSpan(report.duration_ms)})`;
  return [
    paint(page, 'strong', printable(head)),
    ...part(page, 'Summary', sentences([report.summary.state, ...report.summary.sentences])),
    ...part(page, 'Key figures', kpiTable(page, report.kpis)),
    ...part(page, 'Objectives', objectivesOf(page, report)),
    ...part(page, 'Now', statusOf(page, report)),
    ...part(page, 'Use over time', trendsOf(page, report)),
    ...part(page, 'Failures by cause', failuresOf(page, report)),
    ...part(page, 'Waiting', waitingOf(page, report)),
    ...part(page, 'Steps of pipelines', stagesOf(page, report)),
    ...part(page, 'Efficiency', efficiencyOf(page, report)),
    ...part(page, 'Cost', costOf(page, report)),
    ...part(page, 'Reliability', reliabilityOf(page, report)),
    ...part(page, 'Alerts', alertsOf(page, report)),
    ...part(page, 'Diagnosis', findingsOf(page, report)),
    ...part(page, 'What to do', recommendationsOf(report)),
    ...part(
      page,
      'Not known',
      sentences(metadata.unknown.map((one) => `${one.section}: ${one.why}`)),
    ),
  ];
}

const part = (page: Page, title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : ['', paint(page, 'strong', title), ...lines];

const sentences = (texts: readonly string[], indent = '  '): readonly string[] =>
  texts.map((one) => `${indent}${printable(one)}`);

const right = (title: string, drop?: number): Column =>
  drop === undefined ? { title, align: 'right' } : { title, align: 'right', drop };

const span = (page: Page, ms: number | null): string =>
  ms === null ? glyph(page, 'unknown') : formatSpan(ms);

function amount(page: Page, value: number | null, unit: string): string {
  if (value === null) return glyph(page, 'unknown');
  if (unit === 'ratio') return percentOf(page, value);
  if (unit === 'bytes') return formatBytes(Math.round(value));
  if (unit === 'bytes_per_second') return `${formatBytes(Math.round(value))}/s`;
  return plainNumber(value);
}

const objectivesOf = (page: Page, { objectives }: ReportDocument): readonly string[] =>
  objectives.length === 0 ? [] : objectiveTable(page, objectives);

const statusOf = (page: Page, { current_status }: ReportDocument): readonly string[] =>
  renderTable(
    page,
    [{ title: 'RESOURCE' }, { title: 'WHAT' }, right('VALUE'), right('OF', 1)],
    current_status.map(({ resource, title, value, total, unit }) => [
      resource,
      title,
      amount(page, value, unit),
      total === null ? '' : amount(page, total, unit),
    ]),
  );

const trendsOf = (page: Page, { historical_trends }: ReportDocument): readonly string[] =>
  historical_trends.length === 0
    ? []
    : renderTable(
        page,
        [
          { title: 'SERIES', min: 12 },
          right('MEAN'),
          right('PEAK'),
          right('TROUGH', 2),
          right('STD DEV', 3),
          { title: 'DIRECTION', drop: 1 },
        ],
        historical_trends.map((one) => [
          one.title,
          amount(page, one.average, one.unit),
          amount(page, one.peak, one.unit),
          amount(page, one.trough, one.unit),
          amount(page, one.volatility, one.unit),
          one.direction,
        ]),
      );

const failuresOf = (page: Page, { failures }: ReportDocument): readonly string[] =>
  failures.length === 0
    ? []
    : renderTable(
        page,
        [{ title: 'CAUSE' }, right('ATTEMPTS'), { title: 'NEWEST', drop: 1 }],
        failures.map(({ cause, attempts, example }) => [cause, String(attempts), example]),
      );

const waitingOf = (page: Page, { waiting }: ReportDocument): readonly string[] =>
  waiting.tasks === 0
    ? []
    : renderTable(
        page,
        [{ title: 'QUEUE', min: 8 }, right('TASKS'), right('HALF'), right('95%'), right('MOST', 1)],
        [...waiting.queues, { ...waiting, queue: 'all' }].map((one) => [
          one.queue,
          String(one.tasks),
          span(page, one.p50_ms),
          span(page, one.p95_ms),
          span(page, one.max_ms),
        ]),
      );

const stagesOf = (page: Page, { stages }: ReportDocument): readonly string[] =>
  stages.length === 0
    ? []
    : renderTable(
        page,
        [
          { title: 'PIPELINE', min: 8 },
          { title: 'STEP', min: 8 },
          right('RUNS'),
          right('FAILED', 3),
          right('HALF', 2),
          right('95%'),
          right('HANDOFF', 4),
          right('SHARE', 1),
        ],
        stages.map((one) => [
          one.pipeline,
          one.step,
          String(one.runs),
          String(one.failed),
          span(page, one.p50_ms),
          span(page, one.p95_ms),
          one.handoff_p95_ms === null ? '' : span(page, one.handoff_p95_ms),
          percentOf(page, one.share),
        ]),
      );

function efficiencyOf(page: Page, { efficiency }: ReportDocument): readonly string[] {
  const rows: readonly (readonly [string, string])[] = [
    ['CPU used, of what ended attempts held', percentOf(page, efficiency.cpu_used_of_held)],
    ['CPUs busy, of all', percentOf(page, efficiency.cpu_busy_of_all)],
    ['memory used, of all', percentOf(page, efficiency.memory_used_of_all)],
    ['GPUs busy, of all', percentOf(page, efficiency.gpu_busy_of_all)],
    ['CPU-hours given out', plainNumber(efficiency.cpu_hours)],
    ['GPU-hours given out', plainNumber(efficiency.gpu_hours)],
  ];
  return renderTable(page, [{ title: 'WHAT', min: 20 }, right('VALUE')], rows);
}

const costOf = (page: Page, { cost }: ReportDocument): readonly string[] =>
  cost.by_tenant.length === 0
    ? []
    : renderTable(
        page,
        [
          { title: 'USER', min: 8 },
          right('COST'),
          right('CPU-H', 1),
          right('GPU-H', 2),
          right('FAILED', 3),
        ],
        [
          ...cost.by_tenant.map((row) => [
            row.name ?? glyph(page, 'unknown'),
            `${row.unpriced > 0 ? '~' : ''}${formatDollars(row.cost)}`,
            plainNumber(row.cpu_hours),
            plainNumber(row.gpu_hours),
            String(row.failures),
          ]),
        ],
      );

function reliabilityOf(page: Page, { reliability }: ReportDocument): readonly string[] {
  const row = (name: string, one: ReportDocument['reliability']['fleet']) => [
    name,
    String(one.failures),
    estimate(page, one.mtbf_hours, 'h'),
    estimate(page, one.mttr_minutes, 'min'),
    one.availability === null
      ? glyph(page, 'unknown')
      : `${Number((one.availability * 100).toFixed(3))}%`,
  ];
  return renderTable(
    page,
    [
      { title: 'OF' },
      right('FAILURES'),
      { title: 'BETWEEN THEM', min: 12 },
      { title: 'TO REPAIR', min: 10, drop: 1 },
      right('AVAILABLE'),
    ],
    [
      row('nodes', reliability.nodes),
      row('services', reliability.services),
      row('fleet', reliability.fleet),
    ],
  );
}

function estimate(
  page: Page,
  { value, low, high }: ReportDocument['reliability']['fleet']['mtbf_hours'],
  unit: string,
): string {
  if (value === null && low === null) return glyph(page, 'unknown');
  if (value === null) return `at least ${plainNumber(low!)} ${unit}`;
  const between =
    low === null || high === null ? '' : ` (${plainNumber(low)} .. ${plainNumber(high)})`;
  return `${plainNumber(value)} ${unit}${between}`;
}

const alertsOf = (page: Page, { alerts }: ReportDocument): readonly string[] =>
  alerts === null || alerts.length === 0
    ? []
    : renderTable(
        page,
        [
          { title: 'RULE', min: 8 },
          { title: 'SEVERITY' },
          { title: 'STATE' },
          { title: 'WHAT', min: 20 },
        ],
        alerts.map(({ rule, severity, state, sentence }) => [rule, severity, state, sentence]),
      );

const findingsOf = (page: Page, { findings }: ReportDocument): readonly string[] =>
  findings === null || findings.length === 0
    ? []
    : renderTable(
        page,
        [{ title: 'KIND', min: 8 }, { title: 'SEVERITY' }, { title: 'WHAT', min: 20 }],
        findings.map(({ kind, severity, sentence }) => [kind, severity, sentence]),
      );

const recommendationsOf = ({ recommendations }: ReportDocument): readonly string[] =>
  recommendations.flatMap(({ title, why, monthly_saving, command }, i) => [
    ...sentences([
      `${i + 1}. ${title}${monthly_saving === null ? '' : ` ${formatDollars(monthly_saving)} a month.`}`,
    ]),
    ...sentences(command === null ? [why] : [why, command], '     '),
  ]);
