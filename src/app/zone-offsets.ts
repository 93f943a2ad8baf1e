import { assert } from '../base/assert.ts';
import type { TimeMs } from '../base/units.ts';
import type { Zone, ZoneOffset } from '../model/reservation.ts';

/** No zone changes its offset twice within a day. */
const STEP_MS = 86_400_000;

/**
 * The offsets of a zone as this machine's rules have them, from `from` until `until`, each to the
 * millisecond. What they will be after that is not known here: the last one holds on.
 */
export function zoneOffsets(timeZone: string, from: TimeMs, until: TimeMs): Zone {
  const offsetAt = offsetReader(timeZone);
  let before = offsetAt(from);
  // The first holds for all time before the second.
  const offsets: ZoneOffset[] = [{ from: 0 as TimeMs, offsetMs: before }];
  for (let low: number = from; low < until; low += STEP_MS) {
    const high = Math.min(low + STEP_MS, until);
    const after = offsetAt(high);
    if (after === before) continue;
    offsets.push({ from: changeBetween(low, high, before, offsetAt), offsetMs: after });
    before = after;
  }
  return { name: timeZone, offsets };
}

/** The first instant after `low` that has not the offset of `low`. */
function changeBetween(
  low: number,
  high: number,
  before: number,
  offsetAt: (ms: number) => number,
): TimeMs {
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return high as TimeMs;
}

/** What the clocks of the zone show, less what those of UTC do. */
function offsetReader(timeZone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-GB-u-ca-gregory-nu-latn', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (ms) => {
    const second = Math.floor(ms / 1000) * 1000;
    const parts = new Map(format.formatToParts(second).map(({ type, value }) => [type, value]));
    const part = (name: Intl.DateTimeFormatPartTypes): number => Number(parts.get(name));
    const shown = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    assert(Number.isSafeInteger(shown), `a moment in ${timeZone}`);
    return shown - second;
  };
}
