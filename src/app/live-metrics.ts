import { families } from '../telemetry/families.ts';
import { LatestReadings } from '../telemetry/latest.ts';

/** What this daemon measures now, empty before sampling has begun. Old is what is old by a clock that nobody sets. */
export const openLiveMetrics = (): LatestReadings =>
  new LatestReadings(families, () => performance.now());
