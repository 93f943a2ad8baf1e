import type { BudgetList } from '../../api/contract/money-documents.ts';
import { formatDollars } from '../../base/format.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatMoment, formatPercent } from '../format.ts';
import { glyph, type Page } from '../page.ts';
import { type Column, renderTable } from '../table.ts';

export const budget = defineCommand({
  name: 'budget',
  group: 'Work',
  summary: 'Show budgets: spent and reserved of what limit, and when they reset',
  details: [
    'Reserved is held back for what runs. Budgets are set in the site file, under `budgets` and `multi_tenancy`; prices with `berth up --prices FILE`.',
  ],
  options: {},
  json: 'BudgetList: {now, budgets}; amounts are micro-dollars',
  async run(_input, world) {
    const client = await world.daemons.connect();
    const list = await client.budgets();
    return { document: list, view: (page) => renderBudgets(list, page), exit: EXIT.ok };
  },
});

const columns: readonly Column[] = [
  { title: 'BUDGET', min: 8 },
  { title: 'FOR', min: 6, drop: 2 },
  { title: 'SPENT', align: 'right' },
  { title: 'RESERVED', align: 'right' },
  { title: 'LIMIT', align: 'right' },
  { title: 'TAKEN', align: 'right' },
  { title: 'AT LIMIT', drop: 1 },
  { title: 'RESETS', drop: 3 },
];

function renderBudgets({ budgets, now }: BudgetList, page: Page): readonly string[] {
  if (budgets.length === 0)
    return ['No budgets are set: they stand in the site file, under `budgets`.'];
  const rows = budgets.map((one) => [
    one.name,
    one.tenant ?? one.of ?? (one.scope === 'each-tenant' ? 'each' : 'all together'),
    `${formatDollars(one.spent)}${one.window === 'rate' ? '/h' : ''}`,
    formatDollars(one.reserved),
    formatDollars(one.limit),
    one.limit === 0
      ? glyph(page, 'unknown')
      : formatPercent((one.spent + one.reserved) / one.limit),
    one.at_limit,
    one.resets_at === null ? glyph(page, 'unknown') : formatMoment(one.resets_at, now),
  ]);
  return renderTable(page, columns, rows);
}
