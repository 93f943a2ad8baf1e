import type { TermDocument } from '../api/contract/documents.ts';
import { type Page, paint } from './page.ts';
import { printable, wrap } from './text.ts';

const holders: Record<TermDocument['by'], string> = {
  kernel: 'held by the kernel',
  proxy: "held by Berth's proxy",
  accounting: 'measured',
  none: 'not enforced',
};

/** `cores: held by the kernel (its own: CPUs 2-3)`. */
export function termLines({ term, by, note }: TermDocument, page: Page): readonly string[] {
  const text = `${term}: ${holders[by]}${note === '' ? '' : ` (${note})`}`;
  const lines = wrap(printable(text), page.width, '  ');
  return by === 'none' ? lines : lines.map((line) => paint(page, 'faint', line));
}
