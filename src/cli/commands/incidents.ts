import type { IncidentList } from '../../api/contract/incident-documents.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { formatMoment, formatSpan } from '../format.ts';
import { glyph, type Page, paint, type Tone } from '../page.ts';
import { count, printable, wrap } from '../text.ts';

const SINCE_MS = 7 * 86_400_000;
const WIDTH_MAX = 100;

export const incidents = defineCommand({
  name: 'incidents',
  group: 'Work',
  summary: 'Show what failed together: how it grew, what it shares, how far it reaches, what to do',
  details: [
    'It is read from the journal: attempts that failed within ten minutes of each other are one incident. `exponential`: each failure brings others about. `clustered`: what they share failed, such as a node, a rack or a command. `linear`: something runs out or breaks at a steady pace. Work that became slower is shown with the layer that likely slowed it.',
  ],
  options: { since: { kind: 'span', value: 'span', summary: 'so far back (7d)' } },
  json: 'IncidentList: {from, to, complete, failures, incidents, slower, loss}',
  examples: ['berth incidents', 'berth incidents --since 24h --json'],
  async run({ options }, world) {
    const client = await world.daemons.connect();
    const list = await client.incidents(Math.ceil((options.since ?? SINCE_MS) / 1_000));
    if (!list.complete) {
      const from = new Date(list.from).toISOString().slice(0, 16).replace('T', ' ');
      world.note(`the journal tells of what happened since ${from} UTC only`);
    }
    return { document: list, view: (page) => renderIncidents(list, page), exit: EXIT.ok };
  },
});

type Incident = IncidentList['incidents'][number];
type Finding = IncidentList['slower'][number];

const tones: Record<Incident['class'], Tone> = {
  exponential: 'failed',
  clustered: 'waiting',
  linear: 'waiting',
  unclear: 'faint',
};

export function renderIncidents(list: IncidentList, page: Page): readonly string[] {
  const { incidents: found, slower, loss, failures } = list;
  const alone = failures - found.reduce((sum, one) => sum + one.failures, 0);
  const blocks = [
    ...found.map((one) => renderIncident(one, list.to, page)),
    ...slower.map((finding) => renderFinding(finding, page)),
    ...(found.length === 0 && slower.length === 0
      ? [
          [
            failures === 0
              ? 'Nothing failed in that time.'
              : 'Nothing failed together in that time.',
          ],
        ]
      : []),
    [
      ...(alone > 0 ? [paint(page, 'faint', `${count(alone, 'attempt')} failed alone.`)] : []),
      ...(loss === null ? [] : [paint(page, 'faint', `${printable(loss.sentence)} (estimated)`)]),
    ],
  ].filter((block) => block.length > 0);
  return blocks.flatMap((block, i) => (i === 0 ? block : ['', ...block]));
}

function renderIncident(one: Incident, now: number, page: Page): readonly string[] {
  const head = [
    formatMoment(one.from, now),
    paint(page, tones[one.class], one.class),
    `${count(one.failures, 'failure')} in ${formatSpan(one.to - one.from)}`,
    sparkline(one.timeline, page),
  ];
  return [head.join('  '), ...renderFinding(one.finding, page).map((line) => `  ${line}`)];
}

function renderFinding({ sentence, evidence, remedies }: Finding, page: Page): readonly string[] {
  const width = Math.min(page.width, WIDTH_MAX) - 4;
  const dot = glyph(page, 'dot');
  const wrapped = (text: string, indent = ''): readonly string[] =>
    wrap(printable(text), width, indent);
  return [
    ...wrapped(sentence),
    ...evidence.flatMap((one) => wrapped(`${dot} ${one.sentence}`, '  ')),
    ...remedies.flatMap((remedy, i) => [
      ...wrapped(`${i + 1}. ${remedy.title} (risk: ${remedy.risk}). ${remedy.effect}`, '   '),
      ...(remedy.command === null
        ? []
        : [`   ${paint(page, 'strong', printable(remedy.command))}`]),
    ]),
  ];
}

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const PLAIN_BARS = ['.', ':', '-', '=', '+', '*', '#', '@'] as const;

/** Height is the number of failures; where there was none, nothing. */
export function sparkline(counts: readonly number[], page: Page): string {
  const most = Math.max(1, ...counts);
  const bars = page.unicode ? BARS : PLAIN_BARS;
  return counts
    .map((n) => (n === 0 ? ' ' : bars[Math.ceil((n / most) * bars.length) - 1]))
    .join('');
}
