import { join } from 'node:path';
import type { TimeMs } from '../base/units.ts';
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
import type { MetricFamily, Reading } from '../telemetry/metric.ts';
import { samplers } from '../telemetry/samplers/registry.ts';
import type { DaemonLog } from './daemon-log.ts';
import { keepEvery } from './keep-every.ts';
import { PressureWatch } from './pressure-watch.ts';
import type { LiveSite } from './site.ts';
import { SpotFile } from './spot-file.ts';
import { openSpotWatch } from './spot-watch.ts';
import type { SystemClock } from './system-clock.ts';
import { TaskMetrics } from './task-metrics.ts';

const SAMPLE_EVERY_MS = 1_000;
const ENGINE_TICKS = 10;

interface Sampled {
  readonly engine: Engine;
  readonly driver: LocalDriver;
  readonly folder: StateFolder;
  readonly log: DaemonLog;
  readonly clock: SystemClock;
  readonly history: SqliteHistory;
  readonly live: LatestReadings;
  readonly site: SiteConfig;
  /** Filled here. */
  /** The newest sample of the host. */
  latest: HostSample | undefined;
}

/** Hears each second what history keeps: gauges, and rates by the names that `historyName` gives. */
export type ReadingsListener = (
  at: TimeMs,
  readings: readonly Reading[],
  families: readonly MetricFamily[],
) => void;

/** Samples this machine and its tasks until the stack is closed, and tells everybody who goes by that. */
export function startSampling(
  parts: Sampled,
  stack: AsyncDisposableStack,
  {
    site,
    loop,
    onReadings = () => {},
  }: {
    readonly site: LiveSite;
    readonly loop: Loop;
    readonly onReadings?: ReadingsListener;
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
  const tasks = new TaskMetrics({
    running: () => engine.state.runningAttempts(),
    uses: driver.uses,
    live,
  });
  stack.defer(() => tasks.close());
  openSampling({
    samplers,
    sources: [...tasks.sources(), heldSource(site), engineSource(engine), daemonSource],
    live,
    sysroot: '/',
    now: () => parts.clock.now(),
    run: runProgram,
    signal: sampling.signal,
    onTick: (at, readings) => {
      const sample = hostSample(at, readings);
      parts.latest = sample;
      if (isKept(at)) {
        parts.history.record(at, readings);
        onReadings(at, readings, live.families());
      }
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

/** Tasks of workloads that have not ended; each workload is looked at, so not each second. */
function engineSource({ state }: Engine): TickSource {
  const read = (tick: number): readonly Reading[] | undefined => {
    if (tick % ENGINE_TICKS !== 0) return undefined;
    const all = { waiting: 0, running: 0 };
    const queues = new Map<string, typeof all>();
    for (const { state: stage, spec, steps } of state.workloads()) {
      if (stage !== 'active') continue;
      const queue = queues.get(spec.queue) ?? { waiting: 0, running: 0 };
      queues.set(spec.queue, queue);
      for (const { counts } of steps) {
        for (const one of [all, queue]) {
          one.waiting += counts.waiting;
          one.running += counts.running;
        }
      }
    }
    return [
      ...tallies('berth_tasks', {}, all),
      ...[...queues].flatMap(([queue, tally]) => tallies('berth_queue_tasks', { queue }, tally)),
    ];
  };
  return { name: 'engine', everyMs: SAMPLE_EVERY_MS * ENGINE_TICKS, read };
}

const tallies = (
  name: string,
  labels: Readonly<Record<string, string>>,
  tally: Readonly<Record<string, number>>,
): readonly Reading[] =>
  Object.entries(tally).map(([state, value]) => ({ name, labels: { ...labels, state }, value }));

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
