import type { AlertReplay } from '../../api/contract/alert-documents.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatMoment, formatSpan } from '../format.ts';
import { glyph, type Page } from '../page.ts';
import { type Column, renderTable } from '../table.ts';
import { count, enumerate, wrap } from '../text.ts';

const REPLAY_MS = 86_400_000;

export const alertsTest = defineCommand({
  name: 'alerts test',
  group: 'Machine',
  summary: 'Show when a rule would have fired, for how long, and how often people were told',
  details: [
    'The rule is looked at over what was measured, with the same hysteresis, duration and pauses between notices as in earnest; nobody is told and nothing is done. A condition that is typed ends after a minute in which it does not hold.',
  ],
  operand: {
    name: 'rule',
    summary: 'name of a rule, or a condition such as `cpu_utilization > 90`',
    required: true,
    many: false,
    complete: 'none',
  },
  options: {
    replay: { kind: 'span', value: 'span', summary: 'so far back (24h)' },
    duration: { kind: 'span', value: 'span', summary: 'it holds for so long before it fires' },
  },
  json: 'AlertReplay: {rule, condition, from, to, interval_ms, missing, notices, firing_ms, total, alerts}',
  examples: [
    'berth alerts test cpu_high --replay 24h',
    "berth alerts test 'memory_available < 4Gi' --duration 5m --replay 7d",
  ],
  async run({ operands, options }, world) {
    const [written] = operands;
    const client = await world.daemons.connect();
    const isName = /^[\w.-]+$/.test(written!.trim());
    const { duration } = options;
    const replay = await client.replayAlert({
      ...(isName ? { rule: written!.trim() } : { condition: written! }),
      ...(duration !== undefined && { duration: `${duration}ms` }),
      span: `${options.replay ?? REPLAY_MS}ms`,
    });
    return { document: replay, view: (page) => renderReplay(replay, page), exit: EXIT.ok };
  },
});

const columns: readonly Column[] = [
  { title: 'FIRED' },
  { title: 'FOR', align: 'right' },
  { title: 'WHAT', min: 24 },
];

function renderReplay(replay: AlertReplay, page: Page): readonly string[] {
  const { alerts, total, missing, notices, from, to } = replay;
  const notes = [
    ...(missing.length === 0 ? [] : [`Nothing was kept of ${enumerate(missing)} in that time.`]),
    ...(total > alerts.length ? [`${total - alerts.length} more fired.`] : []),
  ];
  const span = formatSpan(to - from);
  if (total === 0) {
    const sentence = `\`${replay.condition}\` would not have fired in the last ${span}.`;
    return [...wrap(sentence, page.width), ...notes];
  }
  const sentence = `\`${replay.condition}\` would have fired ${count(total, 'time')} in the last ${span}, for ${formatSpan(replay.firing_ms)} in all, with ${count(notices, 'notice')}. It was looked at each ${formatSpan(replay.interval_ms)}.`;
  const rows = alerts.map(({ fired_at: fired, resolved_at: ended, sentence: said }) => [
    formatMoment(fired, to),
    `${formatSpan((ended ?? to) - fired)}${ended === null ? ` ${glyph(page, 'ellipsis')}` : ''}`,
    said,
  ]);
  return [...wrap(sentence, page.width), '', ...renderTable(page, columns, rows), ...notes];
}
