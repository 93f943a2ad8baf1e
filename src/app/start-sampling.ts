import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import type { LocalDriver } from '../execution/io/local/driver.ts';
import type { AttemptId, NodeId } from '../model/ids.ts';
import type { SiteConfig } from '../model/site-config.ts';
import type { Loop } from '../runtime/loop.ts';
import { poolOf } from '../spec/lease-request.ts';
import type { SqliteHistory } from '../store/io/history.ts';
import type { StateFolder } from '../store/io/state-folder.ts';
import { openHostSampler } from '../telemetry/io/host-sampler.ts';
import type { Labels, Reading } from '../telemetry/metric.ts';
import type { HostSample } from '../telemetry/sample-host.ts';
import type { DaemonLog } from './daemon-log.ts';
import { keepEvery } from './keep-every.ts';
import { PressureWatch } from './pressure-watch.ts';
import type { LiveSite } from './site.ts';
import { SpotFile } from './spot-file.ts';
import { openSpotWatch } from './spot-watch.ts';
import type { SystemClock } from './system-clock.ts';

const SAMPLE_EVERY_MS = 1_000;

interface Sampled {
  readonly engine: Engine;
  readonly driver: LocalDriver;
  readonly folder: StateFolder;
  readonly log: DaemonLog;
  readonly clock: SystemClock;
  readonly history: SqliteHistory;
  readonly site: SiteConfig;
  /** The newest sample of the host. */
  latest: HostSample | undefined;
}

/** Samples the host until the stack is closed, and tells everybody who goes by that. */
export function startSampling(
  parts: Sampled,
  stack: AsyncDisposableStack,
  { site, loop }: { readonly site: LiveSite; readonly loop: Loop },
): void {
  const { engine, driver, folder, log } = parts;
  const sampling = new AbortController();
  stack.defer(() => sampling.abort());
  const node = (): NodeId | undefined =>
    engine.state.nodes().find((one) => poolOf(one) === undefined)?.id;
  const memoryOf = (attempt: AttemptId) => driver.uses.memoryOf(attempt);
  const pressure = new PressureWatch({
    engine,
    loop,
    node,
    memoryOf,
    memoryFill: () => driver.memoryFill(),
  });
  openSpotWatch({
    file: join(folder.dir, 'spot-notice'),
    provider: new SpotFile(join(folder.dir, 'spot.yaml'), (problem) => log('execution', problem)),
    now: () => parts.clock.now(),
    everyMs: SAMPLE_EVERY_MS,
    signal: sampling.signal,
    node,
    loop,
    log: (sentence) => log('execution', sentence),
  });
  const isKept = keepEvery(parts.site.sampleEveryMs ?? SAMPLE_EVERY_MS, SAMPLE_EVERY_MS);
  openHostSampler({
    everyMs: SAMPLE_EVERY_MS,
    procRoot: '/proc',
    signal: sampling.signal,
    onSample: (sample) => {
      parts.latest = sample;
      if (isKept(sample.at)) {
        parts.history.record(sample.at, usageReadings(sample, site));
      }
      site.noteSample();
      if (parts.site.scheduling.eviction !== undefined) pressure.hear(sample);
    },
  });
}

/** Of the host, by the names that history has; what is unknown is not there. */
function usageReadings(sample: HostSample, site: LiveSite): readonly Reading[] {
  const [node] = site.nodes().nodes;
  const cpuHeld = node && node.held.cpu_milli / Math.max(1, node.allocatable.cpu_milli);
  const values: readonly (readonly [string, number | undefined, Labels?])[] = [
    ['berth_node_cpu_busy_ratio', sample.cpuBusyRatio],
    ['berth_node_memory_used_bytes', sample.memoryUsedBytes],
    ['berth_node_pressure_waiting_ratio', sample.cpuPressureRatio, { resource: 'cpu' }],
    ['berth_node_pressure_waiting_ratio', sample.memoryPressureRatio, { resource: 'memory' }],
    ['berth_node_pressure_waiting_ratio', sample.ioPressureRatio, { resource: 'io' }],
    ['berth_node_cpu_held_ratio', cpuHeld],
    ['berth_node_memory_held_bytes', node?.held.memory_bytes],
  ];
  return values.flatMap(([name, value, labels = {}]) =>
    value === undefined ? [] : [{ name, labels, value }],
  );
}
