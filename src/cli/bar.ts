import type { StepDocument } from '../api/contract/documents.ts';
import { glyph, type Page, paint, type Tone } from './page.ts';

type TaskCounts = StepDocument['tasks'];

/** Tasks of a step as cells: succeeded, failed, cancelled, running, waiting; what is there gets a cell at least. */
export function taskBar(page: Page, tasks: TaskCounts, width: number): string {
  const parts: readonly (readonly [number, string, Tone])[] = [
    [tasks.succeeded, glyph(page, 'full'), 'done'],
    [tasks.failed, glyph(page, 'broken'), 'failed'],
    [tasks.cancelled, glyph(page, 'broken'), 'faint'],
    [tasks.running, glyph(page, 'part'), 'running'],
    [tasks.waiting, glyph(page, 'empty'), 'faint'],
  ];
  const cells = apportion(
    parts.map(([n]) => n),
    width,
  );
  return parts.map(([, mark, tone], i) => paint(page, tone, mark.repeat(cells[i]!))).join('');
}

/** Shares `cells` among the amounts by largest remainder, at least one for each amount above zero. */
export function apportion(amounts: readonly number[], cells: number): readonly number[] {
  const total = amounts.reduce((a, b) => a + b, 0);
  if (total === 0) return amounts.map((_, i) => (i === amounts.length - 1 ? cells : 0));
  const shares = amounts.map((n) => (n / total) * cells);
  const given = shares.map((share, i) => (amounts[i]! > 0 ? Math.max(1, Math.floor(share)) : 0));
  const byRemainder = shares
    .map((share, i) => ({ i, remainder: share - Math.floor(share) }))
    .filter(({ i }) => amounts[i]! > 0)
    .sort((a, b) => b.remainder - a.remainder || a.i - b.i);
  let left = cells - given.reduce((a, b) => a + b, 0);
  for (let k = 0; left > 0; k = (k + 1) % byRemainder.length, left--) given[byRemainder[k]!.i]!++;
  while (left < 0) {
    const largest = given.indexOf(Math.max(...given));
    given[largest]!--;
    left++;
  }
  return given;
}

export interface Amounts {
  /** In use: the fill. Null where it is unknown. */
  readonly used: number | null;
  /** Given out: the outline. */
  readonly held: number | null;
  /** What there is. */
  readonly total: number;
}

/** The little bar of a resource: used is filled, what is given out beyond it is outlined, the rest blank. */
export function resourceBar(page: Page, tone: Tone, amounts: Amounts, width: number): string {
  const cells = (n: number | null): number =>
    n === null || amounts.total <= 0
      ? 0
      : Math.max(n > 0 ? 1 : 0, Math.min(width, Math.round((n / amounts.total) * width)));
  const used = cells(amounts.used);
  const held = Math.max(used, cells(amounts.held));
  return (
    paint(page, tone, glyph(page, 'full').repeat(used)) +
    paint(page, tone, glyph(page, 'empty').repeat(held - used)) +
    ' '.repeat(width - held) +
    glyph(page, 'tick')
  );
}
