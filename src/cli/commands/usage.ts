import type { UsageReportDocument } from '../../api/contract/money-documents.ts';
import { csvField } from '../../base/csv.ts';
import { formatDollars } from '../../base/format.ts';
import { OperationError } from '../../model/errors.ts';
import { resourceBar } from '../bar.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatSpan } from '../format.ts';
import { glyph, type Page } from '../page.ts';
import { type Column, renderTable } from '../table.ts';

const SINCE_MS = 7 * 86_400_000;
const BAR_WIDTH = 20;

export const usage = defineCommand({
  name: 'usage',
  group: 'Work',
  summary: 'Show who used what: CPU-, memory- and GPU-hours, money, failures and waiting',
  details: [
    'It is read from the journal, so workloads that ended long ago count, as far back as that is kept. `~` beside an amount: something in it has no known price and is not counted.',
  ],
  options: {
    since: { kind: 'span', value: 'span', summary: 'so far back (7d)' },
    by: {
      kind: 'text',
      value: 'keys',
      summary: 'of pipeline, user, model, queue, node, step, with commas (pipeline)',
    },
    csv: { kind: 'flag', summary: 'as comma-separated values, amounts in dollars' },
  },
  json: 'UsageReport: {from, to, complete, by, rows, total}; amounts are micro-dollars',
  examples: [
    'berth usage --since 7d --by pipeline,user',
    'berth usage --since 30d --by user --csv',
  ],
  async run({ options }, world) {
    const by = (options.by ?? 'pipeline').split(',').map((key) => key.trim());
    if (by.includes('')) throw new OperationError('USAGE', 'A key of --by is empty.');
    const client = await world.daemons.connect();
    const seconds = Math.ceil((options.since ?? SINCE_MS) / 1_000);
    const report = await client.usageReport(seconds, by);
    if (!report.complete) {
      const from = new Date(report.from).toISOString().slice(0, 16).replace('T', ' ');
      world.note(`the journal tells of what happened since ${from} UTC only`);
    }
    const view = (page: Page): readonly string[] =>
      options.csv ? csvOf(report) : renderUsage(report, page);
    return { document: report, view, exit: EXIT.ok };
  },
});

type Sums = UsageReportDocument['total'];

function renderUsage(report: UsageReportDocument, page: Page): readonly string[] {
  const { rows, total, by } = report;
  if (rows.length === 0) return ['Nothing ran and nothing was spent in that time.'];
  const byMoney = total.cost > 0;
  const amount = (one: Sums): number => (byMoney ? one.cost : one.cpu_hours);
  const most = Math.max(...rows.map(amount));
  const columns: readonly Column[] = [
    ...by.map((key) => ({ title: key.toUpperCase(), min: 6 })),
    { title: byMoney ? 'COST' : 'CPU-H', align: 'right' },
    { title: '', drop: 1 },
    ...(byMoney ? [{ title: 'CPU-H', align: 'right' as const, drop: 2 }] : []),
    { title: 'GIB-H', align: 'right', drop: 3 },
    { title: 'GPU-H', align: 'right', drop: 4 },
    { title: 'USED', align: 'right', drop: 5 },
    { title: 'ATTEMPTS', align: 'right', drop: 7 },
    { title: 'FAILED', align: 'right', drop: 6 },
    { title: 'WAIT', align: 'right', drop: 8 },
  ];
  const cells = (one: Sums): readonly string[] => [
    byMoney ? costOf(one) : hours(one.cpu_hours),
    resourceBar(page, 'running', { used: amount(one), held: null, total: most }, BAR_WIDTH),
    ...(byMoney ? [hours(one.cpu_hours)] : []),
    hours(one.memory_gib_hours),
    hours(one.gpu_hours),
    one.cpu_used_ratio === null
      ? glyph(page, 'unknown')
      : `${Math.round(one.cpu_used_ratio * 100)}%`,
    String(one.attempts),
    String(one.failures),
    one.attempts === 0 ? glyph(page, 'unknown') : formatSpan(one.wait_ms / one.attempts),
  ];
  return renderTable(page, columns, [
    ...rows.map((row) => [
      ...row.group.map((name) => name ?? glyph(page, 'unknown')),
      ...cells(row),
    ]),
    ...(rows.length === 1 ? [] : [['all', ...by.slice(1).map(() => ''), ...cells(total)]]),
  ]);
}

const hours = (n: number): string => n.toFixed(n >= 100 ? 0 : 2);

const costOf = ({ cost, unpriced }: Sums): string =>
  `${unpriced > 0 ? '~' : ''}$${(cost / 1_000_000).toFixed(cost > 0 && cost < 10_000 ? 6 : 2)}`;

const sumKeys = [
  'cost',
  'cpu_hours',
  'cpu_used_ratio',
  'memory_gib_hours',
  'gpu_hours',
  'unpriced',
  'attempts',
  'failures',
  'wait_ms',
  'tokens',
  'calls',
] as const;

/** RFC 4180. An empty field is unknown. */
export function csvOf({ by, rows }: UsageReportDocument): readonly string[] {
  const head = [...by, ...sumKeys.map((key) => (key === 'cost' ? 'cost_dollars' : key))];
  return [
    head.join(','),
    ...rows.map((row) =>
      [
        ...row.group,
        ...sumKeys.map((key) => (key === 'cost' ? formatDollars(row.cost).slice(1) : row[key])),
      ]
        .map(csvField)
        .join(','),
    ),
  ];
}
