import type { Reading } from '../metric.ts';
import { type FileSampler, partsOf, reading, type Texts, wholeNumberIn } from '../sampler.ts';

const POWERCAP = '/sys/class/powercap';
const HWMON = '/sys/class/hwmon';
const MICRO = 1e6;

interface Zone {
  /** As the hardware has it. */
  readonly raw: number;
  /** What it has counted before it began anew. */
  readonly carried: number;
}

/**
 * Energy of the zones of powercap (RAPL). The hardware counts to a range and then begins anew, within minutes at full
 * power: that is made good here, so that the counter goes on.
 */
export const powerSampler: FileSampler = {
  name: 'power',
  kind: 'aside',
  everyMs: 10_000,
  files: [
    ...['name', 'energy_uj', 'max_energy_range_uj'].map((file) => `${POWERCAP}/*:*/${file}`),
    ...['name', 'power*_average', 'power*_input'].map((file) => `${HWMON}/hwmon*/${file}`),
  ],
  families: ['berth_node_energy_joules_total', 'berth_node_power_watts'],
  open() {
    let before = new Map<string, Zone>();
    return (texts) => {
      const now = new Map<string, Zone>();
      const readings: Reading[] = [];
      for (const [match, text] of partsOf(texts, /\/powercap\/([^/]+)\/energy_uj$/)) {
        const id = match[1]!;
        const raw = wholeNumberIn(text);
        if (raw === undefined) continue;
        const range = wholeNumberIn(texts.get(`${POWERCAP}/${id}/max_energy_range_uj`));
        const zone = { raw, carried: carried(before.get(id), raw, range) };
        now.set(id, zone);
        const name = texts.get(`${POWERCAP}/${id}/name`)?.trim();
        const labels = { zone: name ? `${id}/${name}` : id };
        const joules = (zone.carried + raw) / MICRO;
        readings.push(...reading('berth_node_energy_joules_total', joules, labels));
      }
      before = now;
      return [...readings, ...meters(texts)];
    };
  },
};

/** Power meters of hwmon, which say watts themselves; the average is of some interval of their own. */
function meters(texts: Texts): readonly Reading[] {
  return partsOf(texts, /\/(hwmon\d+)\/(power\d+)_(average|input)$/).flatMap(([match, text]) => {
    const [, hwmon, meter, kind] = match;
    if (kind === 'input' && texts.has(`${HWMON}/${hwmon}/${meter}_average`)) return [];
    const microwatts = wholeNumberIn(text);
    const watts = microwatts === undefined ? undefined : microwatts / MICRO;
    const chip = texts.get(`${HWMON}/${hwmon}/name`)?.trim();
    const zone = [hwmon, chip, meter].filter(Boolean).join('/');
    return reading('berth_node_power_watts', watts, { zone });
  });
}

/** Without a range nobody knows what was lost: the counter begins anew, and says so by going back. */
function carried(before: Zone | undefined, raw: number, range: number | undefined): number {
  if (before === undefined) return 0;
  if (raw >= before.raw) return before.carried;
  return range === undefined || before.raw > range ? 0 : before.carried + range;
}
