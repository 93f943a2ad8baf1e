import type { TimeMs } from '../base/units.ts';
import type { ReportPeriod, ReportSchedule } from '../model/objective.ts';
import type { Zone } from '../model/reservation.ts';
import { windowAt } from '../scheduling/calendar.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** No period is longer, with a day more for what clocks do. */
const LONGEST_MS: Readonly<Record<ReportPeriod, number>> = {
  day: 2 * DAY_MS,
  week: 8 * DAY_MS,
  month: 32 * DAY_MS,
  quarter: 93 * DAY_MS,
  year: 367 * DAY_MS,
};

/** The first moment after `after` at which the schedule is due. No day is left out or doubled by summer time. */
export function nextDue(schedule: ReportSchedule, zone: Zone, after: number): TimeMs {
  const startMs = schedule.atMinutes * MINUTE_MS;
  // Until midnight: a window that lies wholly in the hour that summer time leaves out never opens.
  const daily = { kind: 'daily' as const, startMs, endMs: DAY_MS, zone };
  let at = after as TimeMs;
  for (;;) {
    const { start, end } = windowAt(daily, at);
    if (start > after && isDay(schedule, localDay(zone, start))) return start;
    at = end;
  }
}

/** The last moment at which it was due that is not after `until`. */
export function lastDue(schedule: ReportSchedule, zone: Zone, until: number): TimeMs {
  let due = nextDue(schedule, zone, until - LONGEST_MS[schedule.every] - DAY_MS);
  for (;;) {
    const next = nextDue(schedule, zone, due);
    if (next > until) return due;
    due = next;
  }
}

/** As the clocks of the zone show it: a day of 1970-01-01 plus so many, as UTC. */
function localDay(zone: Zone, at: number): Date {
  const offset = zone.offsets.findLast(({ from }) => from <= at) ?? zone.offsets[0]!;
  return new Date(at + offset.offsetMs);
}

function isDay({ every, weekday }: ReportSchedule, day: Date): boolean {
  const isFirst = day.getUTCDate() === 1;
  switch (every) {
    case 'day':
      return true;
    case 'week':
      return (day.getUTCDay() + 6) % 7 === weekday - 1;
    case 'month':
      return isFirst;
    case 'quarter':
      return isFirst && day.getUTCMonth() % 3 === 0;
    case 'year':
      return isFirst && day.getUTCMonth() === 0;
  }
}

/** `week-2026-11-16-0600`: names its files. */
export function reportId({ every }: ReportSchedule, zone: Zone, due: TimeMs): string {
  const shown = localDay(zone, due).toISOString();
  return `${every}-${shown.slice(0, 10)}-${shown.slice(11, 13)}${shown.slice(14, 16)}`;
}

export const REPORT_ID = /^(day|week|month|quarter|year)-\d{4}-\d{2}-\d{2}-\d{4}$/;
