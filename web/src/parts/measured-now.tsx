import { UNKNOWN } from '../format.ts';
import { scaleOf } from '../metrics.ts';
import type { useLatest } from '../use-latest.ts';

type Latest = ReturnType<typeof useLatest>;

export const machineMetrics = [
  'berth_node_cpu_core_busy_ratio',
  'berth_node_temperature_celsius',
  'berth_node_power_watts',
  'berth_node_load1',
  'berth_gpu_busy_ratio',
  'berth_gpu_memory_used_bytes',
  'berth_gpu_temperature_celsius',
  'berth_gpu_power_watts',
] as const;

/** The hottest sensor, the power of each zone and the load: what is not measured here is a dash. */
export function MeasuredNow({ latest }: { readonly latest: Latest }) {
  const sensors = (latest.get('berth_node_temperature_celsius') ?? []).toSorted(
    (a, b) => b.value - a.value,
  );
  const [hottest] = sensors;
  const zones = latest.get('berth_node_power_watts') ?? [];
  const celsius = scaleOf({ name: '', unit: 'celsius' });
  const watts = scaleOf({ name: '', unit: 'watts' });
  const load = latest.get('berth_node_load1')?.[0]?.value;
  const told = (list: typeof sensors, label: string, format: (n: number) => string): string =>
    list.map(({ labels, value }) => `${labels[label]} ${format(value)}`).join(', ') ||
    'not measured here';
  return (
    <p class="facts muted" data-testid="measured-now">
      <span title={told(sensors, 'sensor', celsius.format)}>
        hottest{' '}
        <b class="number">{hottest === undefined ? UNKNOWN : celsius.format(hottest.value)}</b>{' '}
        {hottest?.labels['sensor']}
      </span>
      <span title={told(zones, 'zone', watts.format)}>
        power{' '}
        <b class="number">{zones.length === 0 ? UNKNOWN : told(zones, 'zone', watts.format)}</b>
      </span>
      <span title="Tasks that run or wait for CPU or disk, over a minute (measured)">
        load <b class="number">{load === undefined ? UNKNOWN : load.toFixed(2)}</b>
      </span>
    </p>
  );
}

/** Of one GPU. */
export function latestOfGpu(latest: Latest, name: string, gpu: string): number | undefined {
  return latest.get(name)?.find(({ labels }) => labels['gpu'] === gpu)?.value;
}
