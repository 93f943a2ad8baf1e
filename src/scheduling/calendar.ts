import { assert } from '../base/assert.ts';
import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Duration, Zone } from '../model/reservation.ts';

const DAY_MS = 86_400_000;

/** From `start` to before `end`. */
export interface Window {
  readonly start: TimeMs;
  readonly end: TimeMs;
}

/**
 * The window that is open at `at`, or the next to open. A wall-clock time that a change to summer time skips is
 * taken as the moment of the change, one that comes twice as the first: no day loses its window, none has two.
 */
export function windowAt(duration: Duration, at: TimeMs): Window {
  if (duration.kind === 'always') return { start: 0 as TimeMs, end: UNLIMITED as TimeMs };
  const { startMs, endMs, zone } = duration;
  const today = Math.floor((at + offsetAt(zone, at)) / DAY_MS) * DAY_MS;
  // Yesterday's may still be open; a day that begins with a change may put today's first one tomorrow.
  for (let day = today - DAY_MS; ; day += DAY_MS) {
    const start = instantOf(zone, day + startMs);
    const end = instantOf(zone, day + (endMs <= startMs ? DAY_MS : 0) + endMs);
    if (end > at && end > start) return { start, end };
  }
}

export function isOpen(duration: Duration, at: TimeMs): boolean {
  const { start, end } = windowAt(duration, at);
  return start <= at && at < end;
}

/** When the answer of `isOpen` changes next; undefined when it never does. */
export function nextChange(duration: Duration, at: TimeMs): TimeMs | undefined {
  const { start, end } = windowAt(duration, at);
  if (start > at) return start;
  return end >= UNLIMITED ? undefined : end;
}

function offsetAt(zone: Zone, at: number): number {
  assert(zone.offsets.length > 0, 'a zone has an offset');
  let offset = zone.offsets[0]!.offsetMs;
  for (const entry of zone.offsets) if (entry.from <= at) offset = entry.offsetMs;
  return offset;
}

/** The first instant at which the clock on the wall shows `wallMs` or, where that is skipped, more. */
function instantOf(zone: Zone, wallMs: number): TimeMs {
  const { offsets } = zone;
  for (const [i, { from, offsetMs }] of offsets.entries()) {
    const until = offsets[i + 1]?.from ?? Number.POSITIVE_INFINITY;
    const instant = Math.max(wallMs - offsetMs, i === 0 ? 0 : from);
    if (instant < until) return Math.max(0, instant) as TimeMs;
  }
  return Math.max(0, wallMs - offsets.at(-1)!.offsetMs) as TimeMs;
}
