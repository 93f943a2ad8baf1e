import { rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { openServer } from '../api/io/server.ts';
import { enforcementDocument } from '../api/views/workload.ts';
import { type SpanMs, spanMs } from '../base/units.ts';
import { Engine } from '../engine/engine.ts';
import { takeSnapshot } from '../engine/snapshot.ts';
import { openLocalDriver } from '../execution/io/local/driver.ts';
import { readLog } from '../execution/io/local/log-reader.ts';
import type { NodeId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import { Loop } from '../runtime/loop.ts';
import type { Report } from '../runtime/ports.ts';
import { PriorityScheduler } from '../scheduling/priority-scheduler.ts';
import { bestFit } from '../scheduling/scorers/best-fit.ts';
import { openHistory } from '../store/io/history.ts';
import { openJournal, type SqliteJournal } from '../store/io/journal.ts';
import { openStateFolder } from '../store/io/state-folder.ts';
import { openHostSampler } from '../telemetry/io/host-sampler.ts';
import type { HostSample } from '../telemetry/sample-host.ts';
import { type DaemonLog, openDaemonLog } from './daemon-log.ts';
import { baseEnv } from './host-env.ts';
import { hostNode } from './host-node.ts';
import { parseSubmission } from './parse-submission.ts';
import { recover } from './recover.ts';
import { LiveSite } from './site.ts';
import { SystemClock } from './system-clock.ts';
import { usageView } from './usage-view.ts';
import { version } from './version.ts';
import { webDir } from './web-dir.ts';

const TASKS_MAX = 1_000_000;
const ENDED_MAX = 2_000;
/** A start replays at most about this many events: a second's work. */
const SNAPSHOT_EVERY_EVENTS = 50_000;
const KEEP_HISTORY_MS = spanMs(90 * 86_400_000);
const KEEP_HISTORY_BYTES = 2 * 1024 ** 3;
const SAMPLE_EVERY_MS = 1_000;

export interface DaemonOptions {
  readonly stateDir: string;
  /** Undefined: no TCP, the unix socket only. */
  readonly port: number | undefined;
  readonly host?: string;
  /** Log lines go to `log` as well. */
  readonly foreground: boolean;
  readonly log: (line: string) => void;
}

export interface Daemon {
  /** Empty without TCP. */
  readonly url: string;
  readonly socket: string;
  /** Resolves when the daemon has ended; rejects with what ended it when that was a bug. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** Takes the state folder, rebuilds the state, adopts what runs, and serves. The composition root. */
export async function openDaemon(options: DaemonOptions): Promise<Daemon> {
  await using stack = new AsyncDisposableStack();
  const clock = new SystemClock();
  const startedAt = clock.now();
  const folder = await openStateFolder({ dir: options.stateDir });
  stack.defer(() => folder.release());
  const log = openDaemonLog(
    join(folder.paths.logs, 'daemon.log'),
    options.foreground ? options.log : () => {},
  );
  const journal = openJournal({ file: folder.paths.journal });
  stack.defer(() => journal.close());
  const engine = new Engine(
    { tasksMax: TASKS_MAX, endedMax: ENDED_MAX },
    { scheduler: (deps) => new PriorityScheduler(deps, bestFit) },
  );
  const { replayed } = recover(engine, journal);

  let report: (report: Report) => void = () => {};
  const driver = await openLocalDriver(
    { stateDir: folder.dir, onReport: (told) => report(told) },
    { warn: (message) => log('execution', message) },
  );
  stack.defer(() => driver.close());
  const ending = Promise.withResolvers<void>();
  const history = openHistory({
    file: folder.paths.history,
    onProblem: (problem) => log('telemetry', 'a usage sample could not be kept', problem),
  });
  stack.defer(() => history.close());
  const snapshots = new SnapshotKeeper(engine, journal, clock, log);

  const loop = new Loop(
    { baseEnv: baseEnv(), workRoot: join(folder.dir, 'work'), nodePath: process.execPath },
    {
      engine,
      journal,
      clock,
      driver,
      onBatch: (events) => {
        site.noteEvents(events);
        snapshots.note(events.length);
        for (const event of events) forget(event, folder.dir);
      },
      onFatal: (error) => {
        log('engine', 'an invariant is broken; the daemon ends and can be started again', error);
        ending.reject(error);
      },
    },
  );
  let latest: HostSample | undefined;
  const site = new LiveSite({
    engine,
    loop,
    now: () => clock.now(),
    status: () => ({
      pid: process.pid,
      version,
      state_dir: folder.dir,
      url,
      socket: folder.paths.apiSocket,
      host: hostname(),
      started_at: startedAt,
      launcher_pid: driver.launcherPid ?? null,
      enforcement: enforcementDocument(driver.enforcement),
      journal: { sequence: journal.lastSequence, stalled: loop.stalled?.message ?? null },
    }),
    usage: (window: SpanMs) => usageView(history, latest?.memoryTotalBytes, clock.now(), window),
    readLog: (request) => readLog(folder.paths.attempts, request),
    shutDown: () => ending.resolve(),
  });
  stack.defer(() => site.close());
  stack.defer(() => snapshots.take());
  stack.defer(() => loop.close());
  report = (told) => loop.report(told);

  await joinThisNode(engine, loop);
  await loop.reconcile();

  let url = '';
  const server = await openServer({
    site,
    token: folder.token,
    socketPath: folder.paths.apiSocket,
    host: options.host ?? '127.0.0.1',
    port: options.port,
    webDir: webDir(),
    parse: parseSubmission,
    log: (sentence, error) => log('api', sentence, error),
  });
  stack.defer(() => server.close());
  url = server.url;
  const sampling = new AbortController();
  stack.defer(() => sampling.abort());
  openHostSampler({
    everyMs: SAMPLE_EVERY_MS,
    procRoot: '/proc',
    signal: sampling.signal,
    onSample: (sample) => {
      latest = sample;
      history.record({ at: sample.at, values: usageValues(sample, site) });
      site.noteSample();
    },
  });
  const record = {
    pid: process.pid,
    url,
    socket: folder.paths.apiSocket,
    version,
    started_at: startedAt,
  };
  writeFileSync(folder.paths.daemon, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  stack.defer(() => rmSync(folder.paths.daemon, { force: true }));
  log(
    'daemon',
    `up: pid ${process.pid}, ${url === '' ? folder.paths.apiSocket : url}, ${replayed} events replayed`,
  );

  const owned = stack.move();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= owned.disposeAsync();
    return closing;
  };
  const closed = ending.promise.then(close, async (error: unknown) => {
    await close().catch(() => {});
    throw error;
  });
  closed.catch(() => {});
  return {
    url,
    socket: folder.paths.apiSocket,
    closed,
    close: () => {
      ending.resolve();
      return close();
    },
  };
}

/** The one node of a local site keeps the id that it joined with, whatever the host is called today. */
async function joinThisNode(engine: Engine, loop: Loop): Promise<void> {
  const known = engine.state.nodes()[0];
  const node = await hostNode(known?.id ?? (hostname().replace(/[^\w.-]/g, '-') as NodeId));
  if (JSON.stringify(known) === JSON.stringify(node)) return;
  await loop.send({ kind: 'join-node', node });
}

/** A workload that retires takes its logs and its shared folder along. */
function forget(event: Event, stateDir: string): void {
  if (event.kind !== 'workload-retired') return;
  rmSync(join(stateDir, 'work', event.workload), { recursive: true, force: true });
}

function usageValues(sample: HostSample, site: LiveSite): Record<string, number | undefined> {
  const { nodes } = site.nodes();
  const node = nodes[0];
  return {
    cpu_ratio: sample.cpuBusyRatio,
    memory_used_bytes: sample.memoryUsedBytes,
    cpu_pressure_ratio: sample.cpuPressureRatio,
    memory_pressure_ratio: sample.memoryPressureRatio,
    io_pressure_ratio: sample.ioPressureRatio,
    cpu_held_ratio: node && node.held.cpu_milli / Math.max(1, node.allocatable.cpu_milli),
    memory_held_bytes: node?.held.memory_bytes,
  };
}

/** Takes a snapshot every so many events, one at a time, and prunes the history behind it. */
class SnapshotKeeper {
  readonly #engine: Engine;
  readonly #journal: SqliteJournal;
  readonly #clock: SystemClock;
  readonly #log: DaemonLog;
  #since = 0;
  #taking: Promise<void> | undefined;

  constructor(engine: Engine, journal: SqliteJournal, clock: SystemClock, log: DaemonLog) {
    this.#engine = engine;
    this.#journal = journal;
    this.#clock = clock;
    this.#log = log;
  }

  note(events: number): void {
    this.#since += events;
    if (this.#since < SNAPSHOT_EVERY_EVENTS || this.#taking !== undefined) return;
    this.#taking = this.take().finally(() => {
      this.#taking = undefined;
    });
  }

  /** A snapshot that cannot be written only makes the next start slower. */
  async take(): Promise<void> {
    if (this.#since === 0) return;
    this.#since = 0;
    try {
      await this.#journal.writeSnapshot(
        this.#journal.lastSequence,
        takeSnapshot(this.#engine.state),
      );
      const at = this.#clock.now();
      const policy = { at, keepMs: KEEP_HISTORY_MS, keepBytes: KEEP_HISTORY_BYTES as never };
      while (this.#journal.prune(policy).more) await new Promise(setImmediate);
    } catch (error) {
      this.#log('store', 'the snapshot could not be written', error);
    }
  }
}
