import type { MetricHistoryDocument } from '../../api/contract/telemetry-documents.ts';
import { csvField } from '../../base/csv.ts';
import { OperationError } from '../../model/errors.ts';
import { checkedLabel } from '../checked-label.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatSpan } from '../format.ts';
import { formatMetric } from '../metric-value.ts';
import { glyph, type Page, paint } from '../page.ts';
import { sparkline } from '../sparkline.ts';
import { grouped, printable } from '../text.ts';

const HOUR_MS = 3_600_000;
const SERIES_SHOWN = 10;
const COLUMNS_MAX = 240;
const COLUMNS_MIN = 20;
/** Before the plot. */
const INDENT = 2;

export const metricsHistory = defineCommand({
  name: 'metrics history',
  group: 'Machine',
  summary: 'Show what was measured over time, and whether it goes anywhere',
  details: [
    'One line a series, from its least to its greatest value; blank where nothing was measured. Seconds are kept for a day, minutes for 90 days, hours for two years, as long as the file of 512 MiB has room.',
    'The direction is rising or falling where a series that goes nowhere would look so by chance less than once in twenty times (Mann–Kendall, neighbours that are alike taken into account); the slope is the median of all slopes (Theil–Sen). Volatility is the standard deviation over the average.',
  ],
  operand: {
    name: 'name',
    summary: 'as `berth metrics` has it; of a counter its rate is shown',
    required: true,
    many: false,
    complete: 'none',
  },
  options: {
    label: { kind: 'texts', value: 'key=value', summary: 'series that have this label' },
    since: { kind: 'span', value: 'span', summary: 'so far back (1h)' },
    series: {
      kind: 'count',
      value: 'n',
      min: 1,
      max: 400,
      summary: `series at most, those with the greatest mean (${SERIES_SHOWN})`,
    },
    csv: { kind: 'flag', summary: 'as comma-separated values' },
  },
  json: 'MetricHistory: {name, unit, source, help, from, to, interval_ms, at, series: [{key, labels, mean, min, max, trend}, …], more}',
  examples: [
    'berth metrics history berth_node_cpu_busy_ratio',
    'berth metrics history berth_task_memory_bytes --label tenant=ada --since 24h',
  ],
  async run({ operands, options }, world) {
    const client = await world.daemons.connect();
    const isPlot = !options.csv && !world.settings.json.value;
    const { width } = world.terminal.stdoutPage();
    const room = Math.max(COLUMNS_MIN, Math.min(COLUMNS_MAX, width - INDENT));
    const asked = {
      name: operands[0]!,
      labels: options.label.map(checkedLabel),
      windowMs: options.since ?? HOUR_MS,
      points: isPlot ? room : COLUMNS_MAX,
      series: options.series ?? SERIES_SHOWN,
    };
    const history = await client.metricHistory(asked).catch((error: unknown) => {
      if (!(error instanceof OperationError && error.code === 'NOT_FOUND')) throw error;
      throw new OperationError('NOT_FOUND', error.message, { hint: 'See `berth metrics`.' }, error);
    });
    return {
      document: history,
      view: (page) => (options.csv ? csvOf(history) : plots(history, page)),
      exit: EXIT.ok,
    };
  },
});

type KeptSeries = MetricHistoryDocument['series'][number];

function plots(history: MetricHistoryDocument, page: Page): readonly string[] {
  const { series, more, at, interval_ms, help, source } = history;
  const span = formatSpan(at.length * interval_ms);
  const lines = [
    `${history.name}: ${help} (${source}), ${span}, ${formatSpan(interval_ms)} a column`,
  ];
  if (series.length === 0) return [...lines, 'Nothing was measured in that time.'];
  return [
    ...lines,
    ...series.flatMap((one) => [
      ...(Object.keys(one.labels).length === 0
        ? []
        : [printable(one.key.slice(history.name.length))]),
      `${' '.repeat(INDENT)}${sparkline(page, one.mean)}`,
      `${' '.repeat(INDENT)}${paint(page, 'faint', trendText(one, history, page))}`,
    ]),
    ...(more > 0 ? [`and ${grouped(more)} more series`] : []),
  ];
}

function trendText({ trend }: KeptSeries, history: MetricHistoryDocument, page: Page): string {
  if (trend === null) return glyph(page, 'unknown');
  const show = (value: number): string => formatMetric(value, history);
  const { average, peak, trough, volatility, slope_per_hour: slope, chance, direction } = trend;
  const parts = [
    `average ${show(average)}`,
    `peak ${show(peak)}`,
    `trough ${show(trough)}`,
    ...(volatility === null ? [] : [`volatility ${volatility.toFixed(2)}`]),
  ];
  const goes = direction === 'rising' || direction === 'falling';
  if (direction === 'unknown') parts.push('too few points for a direction');
  else if (!goes || slope === null || chance === null) parts.push('steady');
  else {
    const sure = chance < 0.001 ? 'p < 0.001' : `p = ${chance.toFixed(3)}`;
    parts.push(`${direction} by ${show(Math.abs(slope))} an hour, ${sure}`);
  }
  return parts.join(` ${glyph(page, 'dot')} `);
}

/** A row each column and series that has a value there. */
function csvOf({ at, series }: MetricHistoryDocument): readonly string[] {
  const rows = series.flatMap(({ key, mean, min, max }) =>
    at.flatMap((moment, i) => {
      const [m, least, most] = [mean[i] ?? null, min[i] ?? null, max[i] ?? null];
      if (m === null) return [];
      const time = new Date(moment).toISOString().replace('.000Z', 'Z');
      return [[time, moment, key, m, least, most].map(csvField).join(',')];
    }),
  );
  return ['time,at,series,mean,min,max', ...rows];
}
