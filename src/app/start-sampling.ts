import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import type { LocalDriver } from '../execution/io/local/driver.ts';
import { runProgram } from '../inventory/io/run-program.ts';
import type { AttemptId, NodeId } from '../model/ids.ts';
import type { SiteConfig } from '../model/site-config.ts';
import type { Loop } from '../runtime/loop.ts';
import { poolOf } from '../spec/lease-request.ts';
import type { SqliteHistory } from '../store/io/history.ts';
import type { StateFolder } from '../store/io/state-folder.ts';
import { type HostSample, hostSample } from '../telemetry/host-sample.ts';
import { openSampling, type TickSource } from '../telemetry/io/sampling.ts';
import type { LatestReadings } from '../telemetry/latest.ts';
import type { Reading } from '../telemetry/metric.ts';
import { samplers } from '../telemetry/samplers/registry.ts';
import type { DaemonLog } from './daemon-log.ts';
import { HeldReadings } from './held-readings.ts';
import { keepEvery } from './keep-every.ts';
import { PressureWatch } from './pressure-watch.ts';
import type { LiveSite } from './site.ts';
import { SpotFile } from './spot-file.ts';
import { openSpotWatch } from './spot-watch.ts';
import type { SystemClock } from './system-clock.ts';
import { TaskMetrics } from './task-metrics.ts';

const SAMPLE_EVERY_MS = 1_000;
/** What the engine counts changes slowly: history has it so often. */
const COUNTED_EVERY_MS = 10_000;

interface Sampled {
  readonly engine: Engine;
  readonly driver: LocalDriver;
  readonly folder: StateFolder;
  readonly log: DaemonLog;
  readonly clock: SystemClock;
  readonly history: SqliteHistory;
  /** Filled here. */
  readonly live: LatestReadings;
  readonly site: SiteConfig;
  /** The newest sample of the host. */
  latest: HostSample | undefined;
}

/** Samples this machine and its tasks until the stack is closed, and tells everybody who goes by that. */
export function startSampling(
  parts: Sampled,
  stack: AsyncDisposableStack,
  {
    site,
    loop,
    counted,
  }: {
    readonly site: LiveSite;
    readonly loop: Loop;
    /** Gauges that somebody else counts: history keeps them, too. */
    readonly counted: () => readonly Reading[];
  },
): void {
  const { engine, driver, folder, log, live } = parts;
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
  const held = new HeldReadings();
  const isCounted = keepEvery(COUNTED_EVERY_MS, SAMPLE_EVERY_MS);
  const tasks = new TaskMetrics({
    running: () => engine.state.runningAttempts(),
    uses: driver.uses,
    live,
  });
  stack.defer(() => tasks.close());
  openSampling({
    samplers,
    sources: [...tasks.sources(), heldSource(site), daemonSource],
    live,
    sysroot: '/',
    now: () => parts.clock.now(),
    run: runProgram,
    signal: sampling.signal,
    onTick: (at, readings) => {
      const sample = hostSample(at, readings);
      parts.latest = sample;
      if (isKept(at)) {
        const others = isCounted(at) ? counted() : [];
        parts.history.record(at, [...held.take(readings), ...others]);
      } else held.hold(readings);
      site.noteSample();
      if (parts.site.scheduling.eviction !== undefined) pressure.hear(sample);
    },
  });
}

/** What of this machine is given out to tasks. */
function heldSource(site: LiveSite): TickSource {
  const read = (): readonly Reading[] => {
    const [node] = site.nodes().nodes;
    if (node === undefined) return [];
    const ratio = node.held.cpu_milli / Math.max(1, node.allocatable.cpu_milli);
    return [
      { name: 'berth_node_cpu_held_ratio', labels: {}, value: ratio },
      { name: 'berth_node_memory_held_bytes', labels: {}, value: node.held.memory_bytes },
    ];
  };
  return { name: 'held', everyMs: SAMPLE_EVERY_MS, read };
}

const daemonSource: TickSource = {
  name: 'daemon',
  everyMs: SAMPLE_EVERY_MS,
  read() {
    const { user, system } = process.cpuUsage();
    return [
      { name: 'berth_daemon_cpu_seconds_total', labels: {}, value: (user + system) / 1e6 },
      { name: 'berth_daemon_memory_bytes', labels: {}, value: process.memoryUsage.rss() },
    ];
  },
};
