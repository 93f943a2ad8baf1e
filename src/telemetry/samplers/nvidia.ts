import { gpusOfCsv, parseNvidiaCsv } from '../../inventory/parsers/nvidia-csv.ts';
import type { StreamSampler } from '../sampler.ts';
import { GPU_FAMILIES, gpuReadings } from './gpu-readings.ts';

/** Columns that every driver since 2013 has, with the units that `nounits` leaves out. */
const COLUMNS: readonly (readonly [name: string, unit?: string])[] = [
  ['index'],
  ['uuid'],
  ['utilization.gpu', '%'],
  ['memory.used', 'MiB'],
  ['memory.total', 'MiB'],
  ['temperature.gpu', 'C'],
  ['power.draw', 'W'],
  ['clocks.gr', 'MHz'],
  ['ecc.errors.uncorrected.volatile.total'],
];
const HEADER = COLUMNS.map(([name, unit]) => (unit === undefined ? name : `${name} [${unit}]`));
const EVERY_SECONDS = 5;
const QUERY = [
  'nvidia-smi',
  `--query-gpu=${COLUMNS.map(([name]) => name).join(',')}`,
  '--format=csv,noheader,nounits',
] as const;

/**
 * One program that runs on: each start of it costs the driver a second where nothing else keeps the GPUs awake.
 * A GPU that is lost, or says `[N/A]`, has no reading.
 */
export const nvidiaSampler: StreamSampler = {
  name: 'nvidia',
  kind: 'stream',
  everyMs: EVERY_SECONDS * 1_000,
  command: [...QUERY, `--loop=${EVERY_SECONDS}`],
  once: QUERY,
  families: GPU_FAMILIES,
  read(lines) {
    const table = parseNvidiaCsv(`${HEADER.join(', ')}\n${lines}`);
    return table === undefined ? [] : gpusOfCsv(table).flatMap(gpuReadings);
  },
};
