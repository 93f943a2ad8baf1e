import type { ForetoldStart, StartCalibration } from '../api/contract/documents.ts';
import { glyph, type Page } from './page.ts';

/** Fewer starts say nothing of how often intervals are right. */
const SHARE_MIN = 10;

/** `14:32 (14:20–15:10)`. */
export function startCell(start: ForetoldStart | undefined, page: Page, now: number): string {
  if (start === undefined) return glyph(page, 'unknown');
  const at = clockTime(start.at, now);
  const hasWidth = start.high === null || clockTime(start.low, now) !== clockTime(start.high, now);
  return hasWidth ? `${at} (${clockRange(start, page, now)})` : at;
}

/** `14:20–15:10`; `from 14:20` where its end is not known. */
export function clockRange(
  { low, high }: Pick<ForetoldStart, 'low' | 'high'>,
  page: Page,
  now: number,
): string {
  if (high === null) return `from ${clockTime(low, now)}`;
  return `${clockTime(low, now)}${glyph(page, 'range')}${clockTime(high, now)}`;
}

/** What the intervals mean, and how often they held what came. */
export function calibrationLine({ inside, of }: StartCalibration): string {
  const meant = 'Of ten starts eight are meant to lie between both times';
  return of < SHARE_MIN
    ? `${meant}; too few have come here to say how many do.`
    : `${meant}; of the last ${of} here ${inside} did.`;
}

/** In the reader's time zone: `14:32`, with the day when it is another one. */
export function clockTime(at: number, now: number): string {
  const [moment, today] = [new Date(at), new Date(now)];
  const two = (n: number): string => String(n).padStart(2, '0');
  const time = `${two(moment.getHours())}:${two(moment.getMinutes())}`;
  if (moment.toDateString() === today.toDateString()) return time;
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())} ${time}`;
}
