import { glyph, type Page } from './page.ts';

/** Control characters and escape sequences in names and messages must not drive the terminal. */
export function printable(text: string): string {
  return text.replace(/\s+/g, ' ').trim().replace(UNPRINTABLE, '?');
}

/** Controls, and what turns the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const ZERO = /\p{Mn}|\p{Me}|\p{Cf}/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence starts with one
const STYLE = /\u001b\[[0-9;]*m/g;

/** Columns that the text takes in a terminal, styles left out. */
export function displayWidth(text: string): number {
  const bare = text.replace(STYLE, '');
  if (/^[\u0020-\u007e]*$/.test(bare)) return bare.length;
  let width = 0;
  for (const c of bare) width += ZERO.test(c) ? 0 : WIDE.test(c) ? 2 : 1;
  return width;
}

/** At most `width` columns, the cut shown by an ellipsis. For text without styles. */
export function truncate(page: Page, text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const mark = glyph(page, 'ellipsis');
  const room = width - displayWidth(mark);
  if (room <= 0) return mark.slice(0, Math.max(0, width));
  let kept = '';
  let used = 0;
  for (const c of text) {
    const w = displayWidth(c);
    if (used + w > room) break;
    kept += c;
    used += w;
  }
  return kept + mark;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text;
}

/** Breaks a sentence at spaces into lines of at most `width` columns, each after `indent`. */
export function wrap(text: string, width: number, indent = ''): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && displayWidth(indent) + displayWidth(longer) > width) {
      lines.push(indent + line);
      line = word;
    } else line = longer;
  }
  lines.push(indent + line);
  return lines;
}

/** `1 task`, `3 tasks`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${grouped(n)} ${n === 1 ? one : many}`;
}

/** `12,040`, the same in every locale. */
export function grouped(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `a, b and c`. */
export function enumerate(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
