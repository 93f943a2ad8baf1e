import type { Reading } from '../metric.ts';
import { type FileSampler, partsOf, stateless, type Texts, wholeNumberIn } from '../sampler.ts';

const HWMON = '/sys/class/hwmon';
const ZONES = '/sys/class/thermal';
/** Colder and hotter than anything that still tells: sensors that are not connected say -128 or 255 and the like. */
const MILLIDEGREES_MIN = -60_000;
const MILLIDEGREES_MAX = 200_000;

/** Sensors of hwmon (kernel: Documentation/hwmon/sysfs-interface.rst) and thermal zones. */
export const temperatureSampler: FileSampler = {
  name: 'temperature',
  kind: 'aside',
  everyMs: 10_000,
  files: [
    `${HWMON}/hwmon*/name`,
    `${HWMON}/hwmon*/temp*_input`,
    `${HWMON}/hwmon*/temp*_label`,
    // Until 2009 drivers kept them one folder down; some still do.
    `${HWMON}/hwmon*/device/name`,
    `${HWMON}/hwmon*/device/temp*_input`,
    `${HWMON}/hwmon*/device/temp*_label`,
    `${ZONES}/thermal_zone*/type`,
    `${ZONES}/thermal_zone*/temp`,
  ],
  families: ['berth_node_temperature_celsius'],
  open: stateless((texts) => [...chips(texts), ...zones(texts)]),
};

/** `hwmon0/coretemp/Core 0`: two chips may have the same name and labels, and two inputs of a chip the same label. */
function chips(texts: Texts): Reading[] {
  const inputs = partsOf(texts, /^(.*\/(hwmon\d+)(?:\/device)?)\/(temp\d+)_input$/);
  const named = inputs.map(([match, text]) => {
    const [, folder, hwmon, input] = match;
    const line = (file: string) => texts.get(`${folder}/${file}`)?.trim();
    const chip = line('name') ?? texts.get(`${HWMON}/${hwmon}/name`)?.trim();
    const name = [hwmon, chip, line(`${input}_label`) || input].filter(Boolean).join('/');
    return { name, input, text };
  });
  const uses = Map.groupBy(named, ({ name }) => name);
  return named.flatMap(({ name, input, text }) =>
    sensor(uses.get(name)!.length > 1 ? `${name} (${input})` : name, text),
  );
}

function zones(texts: Texts): Reading[] {
  return partsOf(texts, /\/(thermal_zone\d+)\/temp$/).flatMap(([match, text]) => {
    const zone = match[1]!;
    const type = texts.get(`${ZONES}/${zone}/type`)?.trim();
    return sensor(type ? `${zone}/${type}` : zone, text);
  });
}

function sensor(name: string, text: string): readonly Reading[] {
  const millidegrees = wholeNumberIn(text);
  if (millidegrees === undefined) return [];
  if (millidegrees < MILLIDEGREES_MIN || millidegrees > MILLIDEGREES_MAX) return [];
  const labels = { sensor: name };
  return [{ name: 'berth_node_temperature_celsius', labels, value: millidegrees / 1_000 }];
}
