import { type TimeMs, timeMs } from '../../src/base/units.ts';
import { families } from '../../src/telemetry/families.ts';
import { LatestReadings } from '../../src/telemetry/latest.ts';
import { type Reading, seriesKey } from '../../src/telemetry/metric.ts';
import type { FileSampler } from '../../src/telemetry/sampler.ts';

/** Readings as a record, by key. */
export const byKey = (readings: readonly Reading[]): Record<string, number> =>
  Object.fromEntries(readings.map(({ name, labels, value }) => [seriesKey(name, labels), value]));

/** Latest readings on a clock that the test moves. */
export function latestAt(startMs = 0): {
  readonly live: LatestReadings;
  readonly clock: { ms: number; at: TimeMs };
} {
  const clock = { ms: startMs, at: timeMs(startMs) };
  return { live: new LatestReadings(families, () => clock.ms), clock };
}

/** What a file sampler makes of one text after the other, a second apart: readings and rates after the last. */
export function playTexts(
  sampler: FileSampler,
  moments: readonly Readonly<Record<string, string>>[],
  stepMs = 1_000,
): Record<string, number> {
  const { live, clock } = latestAt();
  const read = sampler.open();
  for (const [i, texts] of moments.entries()) {
    clock.ms = i * stepMs;
    const moment = { at: timeMs(i * stepMs), monotonicMs: clock.ms };
    live.record(
      { name: sampler.name, everyMs: stepMs },
      moment,
      read(new Map(Object.entries(texts))),
    );
  }
  return byKey(live.latest());
}
