import { formatBytes, formatDollars, formatMoment, formatSpan } from '../../base/format.ts';
import {
  type Cell,
  escapeHtml,
  figure,
  htmlPage,
  list,
  badge as look,
  section,
  table,
} from '../../html/page.ts';
import type { ReportDocument } from '../contract/report-documents.ts';
import { trendSvg } from './report-plot.ts';

/** The report as one page that needs nothing else. */
export function reportHtml(report: ReportDocument): string {
  const { metadata, from, to } = report;
  const title = `Report of ${metadata.site ?? metadata.host}`;
  const until = `${moment(from)} – ${moment(to)}`;
  return htmlPage({
    title: `${title}, ${until}`,
    heading: title,
    subtitle: `${until} (${formatSpan(report.duration_ms)})`,
    sections: sections(report),
  });
}

function sections(report: ReportDocument): string[] {
  return [
    section('summary', 'Summary', summaryPart(report)),
    section('kpis', 'Key figures', kpiPart(report)),
    section('objectives', 'Objectives', objectivePart(report)),
    section('status', 'Now', statusPart(report)),
    section('trends', 'Use over time', trendPart(report)),
    section('workloads', 'Workloads', workloadPart(report)),
    section('failures', 'Failures by cause', failurePart(report)),
    section('waiting', 'Waiting', waitingPart(report)),
    section('stages', 'Steps of pipelines', stagePart(report)),
    section('efficiency', 'Efficiency', efficiencyPart(report)),
    section('cost', 'Cost', costPart(report)),
    section('reliability', 'Reliability', reliabilityPart(report)),
    section('alerts', 'Alerts', alertPart(report)),
    section('findings', 'Diagnosis', findingPart(report)),
    section('recommendations', 'What to do', recommendationPart(report)),
    section('metadata', 'About this report', metadataPart(report)),
  ];
}

const UNKNOWN = 'unknown';
const moment = (at: number | null): string =>
  at === null ? UNKNOWN : formatMoment(at).replace('T', ' ').replace('Z', ' UTC');
const span = (ms: number | null): string => (ms === null ? UNKNOWN : formatSpan(ms));
const percent = (ratio: number | null): string =>
  ratio === null ? UNKNOWN : `${Math.round(ratio * 1_000) / 10} %`;
const hours = (n: number): string => n.toFixed(n >= 100 ? 0 : 2);

/** Three digits, and as many as there are before the point. */
function plain(value: number | null): string {
  if (value === null) return UNKNOWN;
  if (value === 0 || Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

function amount(value: number | null, unit: string): string {
  if (value === null) return UNKNOWN;
  if (unit === 'ratio') return percent(value);
  if (unit === 'bytes') return formatBytes(Math.round(value));
  if (unit === 'bytes_per_second') return `${formatBytes(Math.round(value))}/s`;
  if (unit === 'watts') return `${plain(value)} W`;
  if (unit === 'celsius') return `${plain(value)} °C`;
  return plain(value);
}

const marks = { good: '✓', warning: '!', critical: '✕', unknown: '?' } as const;
const badge = (state: keyof typeof marks): Cell => look(state, `${marks[state]} ${state}`);

function summaryPart({ summary }: ReportDocument): string {
  const { html } = badge(summary.state) as { html: string };
  return `<p>${html}</p>${list(summary.sentences)}`;
}

function kpiPart({ kpis }: ReportDocument): string {
  return table(
    'Each with its 90 % interval, where there is one',
    ['Figure', 'Value', 'Interval', 'Target', 'State', 'From'],
    kpis.map((one) => [
      one.title,
      kpiValue(one.value, one.unit),
      one.low === null && one.high === null
        ? ''
        : `${one.low === null ? '' : kpiValue(one.low, one.unit)} – ${one.high === null ? '' : kpiValue(one.high, one.unit)}`,
      `${one.better === 'higher' ? '≥' : '≤'} ${kpiValue(one.target, one.unit)}`,
      badge(one.status),
      one.sentence,
    ]),
  );
}

const kpiValue = (value: number | null, unit: string): string => {
  if (value === null) return UNKNOWN;
  return unit === 'dollars' ? `$${Number(value.toPrecision(3))}` : amount(value, unit);
};

function objectivePart({ objectives }: ReportDocument): string {
  if (objectives.length === 0) return '<p>The site has none.</p>';
  return table(
    'What may be bad, and how fast that is used up',
    ['Objective', 'Target', 'Period', 'Good', 'Bad', 'Budget left', 'Burns too fast'],
    objectives.map((one) => {
      const firing = one.windows.filter(({ fires }) => fires);
      return [
        one.name,
        percent(one.objective),
        span(one.period_ms),
        one.counted === 'seconds' ? span(one.good * 1_000) : `${one.good} ${one.counted}`,
        one.counted === 'seconds' ? span(one.bad * 1_000) : String(one.bad),
        percent(one.budget_left),
        firing.length === 0
          ? 'no'
          : firing.map((w) => `${plain(w.burn_long)} × in ${span(w.long_ms)}`).join(', '),
      ];
    }),
  );
}

const statusPart = ({ current_status }: ReportDocument): string =>
  table(
    'When the report was made',
    ['Resource', 'What', 'Value', 'Of'],
    current_status.map(({ resource, title, value, total, unit }) => [
      resource,
      title,
      amount(value, unit),
      total === null ? '' : amount(total, unit),
    ]),
  );

function trendPart(report: ReportDocument): string {
  const { historical_trends: trends, from, to } = report;
  if (trends.length === 0) return '<p>Nothing was measured in that time.</p>';
  const plots = trends.map((trend) => {
    const told = `${trend.title}: mean ${amount(trend.average, trend.unit)}, from ${amount(trend.trough, trend.unit)} to ${amount(trend.peak, trend.unit)}`;
    const top = amount(trend.unit === 'ratio' ? 1 : trend.peak, trend.unit);
    const words = { title: told, from: moment(from), to: moment(to), top };
    return figure(trend.title, trendSvg(trend, report, words));
  });
  const rows = trends.map((trend) => [
    trend.title,
    amount(trend.average, trend.unit),
    amount(trend.peak, trend.unit),
    amount(trend.trough, trend.unit),
    amount(trend.volatility, trend.unit),
    trend.direction === 'rising' || trend.direction === 'falling'
      ? `${trend.direction}, ${amount(trend.slope_per_day, trend.unit)} a day`
      : trend.direction,
  ]);
  const head = ['Series', 'Mean', 'Peak', 'Trough', 'Standard deviation', 'Direction'];
  return `${plots.join('')}${table('The same in figures', head, rows)}`;
}

const workloadPart = ({ workloads }: ReportDocument): string =>
  table(
    'That ended in this time, and that are there now',
    ['', 'Number'],
    [
      ['Succeeded', String(workloads.succeeded)],
      ['Failed', String(workloads.failed)],
      ['Cancelled', String(workloads.cancelled)],
      ['Running now', String(workloads.running)],
      ['Waiting now', String(workloads.waiting)],
      ['Half of those that succeeded took at most', span(workloads.took_p50_ms)],
      ['95 % of those that succeeded took at most', span(workloads.took_p95_ms)],
    ],
  );

const failurePart = ({ failures }: ReportDocument): string =>
  table(
    'Attempts that nobody stopped',
    ['Cause', 'Attempts', 'Newest'],
    failures.map(({ cause, attempts, example }) => [cause, String(attempts), example]),
  );

function waitingPart({ waiting }: ReportDocument): string {
  const interval =
    waiting.p95_low_ms === null && waiting.p95_high_ms === null
      ? ''
      : ` (90 % interval ${span(waiting.p95_low_ms)} – ${span(waiting.p95_high_ms)})`;
  const told = `${waiting.tasks} tasks were placed: half of them within ${span(waiting.p50_ms)}, 95 % within ${span(waiting.p95_ms)}${interval}, all within ${span(waiting.max_ms)}.`;
  const rows = waiting.queues.map(({ queue, tasks, p50_ms, p95_ms, max_ms }) => [
    queue,
    String(tasks),
    span(p50_ms),
    span(p95_ms),
    span(max_ms),
  ]);
  if (waiting.tasks === 0) return '<p>No task was placed.</p>';
  return `<p>${escapeHtml(told)}</p>${table('By queue', ['Queue', 'Tasks', 'Half', '95 %', 'All'], rows)}`;
}

const stagePart = ({ stages }: ReportDocument): string =>
  table(
    'Where the time of a pipeline goes',
    ['Step', 'Pipeline', 'Runs', 'Failed', 'Half', '95 %', 'Handoff 95 %', 'Share'],
    stages.map((one) => [
      one.step,
      one.pipeline,
      String(one.runs),
      String(one.failed),
      span(one.p50_ms),
      span(one.p95_ms),
      one.handoff_p95_ms === null ? '' : span(one.handoff_p95_ms),
      percent(one.share),
    ]),
  );

const efficiencyPart = ({ efficiency }: ReportDocument): string =>
  table(
    'How much of what there is and of what was given out was used',
    ['', 'Value'],
    [
      ['CPU used, of what ended attempts held', percent(efficiency.cpu_used_of_held)],
      ['CPUs busy, of all', percent(efficiency.cpu_busy_of_all)],
      ['Memory used, of all', percent(efficiency.memory_used_of_all)],
      ['GPUs busy, of all', percent(efficiency.gpu_busy_of_all)],
      ['CPU-hours given out', hours(efficiency.cpu_hours)],
      ['GiB-hours given out', hours(efficiency.memory_gib_hours)],
      ['GPU-hours given out', hours(efficiency.gpu_hours)],
    ],
  );

function costPart({ cost }: ReportDocument): string {
  const head = ['Name', 'Cost', 'CPU-hours', 'GPU-hours', 'Attempts', 'Failed'];
  const rows = (of: ReportDocument['cost']['by_tenant']) =>
    of.map((row) => [
      row.name ?? UNKNOWN,
      `${row.unpriced > 0 ? '~' : ''}${formatDollars(row.cost)}`,
      hours(row.cpu_hours),
      hours(row.gpu_hours),
      String(row.attempts),
      String(row.failures),
    ]);
  const note =
    cost.unpriced === 0
      ? ''
      : `<p>~ beside an amount: something in it has no known price and is not counted (${cost.unpriced} attempts and calls).</p>`;
  return `<p>${formatDollars(cost.total)} in all.</p>${note}${table('By user', head, rows(cost.by_tenant))}${table('By workload', head, rows(cost.by_workload))}`;
}

function reliabilityPart({ reliability }: ReportDocument): string {
  const { nodes, services, fleet, outages } = reliability;
  const row = (name: string, one: typeof nodes): string[] => [
    name,
    String(one.failures),
    between(one.mtbf_hours, (n) => `${plain(n)} h`),
    between(one.mttr_minutes, (n) => `${plain(n)} min`),
    one.availability === null ? UNKNOWN : `${Number((one.availability * 100).toFixed(3))} %`,
  ];
  const summed = table(
    'With 90 % intervals. Repair is from failing until working again; the fleet fails when any of its nodes or services does',
    ['Of', 'Failures', 'Mean time between failures', 'Mean time to repair', 'Available'],
    [row('Nodes', nodes), row('Services', services), row('Fleet', fleet)],
  );
  const rows = outages
    .toReversed()
    .slice(0, 20)
    .map((one) => [
      one.subject,
      moment(one.from),
      one.is_repair_known
        ? one.to === null
          ? 'not over'
          : span(one.to - one.from)
        : 'not known when it was over',
    ]);
  return `${summed}${rows.length === 0 ? '' : table('The newest', ['What', 'From', 'For'], rows)}`;
}

function between(
  { value, low, high }: ReportDocument['reliability']['nodes']['mtbf_hours'],
  shown: (n: number) => string,
): string {
  if (value === null) return low === null ? UNKNOWN : `at least ${shown(low)}`;
  if (low === null || high === null) return shown(value);
  return `${shown(value)} (${shown(low)} – ${shown(high)})`;
}

function alertPart({ alerts }: ReportDocument): string {
  if (alerts === null) return '<p>No rules are watched.</p>';
  return table(
    'That fire, or fired',
    ['Rule', 'Severity', 'State', 'Since', 'What'],
    alerts.map((one) => [one.rule, one.severity, one.state, moment(one.since), one.sentence]),
  );
}

function findingPart({ findings }: ReportDocument): string {
  if (findings === null) return '<p>Nothing was diagnosed.</p>';
  return table(
    'Bottlenecks, the worst first',
    ['Kind', 'Severity', 'What'],
    findings.map(({ kind, severity, sentence }) => [kind, severity, sentence]),
  );
}

function recommendationPart({ recommendations }: ReportDocument): string {
  if (recommendations.length === 0) return '<p>Nothing stands out.</p>';
  const items = recommendations.map(({ title, why, monthly_saving, command }) => {
    const saving =
      monthly_saving === null ? '' : ` <strong>${formatDollars(monthly_saving)} a month.</strong>`;
    const run = command === null ? '' : ` <code>${escapeHtml(command)}</code>`;
    return `<li><strong>${escapeHtml(title)}</strong>${saving} ${escapeHtml(why)}${run}</li>`;
  });
  return `<ol>${items.join('')}</ol>`;
}

function metadataPart({ metadata, id }: ReportDocument): string {
  const rows: [string, string][] = [
    ['Made', moment(metadata.generated_at)],
    ['Host', metadata.host],
    ['Berth', metadata.berth_version],
    ['Of', metadata.only_tenant ?? 'all users'],
    ['Journal', metadata.complete ? 'all of this time' : 'kept since its beginning only'],
    ['Time in which the host was measured', percent(metadata.monitoring_uptime)],
    ['Quality of metrics', percent(metadata.data_quality)],
    ...(id === null ? [] : [['Id', id] as [string, string]]),
  ];
  const missing = metadata.unknown.map(({ section: of, why }) => `${of}: ${why}`);
  return `${table('Where the figures are from', ['', ''], rows)}${missing.length === 0 ? '' : `<h3>What is not known</h3>${list(missing)}`}`;
}
