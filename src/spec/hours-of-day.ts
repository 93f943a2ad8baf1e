import { z } from 'zod';
import { type Parsed, parseClockTime, shown } from './quantities.ts';
import { timeZone } from './site-fields.ts';

/** In minutes after midnight; past it when `end` is not later. */
export interface Hours {
  readonly start: number;
  readonly end: number;
}

export const MINUTE_MS = 60_000;
/** For what begins when it ends. */
export const NO_HOURS = 'it begins when it ends';

const clockTime = (description: string) =>
  z
    .string()
    .transform((written, context): number => {
      const parsed = parseClockTime(written);
      if (parsed.ok) return parsed.value;
      const { message, expected } = parsed;
      context.addIssue({ code: 'custom', message, params: { expected } });
      return z.NEVER;
    })
    .meta({ description, title: 'time of day such as 22:00' });

/** The long form of hours of every day, with a zone of their own. */
export const daySchedule = z.strictObject({
  start: clockTime('When it begins, every day.'),
  end: clockTime('When it ends; on the next day, when that is not later.'),
  timezone: timeZone.optional(),
});

/** `22:00-06:00`; `expected` says what else may stand there. */
export function parseHoursOfDay(written: string, expected: string): Parsed<Hours> {
  const [start, end, ...more] = written.split(/[-–]/);
  if (start === undefined || end === undefined || more.length > 0) {
    return { ok: false, message: `${shown(written)} is not a time of every day`, expected };
  }
  const from = parseClockTime(start);
  const until = parseClockTime(end);
  if (!from.ok) return { ...from, expected };
  if (!until.ok) return { ...until, expected };
  return { ok: true, value: { start: from.value, end: until.value } };
}

/** A text of hours, or one of some words that are kept as they are. */
export function hoursOr<const W extends string>(
  words: readonly W[],
  described: { readonly description: string; readonly default?: string },
) {
  const expected = [...words.map((word) => `\`${word}\``), 'hours such as 22:00-06:00'].join(', ');
  return z
    .string()
    .transform((written, context): W | Hours => {
      const plain = written.trim().replaceAll('-', '_');
      const word = words.find((one) => one === plain);
      if (word !== undefined) return word;
      const parsed = parseHoursOfDay(written, expected);
      const same = parsed.ok && parsed.value.start === parsed.value.end;
      if (parsed.ok && !same) return parsed.value;
      const message = parsed.ok ? NO_HOURS : parsed.message;
      context.addIssue({ code: 'custom', message, params: { expected } });
      return z.NEVER;
    })
    .meta({ ...described, title: [...words, '22:00-06:00'].join(', ') });
}
