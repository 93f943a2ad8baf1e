import type { Fact } from '../../inventory/fact.ts';
import type { Gpu } from '../../inventory/gpu.ts';
import type { Reading } from '../metric.ts';
import { reading } from '../sampler.ts';

export const GPU_FAMILIES = [
  'berth_gpu_busy_ratio',
  'berth_gpu_memory_used_bytes',
  'berth_gpu_memory_total_bytes',
  'berth_gpu_temperature_celsius',
  'berth_gpu_power_watts',
  'berth_gpu_clock_hertz',
  'berth_gpu_errors_total',
];

/** What a driver tells of one GPU; nothing of what it does not tell. */
export function gpuReadings(gpu: Gpu): readonly Reading[] {
  const index = gpu.index.known ? `${gpu.index.value}` : undefined;
  const id = gpu.uuid.known ? gpu.uuid.value : gpu.pciAddress.known ? gpu.pciAddress.value : index;
  if (id === undefined) return [];
  const labels = { gpu: id, index: index ?? '' };
  const told = (name: string, fact: Fact<number>, unit: number): readonly Reading[] =>
    reading(name, fact.known ? fact.value * unit : undefined, labels);
  return [
    ...told('berth_gpu_busy_ratio', gpu.utilization.computeBp, 1e-4),
    ...told('berth_gpu_memory_used_bytes', gpu.memory.usedBytes, 1),
    ...told('berth_gpu_memory_total_bytes', gpu.memory.totalBytes, 1),
    ...told('berth_gpu_temperature_celsius', gpu.temperature.currentMilliCelsius, 1e-3),
    ...told('berth_gpu_power_watts', gpu.power.drawMilliwatts, 1e-3),
    ...told('berth_gpu_clock_hertz', gpu.clocks.graphicsMhz, 1e6),
    ...told('berth_gpu_errors_total', gpu.ecc.uncorrectedVolatile, 1),
  ];
}
