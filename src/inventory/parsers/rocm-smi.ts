import { type Fact, unknown } from '../fact.ts';
import { type Gpu, pciAddress } from '../gpu.ts';
import { unknownGpu } from '../unknown-gpu.ts';
import { jsonEntries, jsonText, parseJson } from './json.ts';
import { byteSize, count, decimal, scaled, told, whole, words } from './scalars.ts';

/**
 * `rocm-smi … --json`: one object per card, every value a text. Releases 4.3 to 6.x name their keys
 * differently; undefined when the text is not its output.
 */
export function parseRocmSmi(
  text: string,
): { readonly driverVersion: Fact<string>; readonly gpus: readonly Gpu[] } | undefined {
  const json = parseJson(text);
  const cards = jsonEntries(json).filter(([name]) => /^card\d{1,4}$/.test(name));
  if (cards.length === 0) return undefined;
  return {
    driverVersion: told(jsonText(json, 'system', 'Driver version'), 'driver', words),
    gpus: cards
      .map(([name, card]) => gpuOf(Number(name.slice(4)), card))
      .sort((a, b) => (a.index.known && b.index.known ? a.index.value - b.index.value : 0)),
  };
}

const milli = (text: string) => {
  const n = decimal(text);
  return n === undefined ? undefined : whole(n * 1000);
};
const percent = (text: string) => {
  const n = decimal(text);
  return n === undefined || n < 0 || n > 100 ? undefined : Math.round(n * 100);
};
const bytes = (text: string) => byteSize(`${text.trim()} B`);
/** `(1402Mhz)`. */
const clock = (text: string) => scaled('Mhz', 1)(text.replaceAll(/[()]/g, ''));
const bareHex = (text: string) => /^0x([0-9a-f]{4})$/i.exec(text)?.[1]?.toLowerCase();

function gpuOf(index: number, card: unknown): Gpu {
  const field = <T>(
    parse: (text: string) => T | undefined,
    ...names: readonly string[]
  ): Fact<T> => {
    let first: Fact<T> | undefined;
    for (const name of names) {
      const found = told(jsonText(card, name), 'driver', parse);
      if (found.known) return found;
      if (jsonText(card, name) !== undefined) first ??= found;
    }
    return first ?? unknown('not-reported');
  };
  const link = jsonText(card, 'pcie clock level');
  const total = field(bytes, 'VRAM Total Memory (B)');
  const used = field(bytes, 'VRAM Total Used Memory (B)');
  const gpu = unknownGpu('amd');
  return {
    ...gpu,
    index: { known: true, value: index, source: 'driver' },
    model: field(marketName, 'Card Series', 'Card series'),
    uuid: field(words, 'Unique ID'),
    serial: field(words, 'Serial Number'),
    pciAddress: field(pciAddress, 'PCI Bus'),
    pciId: field(
      (text) => (bareHex(text) === undefined ? undefined : `1002:${bareHex(text)}`),
      'Device ID',
      'GPU ID',
    ),
    computeCapability: field((text) => /^gfx[0-9a-f]+$/.exec(text)?.[0], 'GFX Version'),
    numaNode: field(
      (text) => (text.trim() === '4294967295' ? undefined : count(text)),
      '(Topology) Numa Affinity',
    ),
    memory: { ...gpu.memory, totalBytes: total, usedBytes: used },
    utilization: {
      computeBp: field(percent, 'GPU use (%)'),
      memoryBp: field(percent, 'GPU memory use (%)', 'GPU Memory Allocated (VRAM%)'),
    },
    temperature: {
      ...gpu.temperature,
      currentMilliCelsius: field(
        milli,
        'Temperature (Sensor junction) (C)',
        'Temperature (Sensor edge) (C)',
      ),
      memoryMilliCelsius: field(milli, 'Temperature (Sensor memory) (C)'),
    },
    power: {
      ...gpu.power,
      drawMilliwatts: field(
        milli,
        'Current Socket Graphics Package Power (W)',
        'Average Graphics Package Power (W)',
      ),
      limitMilliwatts: field(milli, 'Max Graphics Package Power (W)'),
    },
    clocks: {
      ...gpu.clocks,
      graphicsMhz: field(clock, 'sclk clock speed:'),
      memoryMhz: field(clock, 'mclk clock speed:'),
    },
    pcie: {
      ...gpu.pcie,
      generation: told(link, 'driver', (text) => {
        const rate = /\((\d{1,3}(?:\.\d)?)GT\/s/.exec(text)?.[1];
        return rate === undefined ? undefined : pcieGeneration(Number(rate));
      }),
      lanes: told(link, 'driver', (text) => count(/ x(\d{1,2})\)/.exec(text)?.[1] ?? '')),
      replays: field(count, 'PCIe Replay Count'),
    },
  };
}

/** Old releases print an id where they do not know the name. */
const marketName = (text: string) => (/^0x[0-9a-f]+$/i.test(text) ? undefined : words(text));

/** Giga-transfers per second and lane of PCI Express 1 to 6. */
const pcieRates = [2.5, 5, 8, 16, 32, 64];

export function pcieGeneration(gigatransfers: number): number | undefined {
  const at = pcieRates.indexOf(gigatransfers);
  return at < 0 ? undefined : at + 1;
}
