import { type Fact, fact, unknown } from '../fact.ts';
import {
  jsonAt,
  jsonCount,
  jsonFlag,
  jsonList,
  jsonNumber,
  jsonScaled,
  jsonText,
  parseJson,
} from './json.ts';
import { words } from './scalars.ts';

/** A drive as `smartctl --json --info --health --attributes` describes it. */
export interface SmartReport {
  readonly device: Fact<string>;
  readonly protocol: Fact<'nvme' | 'ata' | 'scsi'>;
  readonly model: Fact<string>;
  readonly serial: Fact<string>;
  readonly capacityBytes: Fact<number>;
  readonly medium: Fact<'nvme' | 'ssd' | 'hdd'>;
  readonly rotationsPerMinute: Fact<number>;
  /** The drive's own verdict. */
  readonly healthy: Fact<boolean>;
  readonly temperatureMilliCelsius: Fact<number>;
  readonly powerOnHours: Fact<number>;
  /** Share of the rated endurance that is used, in basis points; may exceed 10,000. */
  readonly wearBp: Fact<number>;
  readonly writtenBytes: Fact<number>;
  /** Sectors that were taken out of use, and those that wait to be. */
  readonly reallocated: Fact<number>;
  readonly pending: Fact<number>;
  /** Media errors, or errors that could not be corrected. */
  readonly uncorrectedErrors: Fact<number>;
  /** Bits of the exit status of smartctl(8) that speak of the drive, in words. */
  readonly alarms: readonly string[];
}

/** Undefined when the text is not a report of smartctl on a device. */
export function parseSmartctl(text: string): SmartReport | undefined {
  const json = parseJson(text);
  if (jsonAt(json, 'device') === undefined || jsonAt(json, 'smartctl') === undefined)
    return undefined;
  const told = <T>(value: T | undefined): Fact<T> =>
    value === undefined ? unknown('not-reported') : fact(value, 'firmware');
  const protocol = protocolOf(json);
  const rotation = jsonCount(json, 'rotation_rate');
  const medium = mediumOf(protocol, rotation);
  const nvme = 'nvme_smart_health_information_log';
  const temperature =
    jsonScaled(json, 1000, 'temperature', 'current') ?? jsonScaled(json, 1000, nvme, 'temperature');
  return {
    device: told(cleaned(jsonText(json, 'device', 'name'))),
    protocol: told(protocol),
    model: told(cleaned(jsonText(json, 'model_name') ?? jsonText(json, 'scsi_model_name'))),
    serial: told(cleaned(jsonText(json, 'serial_number'))),
    capacityBytes: told(
      jsonCount(json, 'user_capacity', 'bytes') ?? jsonCount(json, 'nvme_total_capacity'),
    ),
    medium: told(medium),
    rotationsPerMinute: told(medium === 'hdd' ? rotation : undefined),
    healthy: told(jsonFlag(json, 'smart_status', 'passed')),
    temperatureMilliCelsius: told(temperature),
    powerOnHours: told(jsonCount(json, 'power_on_time', 'hours')),
    wearBp: told(wearOf(json)),
    writtenBytes: told(writtenOf(json)),
    reallocated: told(attribute(json, 5)?.raw ?? jsonCount(json, 'scsi_grown_defect_list')),
    pending: told(attribute(json, 197)?.raw),
    uncorrectedErrors: told(
      jsonCount(json, nvme, 'media_errors') ??
        attribute(json, 187)?.raw ??
        attribute(json, 198)?.raw ??
        scsiUncorrected(json),
    ),
    alarms: alarmsOf(jsonCount(json, 'smartctl', 'exit_status') ?? 0),
  };
}

const cleaned = (text: string | undefined) => (text === undefined ? undefined : words(text));

function protocolOf(json: unknown): 'nvme' | 'ata' | 'scsi' | undefined {
  switch (jsonText(json, 'device', 'protocol')) {
    case 'NVMe':
      return 'nvme';
    case 'ATA':
      return 'ata';
    case 'SCSI':
      return 'scsi';
    default:
      return undefined;
  }
}

/** A rotation rate of 0 is how an SSD says that it is one; a drive that says nothing is not guessed. */
function mediumOf(
  protocol: 'nvme' | 'ata' | 'scsi' | undefined,
  rotation: number | undefined,
): 'nvme' | 'ssd' | 'hdd' | undefined {
  if (protocol === 'nvme') return 'nvme';
  return rotation === undefined ? undefined : rotation === 0 ? 'ssd' : 'hdd';
}

interface Attribute {
  readonly name: string;
  readonly value: number;
  readonly raw: number | undefined;
}

/** The count in an ATA attribute. Vendors pack more into the raw number; its text starts with the count. */
function attribute(json: unknown, id: number): Attribute | undefined {
  for (const row of jsonList(json, 'ata_smart_attributes', 'table')) {
    if (jsonNumber(row, 'id') !== id) continue;
    const leading = /^\d{1,15}/.exec(jsonText(row, 'raw', 'string') ?? '')?.[0];
    return {
      name: jsonText(row, 'name') ?? '',
      value: jsonNumber(row, 'value') ?? -1,
      raw: leading === undefined ? jsonCount(row, 'raw', 'value') : Number(leading),
    };
  }
  return undefined;
}

/**
 * Attributes whose normalised value counts down from 100 with wear, by the names of smartctl's drive
 * database. The same id means other things on other drives, so the name decides.
 */
const wearNames =
  /^(Media_Wearout_Indicator|Wear_Leveling_Count|SSD_Life_Left|Percent_Lifetime_(Remain|Used)|Percent_Life_Remaining|Remaining_Lifetime_Perc)$/;

function wearOf(json: unknown): number | undefined {
  const used =
    jsonCount(json, 'nvme_smart_health_information_log', 'percentage_used') ??
    jsonCount(json, 'endurance_used', 'current_percent') ??
    jsonCount(json, 'scsi_percentage_used_endurance_indicator');
  if (used !== undefined) return safe(used * 100);
  for (const id of [233, 202, 231, 177, 169]) {
    const found = attribute(json, id);
    if (found === undefined || !wearNames.test(found.name)) continue;
    if (found.value < 0 || found.value > 100) continue;
    return (100 - found.value) * 100;
  }
  return undefined;
}

function writtenOf(json: unknown): number | undefined {
  const units = jsonCount(json, 'nvme_smart_health_information_log', 'data_units_written');
  // NVMe counts in thousands of 512-byte units.
  if (units !== undefined) return safe(units * 512_000);
  const row = [241, 246].map((id) => attribute(json, id)).find((a) => a?.raw !== undefined);
  const block = jsonCount(json, 'logical_block_size');
  if (row?.raw !== undefined) {
    if (/^Host_Writes_32MiB$/.test(row.name)) return safe(row.raw * 2 ** 25);
    if (/^Total_LBAs_Written$/.test(row.name) && block !== undefined) return safe(row.raw * block);
    return undefined;
  }
  const gigabytes = Number(
    jsonText(json, 'scsi_error_counter_log', 'write', 'gigabytes_processed'),
  );
  return Number.isFinite(gigabytes) ? safe(Math.round(gigabytes * 1e9)) : undefined;
}

const safe = (n: number) => (Number.isSafeInteger(n) ? n : undefined);

function scsiUncorrected(json: unknown): number | undefined {
  let sum: number | undefined;
  for (const kind of ['read', 'write', 'verify']) {
    const n = jsonCount(json, 'scsi_error_counter_log', kind, 'total_uncorrected_errors');
    if (n !== undefined) sum = (sum ?? 0) + n;
  }
  return sum;
}

/** Bits 3 to 7 of the exit status, smartctl(8). Bits 0 to 2 speak of the command, not of the drive. */
const statusBits: readonly (readonly [number, string])[] = [
  [8, 'failing'],
  [16, 'attribute below its threshold'],
  [32, 'attribute was below its threshold'],
  [64, 'errors in its log'],
  [128, 'self-test errors in its log'],
];

function alarmsOf(status: number): readonly string[] {
  return statusBits.filter(([bit]) => (status & bit) !== 0).map(([, word]) => word);
}

/** `smartctl --scan --json`: what can be asked, as device and type. */
export function parseSmartScan(
  text: string,
): readonly { readonly name: string; readonly type: string }[] {
  return jsonList(parseJson(text), 'devices').flatMap((row) => {
    const name = jsonText(row, 'name');
    const type = jsonText(row, 'type');
    return name !== undefined && type !== undefined && /^\/dev\/[\w/.-]{1,100}$/.test(name)
      ? [{ name, type }]
      : [];
  });
}
