import type { Fact } from '../fact.ts';
import { count, decimal, words, yesNo } from '../parsers/scalars.ts';
import { defineProbe } from '../probe.ts';
import { Attributes } from './attributes.ts';

/** A RAPL domain (or another powercap zone) and its power limits. */
export interface PowerZone {
  /** `intel-rapl:0:1`, as in /sys/class/powercap. */
  readonly id: string;
  /** `package-0`, `core`, `dram`, `psys`. */
  readonly name: Fact<string>;
  /** The zone that this one is part of: its energy is in that one's, too. */
  readonly parent: string | undefined;
  readonly enabled: Fact<boolean>;
  /** A counter that goes back to zero beyond `rangeMicrojoules`. Root only since Linux 5.10. */
  readonly energyMicrojoules: Fact<number>;
  readonly rangeMicrojoules: Fact<number>;
  readonly constraints: readonly PowerConstraint[];
}

export interface PowerConstraint {
  /** `long_term`, `short_term`, `peak_power`. */
  readonly name: Fact<string>;
  readonly limitMicrowatts: Fact<number>;
  readonly windowMicroseconds: Fact<number>;
  /** What the part is specified for, its TDP for the long term; unknown where the firmware wrote zero. */
  readonly maximumMicrowatts: Fact<number>;
}

/** A mains adapter, battery or UPS. */
export interface PowerSupply {
  readonly name: string;
  readonly type: Fact<string>;
  readonly online: Fact<boolean>;
  readonly status: Fact<string>;
  readonly chargeBp: Fact<number>;
  readonly powerMicrowatts: Fact<number>;
  readonly energyMicrowattHours: Fact<number>;
  readonly energyFullMicrowattHours: Fact<number>;
  readonly voltageMicrovolts: Fact<number>;
  readonly manufacturer: Fact<string>;
  readonly model: Fact<string>;
}

export interface Power {
  readonly zones: readonly PowerZone[];
  readonly supplies: readonly PowerSupply[];
}

const CONSTRAINTS_MAX = 8;

export const powerProbe = defineProbe({
  name: 'power',
  cost: 'fast',
  read(host) {
    const attributes = new Attributes(host);
    const zones = attributes
      .list('/sys/class/powercap')
      // A control type such as `intel-rapl` is no zone; its zones have a colon. Some tell no energy.
      .filter((id) => /^[\w-]+(:[0-9a-f]{1,4})+$/.test(id))
      .slice(0, 1024)
      .map((id) => zone(id, attributes));
    const supplies = attributes
      .list('/sys/class/power_supply')
      .slice(0, 256)
      .map((name) => supply(name, attributes));
    if (zones.length > 0 || supplies.length > 0) {
      return { kind: 'found', value: { zones, supplies }, problems: attributes.problems };
    }
    const [problem] = attributes.problems;
    return problem === undefined ? { kind: 'absent' } : { kind: 'failed', problem };
  },
});

function zone(id: string, attributes: Attributes): PowerZone {
  const at = `/sys/class/powercap/${id}`;
  const constraints: PowerConstraint[] = [];
  for (let i = 0; i < CONSTRAINTS_MAX; i++) {
    const prefix = `${at}/constraint_${i}`;
    const name = attributes.fact(`${prefix}_name`, words);
    if (!name.known) break;
    constraints.push({
      name,
      limitMicrowatts: attributes.fact(`${prefix}_power_limit_uw`, count),
      windowMicroseconds: attributes.fact(`${prefix}_time_window_us`, count),
      maximumMicrowatts: attributes.positiveCount(`${prefix}_max_power_uw`, 'firmware'),
    });
  }
  return {
    id,
    name: attributes.fact(`${at}/name`, words),
    parent: /:.*:/.test(id) ? id.slice(0, id.lastIndexOf(':')) : undefined,
    enabled: attributes.fact(`${at}/enabled`, yesNo),
    energyMicrojoules: attributes.fact(`${at}/energy_uj`, count, 'measured'),
    rangeMicrojoules: attributes.positiveCount(`${at}/max_energy_range_uj`),
    constraints,
  };
}

function supply(name: string, attributes: Attributes): PowerSupply {
  const at = `/sys/class/power_supply/${name}`;
  return {
    name,
    type: attributes.fact(`${at}/type`, words),
    online: attributes.fact(`${at}/online`, yesNo),
    status: attributes.fact(`${at}/status`, words),
    chargeBp: attributes.fact(`${at}/capacity`, (text) => {
      const percent = decimal(text);
      return percent === undefined || percent < 0 || percent > 100 ? undefined : percent * 100;
    }),
    powerMicrowatts: attributes.fact(`${at}/power_now`, count, 'measured'),
    energyMicrowattHours: attributes.fact(`${at}/energy_now`, count, 'measured'),
    energyFullMicrowattHours: attributes.fact(`${at}/energy_full`, count, 'firmware'),
    voltageMicrovolts: attributes.fact(`${at}/voltage_now`, count, 'measured'),
    manufacturer: attributes.fact(`${at}/manufacturer`, words, 'firmware'),
    model: attributes.fact(`${at}/model_name`, words, 'firmware'),
  };
}

/**
 * Mean power between two readings of an energy counter, in microwatts. One wrap is made good, with the
 * counter's range; more than one cannot be seen, so read more often than range / power. Undefined when
 * the interval is not positive, or the counter went back and its range is not known.
 */
export function meanMicrowatts(
  before: number,
  after: number,
  rangeMicrojoules: number | undefined,
  elapsedMs: number,
): number | undefined {
  if (!(elapsedMs > 0)) return undefined;
  let delta = after - before;
  if (delta < 0) {
    if (rangeMicrojoules === undefined || before > rangeMicrojoules) return undefined;
    delta += rangeMicrojoules;
  }
  return delta < 0 ? undefined : (delta * 1000) / elapsedMs;
}
