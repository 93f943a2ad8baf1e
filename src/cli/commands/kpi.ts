import type { KpiList } from '../../api/contract/telemetry-documents.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { kpiTable, objectiveTable } from '../kpi-table.ts';
import type { Page } from '../page.ts';

const SINCE_MS = 30 * 86_400_000;

export const kpi = defineCommand({
  name: 'kpi',
  group: 'Work',
  summary: 'Show key figures against their targets, and what is left of the budgets of objectives',
  details: [
    'Figures are from the journal and the metrics of the host; what was not measured is unknown and says why. Intervals are of 90 %: of Wilson for shares, by χ² for times between failures and to repair. Targets and objectives are in `monitoring` of the site; see docs/guides/reports.md.',
  ],
  options: {
    since: { kind: 'span', value: 'span', summary: 'of figures: so far back (30d)' },
    csv: { kind: 'flag', summary: 'figures as comma-separated values; an empty field is unknown' },
  },
  json: 'KpiList: {from, to, complete, kpis, objectives}; null is unknown',
  examples: ['berth kpi', 'berth kpi --since 7d --csv'],
  async run({ options }, world) {
    const client = await world.daemons.connect();
    const list = await client.kpis(Math.ceil((options.since ?? SINCE_MS) / 1_000));
    if (!list.complete) {
      const from = new Date(list.from).toISOString().slice(0, 16).replace('T', ' ');
      world.note(`the journal tells of what happened since ${from} UTC only`);
    }
    const view = (page: Page): readonly string[] =>
      options.csv ? csvOf(list) : renderKpis(list, page);
    return { document: list, view, exit: EXIT.ok };
  },
});

const renderKpis = ({ kpis, objectives }: KpiList, page: Page): readonly string[] => [
  ...kpiTable(page, kpis),
  '',
  ...(objectives.length === 0
    ? ['The site has no objectives (`monitoring.objectives`).']
    : objectiveTable(page, objectives)),
];

const fields = [
  'name',
  'unit',
  'value',
  'low',
  'high',
  'target',
  'critical',
  'status',
  'samples',
] as const;

/** None of them has a comma. */
const csvOf = ({ kpis }: KpiList): readonly string[] => [
  fields.join(','),
  ...kpis.map((one) => fields.map((field) => one[field] ?? '').join(',')),
];
