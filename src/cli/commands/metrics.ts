import type { MetricList } from '../../api/contract/telemetry-documents.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatMoment } from '../format.ts';
import { formatMetric } from '../metric-value.ts';
import { glyph, type Page } from '../page.ts';
import { type Column, renderTable } from '../table.ts';

type Metric = MetricList['metrics'][number];

export const metrics = defineCommand({
  name: 'metrics',
  group: 'Machine',
  summary: 'Show what is measured, with its newest values',
  details: [
    'A counter is shown as counted and, under a name of its own, as its rate. SOURCE says who measured: Berth itself, a driver, or a formula over other metrics (`derived`, `estimated`).',
  ],
  operand: {
    name: 'filter',
    summary: 'a part of the name, of a label or of what it means',
    required: false,
    many: false,
    complete: 'none',
  },
  options: {
    name: { kind: 'text', value: 'name', summary: 'this one only, each of its series in a row' },
  },
  json: 'MetricList: {now, quality, metrics: [{name, kind, unit, source, help, history, series, more}, …]}',
  examples: ['berth metrics', 'berth metrics pressure', 'berth metrics --name berth_node_load1'],
  async run({ operands, options }, world) {
    const client = await world.daemons.connect();
    const list = await client.metrics(options.name);
    const [filter] = operands;
    const found = filter === undefined ? list.metrics : list.metrics.filter(has(filter));
    const document = { ...list, metrics: found };
    return {
      document,
      view: (page) => (options.name === undefined ? overview : each)(document, page),
      exit: EXIT.ok,
    };
  },
});

const has = (filter: string) => {
  const wanted = filter.toLowerCase();
  return ({ name, help, series }: Metric): boolean =>
    [name, help, ...series.map(({ labels }) => labelText(labels))].some((text) =>
      text.toLowerCase().includes(wanted),
    );
};

const columns: readonly Column[] = [
  { title: 'METRIC', min: 24 },
  { title: 'NOW', align: 'right' },
  { title: 'SERIES', align: 'right', drop: 1 },
  { title: 'SOURCE', drop: 2 },
  { title: 'WHAT', min: 16, drop: 3 },
];

function overview({ metrics, quality }: MetricList, page: Page): readonly string[] {
  if (metrics.length === 0) return ['Nothing of the kind is measured.'];
  const rows = metrics.map((metric) => {
    const { name, series, more, source, help } = metric;
    return [name, valuesOf(metric, page), String(series.length + more), source, help];
  });
  const known = quality === null ? [] : [`Data quality: ${Math.round(quality * 100)}%`];
  return [...renderTable(page, columns, rows), ...known];
}

/** One value, or from the least to the greatest of what is here. */
function valuesOf(metric: Metric, page: Page): string {
  const values = metric.series.map(({ value }) => value);
  if (values.length === 0) return glyph(page, 'unknown');
  const least = formatMetric(Math.min(...values), metric);
  const most = formatMetric(Math.max(...values), metric);
  return least === most ? most : `${least} ${glyph(page, 'ellipsis')} ${most}`;
}

function each({ metrics: [metric], now }: MetricList, page: Page): readonly string[] {
  if (metric === undefined) return ['Nothing of that name is measured.'];
  const { series, more, help, source } = metric;
  const rows = series.map(({ labels, value, at }) => [
    labelText(labels) || glyph(page, 'unknown'),
    formatMetric(value, metric),
    formatMoment(at, now),
  ]);
  const head = [{ title: 'SERIES', min: 16 }, { title: 'NOW', align: 'right' }, { title: 'AT' }];
  return [
    `${metric.name}: ${help} (${source})`,
    ...renderTable(page, head as readonly Column[], rows),
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
}

const labelText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(' ');
