import { type Reading, seriesKey } from '../telemetry/metric.ts';

/**
 * Readings of ticks that history does not keep, the newest of each series: what is measured seldom comes at ticks of
 * its own, and would never be kept.
 */
export class HeldReadings {
  readonly #held = new Map<string, Reading>();

  hold(readings: readonly Reading[]): void {
    for (const one of readings) this.#held.set(seriesKey(one.name, one.labels), one);
  }

  /** With those of a tick that is kept; nothing is held any more. */
  take(readings: readonly Reading[]): readonly Reading[] {
    if (this.#held.size === 0) return readings;
    this.hold(readings);
    const all = [...this.#held.values()];
    this.#held.clear();
    return all;
  }
}
