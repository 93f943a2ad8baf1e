import type { SuggestionList } from '../../api/contract/money-documents.ts';
import { formatDollars } from '../../base/format.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { type Page, paint } from '../page.ts';

const SINCE_MS = 7 * 86_400_000;

export const suggest = defineCommand({
  name: 'suggest',
  group: 'Work',
  summary: 'Say where money or time is lost, with evidence and the saving in a month',
  details: ['Every saving is shown with its formula: what was seen, scaled to 30 days.'],
  options: { since: { kind: 'span', value: 'span', summary: 'what to look at (7d)' } },
  json: 'SuggestionList: {from, to, complete, suggestions}; savings are micro-dollars in 30 days, null is unknown',
  async run({ options }, world) {
    const client = await world.daemons.connect();
    const list = await client.suggestions(Math.ceil((options.since ?? SINCE_MS) / 1_000));
    return { document: list, view: (page) => renderSuggestions(list, page), exit: EXIT.ok };
  },
});

function renderSuggestions({ suggestions }: SuggestionList, page: Page): readonly string[] {
  if (suggestions.length === 0) return ['Nothing stands out in that time.'];
  return suggestions.flatMap((one, i) => [
    ...(i === 0 ? [] : ['']),
    one.description,
    `  ${one.evidence}`,
    one.monthly_saving === null
      ? `  Saving: unknown (${one.formula})`
      : `  Saving: ${formatDollars(one.monthly_saving)} a month ${paint(page, 'faint', `= ${one.formula}`)}`,
  ]);
}
