import type { MetricDriftDocument } from '../../api/contract/telemetry-documents.ts';
import { OperationError } from '../../model/errors.ts';
import { checkedLabel } from '../checked-label.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatSpan } from '../format.ts';
import { formatMetric } from '../metric-value.ts';
import { glyph, type Page, paint } from '../page.ts';
import { type Column, renderTable } from '../table.ts';
import { grouped, printable, wrap } from '../text.ts';

const DAY_MS = 86_400_000;
const BEFORE_MS = 7 * DAY_MS;

export const metricsDrift = defineCommand({
  name: 'metrics drift',
  group: 'Machine',
  summary: 'Say whether the values of a metric are distributed as they were',
  details: [
    'Two samples are compared: the newest, and what came before them. Kolmogorov–Smirnov is the greatest distance of the two distributions, the population stability index (PSI) a sum over ten parts of the older; a drift is told from 0.25 of either on, where chance makes it so less than once in a hundred times. Neighbours that resemble each other count as one point.',
    'Of what tasks tell, such as model_accuracy, each telling is a point; what is measured by itself has one point an interval.',
  ],
  operand: {
    name: 'name',
    summary: 'as `berth metrics` has it; of a counter its rate',
    required: true,
    many: false,
    complete: 'none',
  },
  options: {
    before: { kind: 'span', value: 'span', summary: 'the older values are of so long (7d)' },
    after: { kind: 'span', value: 'span', summary: 'the newer ones are of so long, till now (1d)' },
    label: { kind: 'texts', value: 'key=value', summary: 'series that have this label' },
  },
  json: 'MetricDrift: {name, unit, verdict, sentence, before, after, kolmogorov_smirnov, population_stability}',
  examples: [
    'berth metrics drift model_accuracy --label model_name=m',
    'berth metrics drift berth_node_disk_busy_ratio --before 30d --after 7d',
  ],
  async run({ operands, options }, world) {
    const client = await world.daemons.connect();
    const asked = {
      name: operands[0]!,
      labels: options.label.map(checkedLabel),
      beforeMs: options.before ?? BEFORE_MS,
      afterMs: options.after ?? DAY_MS,
    };
    const drift = await client.metricDrift(asked).catch((error: unknown) => {
      if (!(error instanceof OperationError && error.code === 'NOT_FOUND')) throw error;
      throw new OperationError('NOT_FOUND', error.message, { hint: 'See `berth metrics`.' }, error);
    });
    return { document: drift, view: (page) => renderDrift(drift, page), exit: EXIT.ok };
  },
});

const columns: readonly Column[] = [
  { title: 'VALUES', min: 6 },
  { title: 'OF', align: 'right' },
  { title: 'POINTS', align: 'right' },
  { title: '5 %', align: 'right' },
  { title: 'MEDIAN', align: 'right' },
  { title: '95 %', align: 'right' },
];

export function renderDrift(drift: MetricDriftDocument, page: Page): readonly string[] {
  const { before, after, verdict, sentence } = drift;
  const show = (value: number | null): string =>
    value === null ? glyph(page, 'unknown') : formatMetric(value, drift);
  const row = (name: string, sample: MetricDriftDocument['before']): readonly string[] => [
    name,
    formatSpan(sample.to - sample.from),
    grouped(sample.points),
    show(sample.low),
    show(sample.median),
    show(sample.high),
  ];
  const tone = verdict === 'drift' ? 'failed' : verdict === 'unknown' ? 'faint' : 'done';
  return [
    ...wrap(printable(sentence), page.width).map((line) => paint(page, tone, line)),
    '',
    ...renderTable(page, columns, [row('before', before), row('after', after)]),
  ];
}
