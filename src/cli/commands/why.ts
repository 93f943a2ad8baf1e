import type { Reason, Why } from '../../api/contract/documents.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { glyph, type Page, paint } from '../page.ts';
import { preemptionLines } from '../preemption-lines.ts';
import { clockRange, clockTime, startCell } from '../start-times.ts';
import { stateLook } from '../status-word.ts';
import { termLines } from '../term-lines.ts';
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
  details: [
    'Reasons come in order of precedence. Below each stands what would let the first such task start: a smaller request that would start now, or when it is likely to start, and after whose end: eight of ten starts are meant to lie between both times, and how many did here is said beside them.',
    'Of a service that is autoscaled: what its metrics ask for, what bounds that, and the last change with its reason.',
    'Then what became of its execution terms: what holds each, or why nothing does.',
    'Below them: who was stopped for its tasks, and for whom its own were stopped, with the numbers that decided.',
  ],
  options: {},
  json: 'Why: {id, status, sentence, steps, preemptions}',
  async run({ operands }, world) {
    const client = await world.daemons.connect();
    const id = await checkId(client, operands[0]!);
    const found = await withNearMiss(client, id, () => client.why(id));
    const now = world.now();
    return { document: found, view: (page) => renderWhy(found, page, now), exit: EXIT.ok };
  },
});

/** Of the newest. */
const PREEMPTIONS_SHOWN_MAX = 5;

/** A line a step, and below it what its tasks wait for and what would change that; then who was stopped for whom. */
export function renderWhy(why: Why, page: Page, now: number): readonly string[] {
  const steps = why.steps.flatMap((step) => stepLines(step, page, now));
  const lines = why.steps.length === 0 ? wrap(printable(why.sentence), page.width) : steps;
  const hidden = why.preemptions.length - PREEMPTIONS_SHOWN_MAX;
  const warnings = (why.warnings ?? []).flatMap((warning) => wrap(printable(warning), page.width));
  return [
    ...lines,
    ...warnings.map((line) => paint(page, 'faint', line)),
    ...why.preemptions
      .slice(0, PREEMPTIONS_SHOWN_MAX)
      .flatMap((preemption) => preemptionLines(preemption, page, now)),
    ...(hidden > 0 ? [paint(page, 'faint', `and ${count(hidden, 'earlier preemption')}`)] : []),
  ];
}

function stepLines(step: Why['steps'][number], page: Page, now: number): readonly string[] {
  const look = stateLook(step.state);
  const mark = paint(page, look.tone, glyph(page, look.glyph));
  const head = `${mark} ${paint(page, 'strong', printable(step.id))} ${look.word}`;
  const terms = (step.terms ?? []).flatMap((term) => termLines(term, page));
  if (step.reasons.length > 0) {
    const reasons = step.reasons.flatMap((reason) => reasonLines(reason, page, now));
    return [head, ...reasons, ...terms];
  }
  const plain = step.sentence === step.state;
  return [head, ...(plain ? [] : wrap(printable(step.sentence), page.width, '  ')), ...terms];
}

function reasonLines(reason: Reason, page: Page, now: number): readonly string[] {
  const tasks = reason.tasks > 1 ? ` (${count(reason.tasks, 'task')})` : '';
  const clock = startTimes(reason, page, now);
  return [
    ...wrap(`${printable(reason.sentence)}${tasks}`, page.width, '  '),
    ...(reason.change === null
      ? []
      : wrap(`${printable(reason.change)}${clock}`, page.width, '    ')),
  ];
}

/** ` (~14:32)`, and with an interval ` (~14:32, 14:20–15:10)`. */
function startTimes({ starts_at: at, starts }: Reason, page: Page, now: number): string {
  if (at === undefined || at <= now) return '';
  const short = clockTime(at, now);
  if (starts === undefined || startCell(starts, page, now) === short) return ` (~${short})`;
  return ` (~${short}, ${clockRange(starts, page, now)})`;
}
