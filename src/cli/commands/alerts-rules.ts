import type { AlertList } from '../../api/contract/telemetry-documents.ts';
import { severityTones } from '../alert-tones.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatSpan } from '../format.ts';
import type { Page } from '../page.ts';
import { type Cell, type Column, renderTable } from '../table.ts';

export const alertsRules = defineCommand({
  name: 'alerts rules',
  group: 'Machine',
  summary: 'List the rules of alerts, where each is from, and what is wrong with it now',
  options: {},
  json: 'AlertList: {now, alerts, rules, silences}',
  async run(_input, world) {
    const client = await world.daemons.connect();
    const list = await client.alerts();
    return { document: list, view: (page) => renderRules(list, page), exit: EXIT.ok };
  },
});

const ruleColumns: readonly Column[] = [
  { title: 'RULE', min: 10 },
  { title: 'SEVERITY' },
  { title: 'CONDITION', min: 24 },
  { title: 'FOR', align: 'right' },
  { title: 'DOES', min: 8 },
  { title: 'FROM', min: 8, drop: 1 },
  { title: 'PROBLEM', min: 12, drop: 2 },
];

function renderRules({ rules }: AlertList, page: Page): readonly string[] {
  if (rules.length === 0) return ['There is no rule: the site file has none, and wants none.'];
  return renderTable(
    page,
    ruleColumns,
    rules.map((one): readonly Cell[] => [
      one.name,
      { text: one.severity, tone: severityTones[one.severity] },
      one.condition,
      formatSpan(one.duration_ms),
      ['notify', ...one.actions].join(', '),
      one.origin,
      one.problem ?? '',
    ]),
  );
}
