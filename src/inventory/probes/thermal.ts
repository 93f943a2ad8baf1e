import { type Fact, fact, unknown } from '../fact.ts';
import { count, wholeNumber, words } from '../parsers/scalars.ts';
import { defineProbe } from '../probe.ts';
import { Attributes } from './attributes.ts';

export type SensorKind = 'temperature' | 'fan' | 'power' | 'voltage' | 'current' | 'energy';

/** One channel of a hwmon chip (Documentation/hwmon/sysfs-interface.rst). */
export interface Sensor {
  /** `temp1`. */
  readonly channel: string;
  readonly kind: SensorKind;
  readonly label: Fact<string>;
  /** In the unit of its kind: m°C, 1/min, µW, mV, mA, µJ. */
  readonly value: Fact<number>;
  /** Where the chip warns, and where it gives up, in the same unit. */
  readonly maximum: Fact<number>;
  readonly critical: Fact<number>;
  readonly alarm: Fact<boolean>;
}

export interface SensorChip {
  /** `hwmon4`: numbered as drivers load, so not a name to keep. */
  readonly id: string;
  readonly name: Fact<string>;
  /** The device that it sits on: `coretemp.0`, a PCI address, `nvme0`. */
  readonly device: Fact<string>;
  readonly sensors: readonly Sensor[];
}

export interface ThermalZone {
  readonly id: string;
  readonly type: Fact<string>;
  readonly milliCelsius: Fact<number>;
  readonly policy: Fact<string>;
  readonly trips: readonly { readonly type: Fact<string>; readonly milliCelsius: Fact<number> }[];
}

export interface CoolingDevice {
  readonly id: string;
  readonly type: Fact<string>;
  /** How much it is cooling now, out of `maximum` steps; −1 of the kernel is not reported. */
  readonly state: Fact<number>;
  readonly maximum: Fact<number>;
}

export interface Thermal {
  readonly chips: readonly SensorChip[];
  readonly zones: readonly ThermalZone[];
  readonly cooling: readonly CoolingDevice[];
}

const CHIPS_MAX = 1024;
const SENSORS_MAX = 512;

export const thermalProbe = defineProbe({
  name: 'thermal',
  cost: 'fast',
  read(host) {
    const attributes = new Attributes(host);
    const chips = attributes
      .list('/sys/class/hwmon')
      .slice(0, CHIPS_MAX)
      .flatMap((id) => chip(id, attributes));
    const entries = attributes.list('/sys/class/thermal').slice(0, CHIPS_MAX);
    const zones = entries
      .filter((id) => /^thermal_zone\d+$/.test(id))
      .map((id) => zone(id, attributes));
    const cooling = entries
      .filter((id) => /^cooling_device\d+$/.test(id))
      .map((id) => coolingDevice(id, attributes));
    if (chips.length + zones.length + cooling.length > 0) {
      return { kind: 'found', value: { chips, zones, cooling }, problems: attributes.problems };
    }
    const [problem] = attributes.problems;
    return problem === undefined ? { kind: 'absent' } : { kind: 'failed', problem };
  },
});

const kinds: Readonly<Record<string, SensorKind>> = {
  temp: 'temperature',
  fan: 'fan',
  power: 'power',
  in: 'voltage',
  curr: 'current',
  energy: 'energy',
};

/** Old drivers put the channels into the device's folder, so that is read where the chip has none. */
function chip(id: string, attributes: Attributes): readonly SensorChip[] {
  const own = `/sys/class/hwmon/${id}`;
  const device = attributes.linkName(`${own}/device`);
  for (const at of [own, `${own}/device`]) {
    const entries = new Set(attributes.list(at));
    const channels = [...entries]
      .map((entry) => /^((temp|fan|power|in|curr|energy)\d{1,3})_(input|average)$/.exec(entry))
      .filter((match) => match !== null)
      .slice(0, SENSORS_MAX);
    if (channels.length === 0) continue;
    const seen = new Set<string>();
    const sensors = channels.flatMap((match) => {
      if (seen.has(match[1]!)) return [];
      seen.add(match[1]!);
      return [sensor(at, match[1]!, kinds[match[2]!]!, entries, attributes)];
    });
    return [
      {
        id,
        name: attributes.fact(`${at}/name`, words),
        device: device === undefined ? unknown('not-reported') : fact(device, 'kernel'),
        sensors: sensors.sort(byChannel),
      },
    ];
  }
  return [];
}

function byChannel(a: Sensor, b: Sensor): number {
  const kind = (s: Sensor) => s.channel.replace(/\d+$/, '');
  const number = (s: Sensor) => Number(/\d+$/.exec(s.channel)?.[0] ?? 0);
  if (kind(a) !== kind(b)) return kind(a) < kind(b) ? -1 : 1;
  return number(a) - number(b);
}

function sensor(
  at: string,
  channel: string,
  kind: SensorKind,
  entries: ReadonlySet<string>,
  attributes: Attributes,
): Sensor {
  const read = <T>(suffix: string, parse: (text: string) => T | undefined): Fact<T> =>
    entries.has(`${channel}_${suffix}`)
      ? attributes.fact(`${at}/${channel}_${suffix}`, parse, 'driver')
      : unknown('not-reported');
  const value = entries.has(`${channel}_input`)
    ? attributes.fact(`${at}/${channel}_input`, wholeNumber, 'measured')
    : attributes.fact(`${at}/${channel}_average`, wholeNumber, 'measured');
  return {
    channel,
    kind,
    label: read('label', words),
    value,
    maximum: read('max', wholeNumber),
    critical: read('crit', wholeNumber),
    alarm: read(entries.has(`${channel}_crit_alarm`) ? 'crit_alarm' : 'alarm', (text) =>
      text === '1' ? true : text === '0' ? false : undefined,
    ),
  };
}

function zone(id: string, attributes: Attributes): ThermalZone {
  const at = `/sys/class/thermal/${id}`;
  const trips: { type: Fact<string>; milliCelsius: Fact<number> }[] = [];
  for (let i = 0; i < 16; i++) {
    const type = attributes.fact(`${at}/trip_point_${i}_type`, words);
    if (!type.known) break;
    const milliCelsius = attributes.fact(`${at}/trip_point_${i}_temp`, wholeNumber, 'firmware');
    trips.push({ type, milliCelsius });
  }
  return {
    id,
    type: attributes.fact(`${at}/type`, words),
    milliCelsius: attributes.fact(`${at}/temp`, wholeNumber, 'measured'),
    policy: attributes.fact(`${at}/policy`, words),
    trips,
  };
}

function coolingDevice(id: string, attributes: Attributes): CoolingDevice {
  const at = `/sys/class/thermal/${id}`;
  return {
    id,
    type: attributes.fact(`${at}/type`, words),
    state: attributes.countOrNone(`${at}/cur_state`),
    maximum: attributes.fact(`${at}/max_state`, count),
  };
}
