import { type Fact, fact, unknown } from '../fact.ts';
import { type Gpu, pciAddress } from '../gpu.ts';
import { unknownGpu } from '../unknown-gpu.ts';
import { jsonAt, jsonCount, jsonList, jsonText, parseJson } from './json.ts';
import { byteSize, decimal, told, whole, words } from './scalars.ts';

/**
 * `amd-smi static --json`, completed with `amd-smi metric --json` where that answered. A list of GPUs,
 * from ROCm 6.4 on inside `{"gpu_data": […]}`. Undefined when the text is not its output.
 */
export function parseAmdSmi(
  staticText: string,
  metricText: string | undefined,
): readonly Gpu[] | undefined {
  const records = recordsOf(staticText);
  if (records === undefined) return undefined;
  const metrics = new Map((recordsOf(metricText ?? '') ?? []).map((m) => [jsonCount(m, 'gpu'), m]));
  return records.map((record) => gpuOf(record, metrics.get(jsonCount(record, 'gpu'))));
}

function recordsOf(text: string): readonly unknown[] | undefined {
  const json = parseJson(text);
  const list = Array.isArray(json) ? json : jsonAt(json, 'gpu_data');
  if (!Array.isArray(list)) return undefined;
  const records = jsonList(list).filter((record) => jsonCount(record, 'gpu') !== undefined);
  return records.length === 0 ? undefined : records;
}

function gpuOf(record: unknown, metric: unknown): Gpu {
  const gpu = unknownGpu('amd');
  const text = <T>(
    parse: (text: string) => T | undefined,
    of: unknown,
    ...path: string[]
  ): Fact<T> => told(jsonText(of, ...path), 'driver', parse);
  const total = quantity(metric, 'mem_usage', 'total_vram');
  return {
    ...gpu,
    index: known(jsonCount(record, 'gpu')),
    model: text(words, record, 'asic', 'market_name'),
    uuid: text(words, record, 'asic', 'asic_serial'),
    serial: text(words, record, 'board', 'product_serial'),
    pciAddress: text(pciAddress, record, 'bus', 'bdf'),
    pciId: text(
      (id) => {
        const hex = /^0x([0-9a-f]{4})$/i.exec(id)?.[1];
        return hex === undefined ? undefined : `1002:${hex.toLowerCase()}`;
      },
      record,
      'asic',
      'device_id',
    ),
    computeCapability: text(
      (name) => /^gfx[0-9a-f]+$/.exec(name)?.[0],
      record,
      'asic',
      'target_graphics_version',
    ),
    numaNode: known(jsonCount(record, 'numa', 'node')),
    memory: {
      ...gpu.memory,
      totalBytes: total.known ? total : quantity(record, 'vram', 'size'),
      usedBytes: quantity(metric, 'mem_usage', 'used_vram'),
      freeBytes: quantity(metric, 'mem_usage', 'free_vram'),
    },
    utilization: {
      computeBp: scaledFact(metric, '%', 100, 'usage', 'gfx_activity'),
      memoryBp: scaledFact(metric, '%', 100, 'usage', 'umc_activity'),
    },
    temperature: {
      ...gpu.temperature,
      currentMilliCelsius: scaledFact(metric, 'C', 1000, 'temperature', 'hotspot'),
      memoryMilliCelsius: scaledFact(metric, 'C', 1000, 'temperature', 'mem'),
      slowdownMilliCelsius: scaledFact(record, 'C', 1000, 'limit', 'slowdown_hotspot_temperature'),
      shutdownMilliCelsius: scaledFact(record, 'C', 1000, 'limit', 'shutdown_hotspot_temperature'),
    },
    power: {
      ...gpu.power,
      drawMilliwatts: scaledFact(metric, 'W', 1000, 'power', 'socket_power'),
      limitMilliwatts: scaledFact(record, 'W', 1000, 'limit', 'socket_power'),
      minLimitMilliwatts: scaledFact(record, 'W', 1000, 'limit', 'min_power'),
      maxLimitMilliwatts: scaledFact(record, 'W', 1000, 'limit', 'max_power'),
    },
    pcie: {
      ...gpu.pcie,
      generationMax: text(
        (version) => {
          const digits = /^gen ?(\d)$/i.exec(version)?.[1];
          return digits === undefined ? undefined : Number(digits);
        },
        record,
        'bus',
        'pcie_interface_version',
      ),
      lanesMax: known(jsonCount(record, 'bus', 'max_pcie_width')),
      lanes: known(jsonCount(metric, 'pcie', 'width')),
      replays: known(jsonCount(metric, 'pcie', 'replay_count')),
    },
    ecc: {
      ...gpu.ecc,
      correctedVolatile: known(jsonCount(metric, 'ecc', 'total_correctable_count')),
      uncorrectedVolatile: known(jsonCount(metric, 'ecc', 'total_uncorrectable_count')),
    },
  };
}

function known<T>(value: T | undefined): Fact<T> {
  return value === undefined ? unknown('not-reported') : fact(value, 'driver');
}

/** A size as `{value, unit}`; amd-smi writes MB and GB for binary multiples. */
function quantity(of: unknown, ...path: string[]): Fact<number> {
  const value = jsonCount(of, ...path, 'value');
  const unit = jsonText(of, ...path, 'unit');
  if (value === undefined || unit === undefined) return unknown('not-reported');
  const binary = /^[kmgt]b$/i.test(unit) ? `${unit.slice(0, 1)}iB` : unit;
  return known(byteSize(`${value} ${binary}`));
}

/** A figure with exactly this unit; without a unit it is not guessed. */
function scaledFact(of: unknown, unit: string, factor: number, ...path: string[]): Fact<number> {
  const value = jsonAt(of, ...path, 'value');
  if (jsonText(of, ...path, 'unit') !== unit) return unknown('not-reported');
  const n = typeof value === 'number' ? value : decimal(String(value));
  return known(n === undefined ? undefined : whole(n * factor));
}
