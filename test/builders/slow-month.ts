import { type Layer, layers } from '../../src/analysis/layers.ts';
import type { RegressionOptions, SoftwareChange } from '../../src/analysis/regressions.ts';
import type { NamedSeries } from '../../src/analysis/series.ts';
import { Prng } from '../../src/base/prng.ts';
import { timeMs } from '../../src/base/units.ts';
import { ArrayHistory, type Recorded } from './metric-history.ts';
import { noise, normal } from './series.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const DAYS = 30;
export const begin = Date.parse('2026-03-01T00:00:00Z');

export interface Month {
  readonly history: ArrayHistory;
  readonly options: RegressionOptions;
  readonly onset: number;
  /** Went wrong, too, and slowed nobody. */
  readonly decoy: Layer | undefined;
}

/** By how much each metric moves when its layer is at fault and jobs have become 1.4 times as long. */
const faults: Record<Exclude<Layer, 'software'>, Record<string, (share: number) => number>> = {
  thermal: {
    gpuTemperature: (share) => 20 * share,
    throttles: (share) => 0.4 * Math.max(0, share - 0.2),
    gpuClock: (share) => -0.25 * Math.max(0, share - 0.2),
  },
  hardware: { gpuClock: (share) => -0.28 * share, gpuErrors: (share) => 0.02 * share },
  network: { retransmits: (share) => 0.04 * share, drops: (share) => 6 * share },
  storage: {
    readTime: (share) => 1.5 * share,
    ioPressure: (share) => 0.2 * share,
    taskReads: (share) => -0.28 * share,
  },
  fragmentation: { unusable: (share) => 0.45 * share, compactStalls: (share) => 4 * share },
  'data-pipeline': { cached: (share) => -0.6 * share, majorFaults: (share) => 60 * share },
};

/**
 * A month in which all jobs become 40 % slower, for one true cause, over days or at once: a machine with a daily
 * rhythm, noise with a memory, spikes, an hour that is missing now and then, and metrics that have nothing to do
 * with it. In every second month another layer goes wrong, too, by half as much, at some other time, and slows
 * nobody. Utilisation stays normal. `undefined`: a month in which nothing is wrong.
 */
export function slowMonth(seed: number, cause: Layer | undefined): Month {
  const prng = new Prng(seed);
  const isStep = cause === 'software' || prng.chance(40);
  const onsetDay = prng.between(4, 14);
  const onset = begin + onsetDay * DAY;
  const shareAt = (at: number): number => {
    if (cause === undefined || at < onset) return 0;
    return isStep ? 1 : (at - onset) / (begin + DAYS * DAY - onset);
  };
  const hours = Array.from({ length: DAYS * 24 }, (_, i) => begin + i * HOUR).filter(
    () => !prng.chance(2),
  );
  const loadNoise = noise(prng.next(), hours.length, 0.7);
  const load = hours.map(
    (at, i) => 0.55 + 0.15 * Math.sin((2 * Math.PI * (at % DAY)) / DAY) + 0.05 * loadNoise[i]!,
  );
  const moves = cause === undefined || cause === 'software' ? {} : faults[cause];
  const others = layers.filter((layer) => layer !== cause && layer !== 'software');
  const decoy = cause !== undefined && prng.chance(50) ? prng.pick(others) : undefined;
  const decoyAt = begin + prng.between(3, 25) * DAY;
  const decoys = decoy === undefined || decoy === 'software' ? {} : faults[decoy];
  const series = (
    name: string,
    fault: string,
    of: (load: number, noise: number, moved: number) => number,
    labels: Readonly<Record<string, string>> = {},
  ): Recorded => {
    const own = noise(prng.next(), hours.length, 0.4);
    const spike = prng.between(0, hours.length - 1);
    const values = hours.map((at, i) => {
      const value = of(
        load[i]!,
        own[i]!,
        (moves[fault]?.(shareAt(at)) ?? 0) + (at < decoyAt ? 0 : (decoys[fault]?.(0.5) ?? 0)),
      );
      return i === spike ? value * 4 : value;
    });
    return { name, labels, at: hours, values };
  };
  const positive = (x: number): number => Math.max(0, x);
  const gpu = { gpu: 'GPU-1', index: '0' };
  const disk = { device: 'nvme0n1' };
  const recorded = [
    series('berth_gpu_busy_ratio', '', (l, e) => l + 0.02 * e, gpu),
    series('berth_node_cpu_busy_ratio', '', (l, e) => l * 0.6 + 0.03 * e),
    series(
      'berth_gpu_temperature_celsius',
      'gpuTemperature',
      (l, e, m) => 45 + 30 * l + e + m,
      gpu,
    ),
    series(
      'berth_node_thermal_throttles_per_second',
      'throttles',
      (_, e, m) => positive(0.002 * e + m),
      { cpu: '0' },
    ),
    series('berth_gpu_clock_hertz', 'gpuClock', (_, e, m) => 1.7e9 * (1 + m + 0.01 * e), gpu),
    series('berth_gpu_errors_per_second', 'gpuErrors', (_, e, m) => positive(0.0001 * e + m), gpu),
    series('berth_node_tcp_segments_sent_per_second', '', (l, e) => positive(20_000 * l + 800 * e)),
    series('berth_node_tcp_segments_retransmitted_per_second', 'retransmits', (l, e, m) =>
      positive(20_000 * l * (0.001 + 0.0004 * e + m)),
    ),
    series(
      'berth_node_network_drops_per_second',
      'drops',
      (l, e, m) => positive(0.5 * l + 0.2 * e + m),
      { device: 'eth0' },
    ),
    series('berth_node_disk_reads_per_second', '', (l, e) => positive(900 * l + 60 * e), disk),
    series(
      'berth_node_disk_read_time_ratio',
      'readTime',
      (l, e, m) => positive(900 * l * 0.002 * (1 + m + 0.08 * e)),
      disk,
    ),
    series(
      'berth_node_pressure_waiting_ratio',
      'ioPressure',
      (l, e, m) => positive(0.05 * l + 0.02 * e + m),
      { resource: 'io' },
    ),
    series(
      'berth_node_memory_unusable_free_ratio',
      'unusable',
      (_, e, m) => positive(0.2 + 0.03 * e + m),
      { numa: '0', zone: 'Normal' },
    ),
    series('berth_node_compact_stalls_per_second', 'compactStalls', (l, e, m) =>
      positive(0.3 * l + 0.1 * e + m),
    ),
    series(
      'berth_node_memory_cached_bytes',
      'cached',
      (_, e, m) => 2e11 * positive(1 + m + 0.05 * e),
    ),
    series(
      'berth_task_read_bytes_per_second',
      'taskReads',
      (_, e, m) => 4e8 * positive(1 + m + 0.06 * e),
      { attempt: '1.s.0.1' },
    ),
    series('berth_node_major_faults_per_second', 'majorFaults', (l, e, m) =>
      positive(4 * l + e + m),
    ),
    series('berth_node_context_switches_per_second', '', (l, e) =>
      positive(40_000 * l + 2_000 * e),
    ),
  ];
  const starts = Array.from({ length: 400 }, () => begin + prng.below(DAYS * 24) * HOUR).sort(
    (a, b) => a - b,
  );
  const symptom: NamedSeries = {
    name: 'attempt_duration',
    labels: {},
    unit: 'ratio',
    words: 'the time that attempts take',
    worse: 'up',
    at: starts,
    values: starts.map((at) => (1 + 0.4 * shareAt(at)) * (1 + 0.06 * normal(prng))),
  };
  const softwareChanges: SoftwareChange[] =
    cause === 'software' && prng.chance(70)
      ? [{ at: onset, sentence: 'step train has another command' }]
      : [{ at: begin + prng.below(DAYS) * DAY, sentence: 'step report has another command' }];
  const options = { from: timeMs(begin), to: timeMs(begin + DAYS * DAY), softwareChanges };
  return {
    history: new ArrayHistory(recorded),
    options: { ...options, symptoms: [symptom] },
    onset,
    decoy,
  };
}
