import type { TimeMs } from '../base/units.ts';
import type { DailyHours, Duration, Zone } from '../model/reservation.ts';
import type { QuotaWindow } from '../model/scheduling-config.ts';
import type {
  SiteConfig,
  WrittenDuration,
  WrittenSite,
  WrittenWindow,
} from '../model/site-config.ts';
import { periodStarts } from './period-starts.ts';
import { zoneOffsets } from './zone-offsets.ts';

/** A daemon that runs longer without a restart grants no period after these. */
const YEARS_AHEAD = 10;
const YEAR_MS = 366 * 86_400_000;

/** Writes out the calendar of a site as of `now`, by the rules of time zones that this machine has. */
export function fillCalendar(
  { scheduling, budgets, ...others }: WrittenSite,
  now: TimeMs,
): SiteConfig {
  const until = (now + YEARS_AHEAD * YEAR_MS) as TimeMs;
  const starts = remembered((key) => {
    const [every, timeZone] = split(key);
    return periodStarts({ timeZone, every, from: now, until });
  });
  // A window that opened yesterday may still be open.
  const from = (now - 2 * 86_400_000) as TimeMs;
  const zone = remembered((timeZone) => zoneOffsets(timeZone, from, until));
  const { quotas, reservations, submissions, offPeak, ...rest } = scheduling;
  return {
    ...others,
    budgets: budgets.map((budget) => ({
      ...budget,
      window: budget.window.kind === 'rate' ? budget.window : windowOf(budget.window, starts),
    })),
    scheduling: {
      ...rest,
      quotas: quotas.map((quota) => ({ ...quota, window: windowOf(quota.window, starts) })),
      ...(submissions && {
        submissions: submissions.map(({ submitted, ...limit }) => ({
          ...limit,
          ...(submitted && {
            submitted: { ...submitted, window: windowOf(submitted.window, starts) },
          }),
        })),
      }),
      ...(offPeak && { offPeak: hoursOf(offPeak, zone) }),
      reservations: reservations.map((reservation) => ({
        ...reservation,
        duration: durationOf(reservation.duration, zone),
      })),
    },
  };
}

function windowOf(window: WrittenWindow, starts: (key: string) => readonly TimeMs[]): QuotaWindow {
  if (window.kind === 'rolling') return window;
  return { kind: 'periods', starts: starts(`${window.every} ${window.timeZone}`) };
}

function durationOf(duration: WrittenDuration, zone: (name: string) => Zone): Duration {
  return duration.kind === 'always' ? duration : hoursOf(duration, zone);
}

const hoursOf = (
  { startMs, endMs, timeZone }: Extract<WrittenDuration, { kind: 'daily' }>,
  zone: (name: string) => Zone,
): DailyHours => ({ kind: 'daily', startMs, endMs, zone: zone(timeZone) });

function split(key: string): readonly ['day' | 'month', string] {
  const space = key.indexOf(' ');
  return [key.startsWith('day') ? 'day' : 'month', key.slice(space + 1)];
}

function remembered<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    const known = made.get(key) ?? make(key);
    made.set(key, known);
    return known;
  };
}
