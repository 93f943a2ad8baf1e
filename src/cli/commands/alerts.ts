import type { AlertList } from '../../api/contract/telemetry-documents.ts';
import { severityTones } from '../alert-tones.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatMoment } from '../format.ts';
import { glyph, type Page } from '../page.ts';
import { type Cell, type Column, renderTable } from '../table.ts';
import { count, printable } from '../text.ts';

export const alerts = defineCommand({
  name: 'alerts',
  group: 'Machine',
  summary: 'Show what fires and what is about to, who was told, and what was done about it',
  details: [
    'Rules stand in the site file, under `monitoring.resources.alerts`, beside those that come with Berth: `berth alerts rules`. What ended in the last 24 hours comes last.',
  ],
  options: { firing: { kind: 'flag', summary: 'only what fires' } },
  json: 'AlertList: {now, alerts, rules, silences}',
  examples: ['berth alerts', 'berth alerts --json | jq \'.alerts[] | select(.state == "firing")\''],
  async run({ options }, world) {
    const client = await world.daemons.connect();
    const list = await client.alerts();
    const shown = options.firing
      ? { ...list, alerts: list.alerts.filter(({ state }) => state === 'firing') }
      : list;
    return { document: shown, view: (page) => renderAlerts(shown, page), exit: EXIT.ok };
  },
});

const columns: readonly Column[] = [
  { title: 'ALERT', min: 10 },
  { title: 'SEVERITY' },
  { title: 'STATE' },
  { title: 'SINCE' },
  { title: 'WHAT', min: 24 },
  { title: 'TOLD', min: 8, drop: 2 },
  { title: 'DONE', min: 8, drop: 1 },
];

export function renderAlerts({ alerts: all, rules, silences, now }: AlertList, page: Page) {
  const silent = silences.map(({ id, matches, until, by, comment }) =>
    printable(
      `${id}: nobody is told of ${labelsOf(matches)} until ${formatMoment(until, now)} (${by}${comment === '' ? '' : `: ${comment}`}).`,
    ),
  );
  if (all.length === 0) {
    return [
      `Nothing fires: ${count(rules.length, 'rule')} ${rules.length === 1 ? 'is' : 'are'} looked at.`,
      ...silent,
    ];
  }
  const unknown = glyph(page, 'unknown');
  const rows = all.map((alert): readonly Cell[] => {
    const over = alert.state === 'resolved';
    const tone = over ? 'faint' : severityTones[alert.severity];
    return [
      { text: alert.rule, tone },
      { text: alert.severity, tone },
      alert.muted_by === null ? alert.state : `${alert.state} (${alert.muted_by})`,
      formatMoment(alert.since, now),
      alert.sentence,
      alert.told.map(({ to, outcome }) => `${to}: ${outcome}`).at(-1) ?? unknown,
      alert.acted.map(({ action, outcome }) => `${action}: ${outcome}`).join('; ') || unknown,
    ];
  });
  return [...renderTable(page, columns, rows), ...silent];
}

const labelsOf = (matches: Readonly<Record<string, string>>): string =>
  Object.entries(matches)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
