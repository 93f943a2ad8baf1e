import type { PreemptionDocument } from '../api/contract/preemption-documents.ts';
import { formatMoment } from './format.ts';
import { glyph, type Page, paint } from './page.ts';
import { printable, wrap } from './text.ts';

/** Who was stopped for whom, and the numbers that decided, in a sentence. */
export function preemptionLines(
  { at, sentence }: PreemptionDocument,
  page: Page,
  now: number,
): readonly string[] {
  const mark = paint(page, 'preempted', glyph(page, 'preempted'));
  const text = `${formatMoment(at, now)}: ${printable(sentence)}`;
  const [first = '', ...rest] = wrap(text, page.width - 2);
  return [`${mark} ${first}`, ...rest.map((line) => `  ${line}`)];
}
