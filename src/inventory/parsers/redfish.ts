import { type Fact, fact, unknown } from '../fact.ts';
import { jsonList, jsonScaled, jsonText, parseJson } from './json.ts';
import { words } from './scalars.ts';

/** What a baseboard controller tells of a chassis' power (DMTF Power, PowerSubsystem and its parts). */
export interface RedfishPower {
  readonly consumedMilliwatts: Fact<number>;
  readonly averageMilliwatts: Fact<number>;
  readonly capacityMilliwatts: Fact<number>;
  readonly limitMilliwatts: Fact<number>;
  readonly supplies: readonly RedfishSupply[];
}

export interface RedfishSupply {
  readonly name: Fact<string>;
  readonly model: Fact<string>;
  readonly capacityMilliwatts: Fact<number>;
  readonly inputMilliwatts: Fact<number>;
  readonly outputMilliwatts: Fact<number>;
  readonly inputMillivolts: Fact<number>;
  /** `OK`, `Warning`, `Critical`. */
  readonly health: Fact<string>;
  /** `Enabled`, `Absent`, `UnavailableOffline`. */
  readonly state: Fact<string>;
}

export interface RedfishThermal {
  readonly temperatures: readonly {
    readonly name: Fact<string>;
    readonly milliCelsius: Fact<number>;
    readonly criticalMilliCelsius: Fact<number>;
    readonly health: Fact<string>;
    readonly state: Fact<string>;
  }[];
  readonly fans: readonly {
    readonly name: Fact<string>;
    readonly perMinute: Fact<number>;
    readonly speedBp: Fact<number>;
    readonly health: Fact<string>;
  }[];
}

const tell = <T>(value: T | undefined): Fact<T> =>
  value === undefined ? unknown('not-reported') : fact(value, 'firmware');
const milli = (of: unknown, ...path: readonly string[]): Fact<number> =>
  tell(jsonScaled(of, 1000, ...path));
const text = (of: unknown, ...path: readonly string[]): Fact<string> => {
  const found = jsonText(of, ...path);
  return tell(found === undefined ? undefined : words(found));
};
/** A controller writes zero where it has no limit or capacity to tell. */
const positive = (found: Fact<number>): Fact<number> =>
  found.known && found.value <= 0 ? unknown('not-reported') : found;

/** `…/Power` or `…/PowerSubsystem`; undefined when the text is neither. */
export function parseRedfishPower(json: string): RedfishPower | undefined {
  const root = parseJson(json);
  const type = jsonText(root, '@odata.type') ?? '';
  if (type.startsWith('#PowerSubsystem.')) {
    return {
      consumedMilliwatts: unknown('not-reported'),
      averageMilliwatts: unknown('not-reported'),
      capacityMilliwatts: positive(milli(root, 'CapacityWatts')),
      limitMilliwatts: unknown('not-reported'),
      supplies: [],
    };
  }
  if (!type.startsWith('#Power.')) return undefined;
  const control = jsonList(root, 'PowerControl')[0];
  return {
    consumedMilliwatts: milli(control, 'PowerConsumedWatts'),
    averageMilliwatts: milli(control, 'PowerMetrics', 'AverageConsumedWatts'),
    capacityMilliwatts: positive(milli(control, 'PowerCapacityWatts')),
    limitMilliwatts: positive(milli(control, 'PowerLimit', 'LimitInWatts')),
    supplies: jsonList(root, 'PowerSupplies').slice(0, 256).map(supplyOf),
  };
}

function supplyOf(supply: unknown): RedfishSupply {
  const output = milli(supply, 'PowerOutputWatts');
  return {
    name: text(supply, 'Name'),
    model: text(supply, 'Model'),
    capacityMilliwatts: positive(milli(supply, 'PowerCapacityWatts')),
    inputMilliwatts: milli(supply, 'PowerInputWatts'),
    outputMilliwatts: output.known ? output : milli(supply, 'LastPowerOutputWatts'),
    inputMillivolts: milli(supply, 'LineInputVoltage'),
    health: text(supply, 'Status', 'Health'),
    state: text(supply, 'Status', 'State'),
  };
}

/** One `…/PowerSupplies/<id>` of a PowerSubsystem, with its `Metrics` where they were fetched. */
export function parseRedfishSupply(
  json: string,
  metrics: string | undefined,
): RedfishSupply | undefined {
  const root = parseJson(json);
  if (!(jsonText(root, '@odata.type') ?? '').startsWith('#PowerSupply.')) return undefined;
  const measured = parseJson(metrics ?? '');
  return {
    ...supplyOf(root),
    inputMilliwatts: milli(measured, 'InputPowerWatts', 'Reading'),
    outputMilliwatts: milli(measured, 'OutputPowerWatts', 'Reading'),
    inputMillivolts: milli(measured, 'InputVoltage', 'Reading'),
  };
}

/** `…/Thermal`; undefined when the text is not that. */
export function parseRedfishThermal(json: string): RedfishThermal | undefined {
  const root = parseJson(json);
  if (!(jsonText(root, '@odata.type') ?? '').startsWith('#Thermal.')) return undefined;
  return {
    temperatures: jsonList(root, 'Temperatures')
      .slice(0, 1024)
      .map((t) => ({
        name: text(t, 'Name'),
        // A sensor that is absent reads zero.
        milliCelsius:
          jsonText(t, 'Status', 'State') === 'Absent'
            ? unknown('absent')
            : milli(t, 'ReadingCelsius'),
        criticalMilliCelsius: positive(milli(t, 'UpperThresholdCritical')),
        health: text(t, 'Status', 'Health'),
        state: text(t, 'Status', 'State'),
      })),
    fans: jsonList(root, 'Fans').slice(0, 1024).map(fanOf),
  };
}

function fanOf(fan: unknown) {
  const percent = (jsonText(fan, 'ReadingUnits') ?? jsonText(fan, 'Units')) === 'Percent';
  const isRpm = jsonText(fan, 'ReadingUnits') === 'RPM';
  const reading = (factor: number) =>
    jsonScaled(fan, factor, 'Reading') ?? jsonScaled(fan, factor, 'CurrentReading');
  const named = text(fan, 'Name');
  return {
    name: named.known ? named : text(fan, 'FanName'),
    perMinute: tell(isRpm ? reading(1) : undefined),
    speedBp: tell(percent ? reading(100) : undefined),
    health: text(fan, 'Status', 'Health'),
  };
}
