import type { Reason, Why } from '../../api/contract/documents.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { glyph, type Page, paint } from '../page.ts';
import { stateLook } from '../status-word.ts';
import { count, printable, wrap } from '../text.ts';
import { checkId, withNearMiss } from '../workload-ids.ts';

export const why = defineCommand({
  name: 'why',
  group: 'Work',
  summary: 'Say why a workload waits, or why it ended as it did',
  operand: {
    name: 'id',
    summary: 'of the workload',
    required: true,
    many: false,
    complete: 'none',
  },
  options: {},
  json: 'Why: {id, status, sentence, steps}',
  async run({ operands }, world) {
    const client = await world.daemons.connect();
    const id = await checkId(client, operands[0]!);
    const found = await withNearMiss(client, id, () => client.why(id));
    return { document: found, view: (page) => renderWhy(found, page), exit: EXIT.ok };
  },
});

/** A line a step, and below it what its tasks wait for and what would change that. */
export function renderWhy(why: Why, page: Page): readonly string[] {
  if (why.steps.length === 0) return wrap(printable(why.sentence), page.width);
  return why.steps.flatMap((step) => {
    const look = stateLook(step.state);
    const mark = paint(page, look.tone, glyph(page, look.glyph));
    const head = `${mark} ${paint(page, 'strong', printable(step.id))} ${look.word}`;
    if (step.reasons.length > 0) {
      return [head, ...step.reasons.flatMap((reason) => reasonLines(reason, page))];
    }
    const plain = step.sentence === step.state;
    return [head, ...(plain ? [] : wrap(printable(step.sentence), page.width, '  '))];
  });
}

function reasonLines(reason: Reason, page: Page): readonly string[] {
  const tasks = reason.tasks > 1 ? ` (${count(reason.tasks, 'task')})` : '';
  return [
    ...wrap(`${printable(reason.sentence)}${tasks}`, page.width, '  '),
    ...(reason.change === null ? [] : wrap(printable(reason.change), page.width, '    ')),
  ];
}
