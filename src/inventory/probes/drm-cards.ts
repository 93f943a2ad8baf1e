import { type Fact, fact, unknown } from '../fact.ts';
import { type Gpu, pciAddress } from '../gpu.ts';
import type { HostReader } from '../host-reader.ts';
import { pcieGeneration } from '../parsers/rocm-smi.ts';
import { count, words } from '../parsers/scalars.ts';
import { catalogued } from '../pci-catalogue.ts';
import { unknownGpu } from '../unknown-gpu.ts';
import { Attributes } from './attributes.ts';

const vendorIds = { amd: '0x1002', intel: '0x8086' } as const;

/** The GPUs of one vendor under /sys/class/drm: what amdgpu, i915 and xe tell without any program. */
export function drmCards(
  host: HostReader,
  vendor: 'amd' | 'intel',
): { readonly gpus: readonly Gpu[]; readonly attributes: Attributes } {
  const attributes = new Attributes(host);
  const listed = host.list('/sys/class/drm');
  const cards = listed.ok ? listed.value.filter((name) => /^card\d{1,4}$/.test(name)) : [];
  const own = cards
    .slice(0, 256)
    .filter(
      (card) => attributes.text(`/sys/class/drm/${card}/device/vendor`) === vendorIds[vendor],
    );
  return {
    gpus: own.map((card, index) => drmCard(`/sys/class/drm/${card}`, vendor, index, attributes)),
    attributes,
  };
}

const rate = (text: string) => {
  const match = /^(\d{1,3}(?:\.\d)?) GT\/s/.exec(text);
  return match === null ? undefined : pcieGeneration(Number(match[1]));
};
/** A link that is down has a width of 0, or of 255 on some bridges. */
const lanes = (text: string) => {
  const n = count(text);
  return n === undefined || n === 0 || n > 32 ? undefined : n;
};
const percent = (text: string) => {
  const n = count(text);
  return n === undefined || n > 100 ? undefined : n * 100;
};
const micro = (text: string) => {
  const n = count(text);
  return n === undefined ? undefined : Math.round(n / 1000);
};
const milli = (text: string) => {
  const n = Number(text);
  return /^-?\d{1,9}$/.test(text) ? n : undefined;
};

function drmCard(
  card: string,
  vendor: 'amd' | 'intel',
  index: number,
  attributes: Attributes,
): Gpu {
  const at = `${card}/device`;
  const gpu = unknownGpu(vendor);
  const bdf = pciAddress(attributes.linkName(at) ?? '');
  const id = `${vendorIds[vendor].slice(2)}:${(attributes.text(`${at}/device`) ?? '').replace('0x', '')}`;
  const model = catalogued(id)?.model;
  const sensor = (names: readonly string[], parse: (text: string) => number | undefined) =>
    hwmon(at, names, parse, attributes);
  return {
    ...gpu,
    index: fact(index, 'kernel'),
    model:
      model === undefined ? attributes.fact(`${at}/product_name`, words) : fact(model, 'datasheet'),
    uuid: attributes.fact(`${at}/unique_id`, words, 'driver'),
    serial: attributes.fact(`${at}/serial_number`, words, 'driver'),
    pciAddress: bdf === undefined ? unknown('not-reported') : fact(bdf, 'kernel'),
    pciId: /^[0-9a-f]{4}:[0-9a-f]{4}$/.test(id) ? fact(id, 'kernel') : unknown('not-reported'),
    numaNode: attributes.countOrNone(`${at}/numa_node`),
    memory: {
      ...gpu.memory,
      totalBytes: firstFact(attributes, [
        `${at}/mem_info_vram_total`,
        `${at}/tile0/physical_vram_size_bytes`,
        `${card}/lmem_total_bytes`,
      ]),
      usedBytes: attributes.fact(`${at}/mem_info_vram_used`, count, 'driver'),
    },
    utilization: {
      computeBp: attributes.fact(`${at}/gpu_busy_percent`, percent, 'driver'),
      memoryBp: attributes.fact(`${at}/mem_busy_percent`, percent, 'driver'),
    },
    temperature: {
      ...gpu.temperature,
      currentMilliCelsius: sensor(['temp2_input', 'temp1_input'], milli),
      memoryMilliCelsius: sensor(['temp3_input'], milli),
      shutdownMilliCelsius: sensor(['temp2_emergency', 'temp1_emergency'], milli),
    },
    power: {
      ...gpu.power,
      drawMilliwatts: sensor(['power1_input', 'power1_average'], micro),
      limitMilliwatts: sensor(['power1_cap', 'power1_max'], micro),
      defaultLimitMilliwatts: sensor(['power1_cap_default', 'power1_rated_max'], micro),
      minLimitMilliwatts: sensor(['power1_cap_min'], micro),
      maxLimitMilliwatts: sensor(['power1_cap_max'], micro),
    },
    clocks: {
      graphicsMhz: currentLevel(`${at}/pp_dpm_sclk`, attributes),
      memoryMhz: currentLevel(`${at}/pp_dpm_mclk`, attributes),
      graphicsMaxMhz: highestLevel(`${at}/pp_dpm_sclk`, attributes),
      memoryMaxMhz: highestLevel(`${at}/pp_dpm_mclk`, attributes),
    },
    pcie: {
      generation: attributes.fact(`${at}/current_link_speed`, rate),
      generationMax: attributes.fact(`${at}/max_link_speed`, rate),
      lanes: attributes.fact(`${at}/current_link_width`, lanes),
      lanesMax: attributes.fact(`${at}/max_link_width`, lanes),
      replays: attributes.fact(`${at}/pcie_replay_count`, count, 'driver'),
    },
  };
}

function firstFact(attributes: Attributes, paths: readonly string[]): Fact<number> {
  let last: Fact<number> = unknown('not-reported');
  for (const path of paths) {
    last = attributes.fact(path, count, 'driver');
    if (last.known) return last;
  }
  return last;
}

function hwmon(
  at: string,
  names: readonly string[],
  parse: (text: string) => number | undefined,
  attributes: Attributes,
): Fact<number> {
  for (const folder of attributes.list(`${at}/hwmon`)) {
    for (const name of names) {
      const found = attributes.fact(`${at}/hwmon/${folder}/${name}`, parse, 'driver');
      if (found.known) return found;
    }
  }
  return unknown('not-reported');
}

/** `1: 991Mhz *`: a star marks the level in force. */
function currentLevel(path: string, attributes: Attributes): Fact<number> {
  return attributes.fact(
    path,
    (text) => count(/^\d+: (\d{1,6})Mhz \*/m.exec(text)?.[1] ?? ''),
    'driver',
  );
}

function highestLevel(path: string, attributes: Attributes): Fact<number> {
  return attributes.fact(
    path,
    (text) => {
      const levels = [...text.matchAll(/^\d+: (\d{1,6})Mhz/gm)].map((m) => Number(m[1]));
      return levels.length === 0 ? undefined : Math.max(...levels);
    },
    'driver',
  );
}
