import type { TimeMs } from '../base/units.ts';
import type { Zone } from '../model/reservation.ts';
import type { ZoneReader } from '../spec/waiting-terms.ts';
import { isTimeZone } from './site-names.ts';
import { zoneOffsets } from './zone-offsets.ts';

const DAY_MS = 86_400_000;
/** No workload waits for its hours longer. */
const DAYS_AHEAD = 400;
/** Documents name few zones; whoever tries them all does not fill the memory. */
const ZONES_KEPT = 64;

/** Time zones of documents by the rules of this machine, and that of the site for those that name none. */
export function zoneReader(siteZone: string, now: () => TimeMs): ZoneReader {
  const known = new Map<string, { readonly day: number; readonly zone: Zone }>();
  return (named) => {
    const name = named ?? siteZone;
    const at = now();
    const day = Math.floor(at / DAY_MS);
    const found = known.get(name);
    if (found?.day === day) return found.zone;
    if (!isTimeZone(name)) return undefined;
    // Hours that began yesterday may still be open.
    const from = Math.max(0, at - 2 * DAY_MS) as TimeMs;
    const zone = zoneOffsets(name, from, (at + DAYS_AHEAD * DAY_MS) as TimeMs);
    if (known.size >= ZONES_KEPT) known.clear();
    known.set(name, { day, zone });
    return zone;
  };
}
