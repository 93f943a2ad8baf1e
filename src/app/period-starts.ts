import type { TimeMs } from '../base/units.ts';

const HOUR_MS = 3_600_000;
/** No zone is further than this from UTC. */
const OFFSET_MAX_MS = 15 * HOUR_MS;

/**
 * The first instants of the days or months of a time zone, for quotas. Computed here, at the edge, because
 * the rules of time zones come with the machine: the engine takes the instants as data. A day that daylight
 * saving makes 23 or 25 hours long is one period; a day that a zone left out is none; where midnight does not
 * exist, the day starts with its first instant.
 */
export function periodStarts(options: {
  readonly timeZone: string;
  readonly every: 'day' | 'month';
  readonly from: TimeMs;
  readonly until: TimeMs;
}): TimeMs[] {
  const { timeZone, every, from, until } = options;
  const dateAt = dateReader(timeZone);
  const starts: TimeMs[] = [];
  // The period in which `from` lies may have begun a month before.
  const first = new Date(from - 32 * 24 * HOUR_MS);
  for (let day = 0; ; day++) {
    const date = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), 1 + day));
    if (date.getTime() - OFFSET_MAX_MS > until) break;
    if (every === 'month' && date.getUTCDate() !== 1) continue;
    const name = date.toISOString().slice(0, 10);
    const near = (starts.at(-1) ?? 0) + 24 * HOUR_MS;
    const start = isFirst(name, near, dateAt) ? near : firstInstant(name, date.getTime(), dateAt);
    if (start <= until && start > (starts.at(-1) ?? -1)) starts.push(start as TimeMs);
  }
  const current = starts.findLastIndex((start) => start <= from);
  return starts.slice(Math.max(0, current));
}

/** Most days are 24 hours long: two looks instead of a search. */
function isFirst(date: string, instant: number, dateAt: (ms: number) => string): boolean {
  return dateAt(instant) === date && dateAt(instant - 1) < date;
}

/** The first instant at which the zone shows that date or a later one. */
function firstInstant(date: string, utcMidnight: number, dateAt: (ms: number) => string): number {
  let low = utcMidnight - OFFSET_MAX_MS;
  let high = utcMidnight + OFFSET_MAX_MS;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (dateAt(middle) >= date) high = middle;
    else low = middle;
  }
  return high;
}

/** `2026-03-29` as the clocks of the zone show it. */
function dateReader(timeZone: string): (ms: number) => string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    return `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`;
  };
}
