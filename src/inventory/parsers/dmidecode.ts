import type { MemoryArray, MemoryModule } from '../memory-module.ts';
import { count, hexadecimal, told, words } from './scalars.ts';

const STRUCTURES_MAX = 65_536;
const FIELDS_MAX = 200;

/** `dmidecode -t memory`: the modules and arrays. Structures of other types are skipped. */
export function parseDmidecode(text: string): {
  readonly modules: readonly MemoryModule[];
  readonly arrays: readonly MemoryArray[];
} {
  const modules: MemoryModule[] = [];
  const arrays: MemoryArray[] = [];
  for (const part of text.split(/^(?=Handle 0x)/m).slice(0, STRUCTURES_MAX)) {
    const head = /^Handle (0x[0-9A-Fa-f]{1,4}), DMI type (\d{1,3}), \d{1,4} bytes/.exec(part);
    if (head?.[2] === '17') modules.push(moduleOf(fieldsOf(part)));
    if (head?.[2] === '16') arrays.push(arrayOf(hexadecimal(head[1]!), fieldsOf(part)));
  }
  return { modules, arrays };
}

function fieldsOf(part: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of part.split('\n', FIELDS_MAX)) {
    const match = /^\t([^\t:]{1,60}): (.{0,300})$/.exec(line);
    if (match !== null) found.set(match[1]!, match[2]!);
  }
  return found;
}

/** dmidecode writes kB, MB, GB and TB for binary multiples. */
function binarySize(text: string): number | undefined {
  if (/^no module installed$/i.test(text)) return 0;
  const match = /^(\d{1,9}) (bytes|kB|MB|GB|TB)$/.exec(text);
  if (match === null) return undefined;
  const power = ['bytes', 'kB', 'MB', 'GB', 'TB'].indexOf(match[2]!);
  return Number(match[1]) * 1024 ** power;
}

const megatransfers = (text: string) => count(/^(\d{1,6}) (?:MT\/s|MHz)$/.exec(text)?.[1] ?? '');
const bits = (text: string) => count(/^(\d{1,4}) bits$/.exec(text)?.[1] ?? '');
/** "Other" tells nothing; the empty string makes it not reported. */
const said = (text: string | undefined) => (text === 'Other' ? '' : text);

function moduleOf(fields: ReadonlyMap<string, string>): MemoryModule {
  const field = <T>(name: string, parse: (text: string) => T | undefined) =>
    told(said(fields.get(name)), 'firmware', parse);
  return {
    slot: field('Locator', words),
    bank: field('Bank Locator', words),
    sizeBytes: field('Size', binarySize),
    type: field('Type', words),
    formFactor: field('Form Factor', words),
    ratedMegatransfers: field('Speed', megatransfers),
    configuredMegatransfers: fields.has('Configured Memory Speed')
      ? field('Configured Memory Speed', megatransfers)
      : field('Configured Clock Speed', megatransfers),
    dataBits: field('Data Width', bits),
    totalBits: field('Total Width', bits),
    ranks: field('Rank', count),
    manufacturer: field('Manufacturer', words),
    serial: field('Serial Number', words),
    part: field('Part Number', words),
    arrayHandle: hexadecimal(fields.get('Array Handle') ?? ''),
  };
}

function arrayOf(handle: number | undefined, fields: ReadonlyMap<string, string>): MemoryArray {
  const field = <T>(name: string, parse: (text: string) => T | undefined) =>
    told(said(fields.get(name)), 'firmware', parse);
  return {
    handle,
    use: field('Use', words),
    errorCorrection: field('Error Correction Type', words),
    maximumBytes: field('Maximum Capacity', binarySize),
    slots: field('Number Of Devices', count),
  };
}
