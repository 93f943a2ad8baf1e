import type { Page } from './page.ts';

const LEVELS = ['▁▂▃▄▅▆▇█', '_.-~=+*#'] as const;

/** One character a value, from the least to the greatest of them; a blank where there is none. */
export function sparkline(page: Page, values: readonly (number | null)[]): string {
  const levels = LEVELS[page.unicode ? 0 : 1];
  const known = values.filter((value) => value !== null);
  const least = known.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const range = known.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - least;
  const levelOf = (value: number): string =>
    levels[range > 0 ? Math.round(((value - least) / range) * (levels.length - 1)) : 0]!;
  return values.map((value) => (value === null ? ' ' : levelOf(value))).join('');
}
