import { rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { attemptToken } from '../api/io/attempt-token.ts';
import { openServer } from '../api/io/server.ts';
import { enforcementDocument } from '../api/views/workload.ts';
import type { SpanMs } from '../base/units.ts';
import type { ExplainedSetting } from '../cli/explain-settings.ts';
import type { Engine } from '../engine/engine.ts';
import { attemptOfPid } from '../execution/io/local/attempt-of-pid.ts';
import { type LocalDriver, openLocalDriver } from '../execution/io/local/driver.ts';
import { readLog } from '../execution/io/local/log-reader.ts';
import { checkingPorts } from '../execution/io/local/port-check.ts';
import { runProgram } from '../inventory/io/run-program.ts';
import type { HistoryConfig } from '../model/history-config.ts';
import type { MoneyConfig } from '../model/money.ts';
import { defaultNetwork, type NetworkConfig } from '../model/network-config.ts';
import type { SiteConfig } from '../model/site-config.ts';
import { Loop } from '../runtime/loop.ts';
import type { Report } from '../runtime/ports.ts';
import { openHistory, type SqliteHistory } from '../store/io/history.ts';
import { openJournal, type SqliteJournal } from '../store/io/journal.ts';
import { openStateFolder, type StateFolder } from '../store/io/state-folder.ts';
import type { HostSample } from '../telemetry/host-sample.ts';
import type { LatestReadings } from '../telemetry/latest.ts';
import { type DaemonLog, openDaemonLog } from './daemon-log.ts';
import { type Egress, openEgress } from './egress.ts';
import { EngineMetrics } from './engine-metrics.ts';
import { findSolver } from './find-solver.ts';
import { forgetAttempts } from './forget-attempts.ts';
import { GpuShareWatch, LOOK_EVERY_MS } from './gpu-share-watch.ts';
import { baseEnv } from './host-env.ts';
import { HostInventory } from './host-inventory.ts';
import { joinAsRead } from './join-as-read.ts';
import { Keepers } from './keepers.ts';
import { LiveLeases } from './leases.ts';
import { openLiveMetrics } from './live-metrics.ts';
import { LookAhead } from './look-ahead.ts';
import { LiveMoney } from './money-site.ts';
import { networkStatus } from './network-status.ts';
import { observe } from './observe.ts';
import { openPush } from './open-push.ts';
import { OVERFLOW_MAX, Overflow } from './overflow.ts';
import { submissionParser } from './parse-submission.ts';
import { PluginKeeper } from './plugin-keeper.ts';
import { readPrices } from './read-prices.ts';
import { defaultSite, type ReadSite, readSite } from './read-site.ts';
import { type Recovered, recover } from './recover.ts';
import { ReportGatherer } from './report-gatherer.ts';
import { LiveSettings } from './settings-site.ts';
import { LiveSite, type LiveSiteDeps } from './site.ts';
import { siteEngine } from './site-engine.ts';
import { SnapshotKeeper } from './snapshot-keeper.ts';
import { startSampling } from './start-sampling.ts';
import { SystemClock } from './system-clock.ts';
import { openTaskResults, type TaskResults } from './task-results.ts';
import { Tokens } from './tokens.ts';
import { LiveTransfers } from './transfers.ts';
import { usageView } from './usage-view.ts';
import { version } from './version.ts';
import { overPromised, volumeSpace } from './volume-space.ts';
import { webDir } from './web-dir.ts';
import { LiveWhatIf } from './what-if.ts';
import { WorkFolders } from './work-folders.ts';

/** What a task may wait longer because shorter ones were told in advance where they run. */
const LINE_MS = 100;

export interface DaemonOptions {
  readonly stateDir: string;
  /** Undefined: no TCP, the unix socket only. */
  readonly port: number | undefined;
  readonly host?: string;
  /** Absolute; undefined: nothing is said of the site. */
  readonly siteFile?: string | undefined;
  /** Absolute; undefined: nothing has a price. */
  readonly pricesFile?: string | undefined;
  /** Who said all this, for people. */
  readonly settings?: readonly ExplainedSetting[];
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
  const parts = await openParts(options, stack);
  const { folder, engine, log, clock, recovered, inventory } = parts;
  const ending = Promise.withResolvers<void>();
  const { site, leases, loop, keepers, overflow, counted, push } = connect(parts, stack, ending);
  const hear = joinAsRead(engine, loop, log, saidOf(parts.site));
  // With the first batch, or leases end of which nobody could be told.
  await loop.send({ kind: 'resume' });
  await hear(await inventory.reading());
  inventory.onReading = (reading) => {
    void hear(reading);
    if (reading.news.length > 0) site.noteInventory();
  };
  await loop.reconcile();
  const adoptedMs = Math.round(performance.now() - recovered.at);
  const adopted = [...engine.state.runningAttempts()].length;
  log('daemon', `${adopted} running attempts known ${adoptedMs} ms after the journal was replayed`);
  keepers.adoptAll();
  await overflow.recover();
  const transfers = new LiveTransfers({
    stateDir: folder.dir,
    storageClasses: parts.storageClasses,
    now: () => clock.now(),
    log,
  });
  stack.defer(() => transfers.close());
  const whatIf = new LiveWhatIf({ ...parts, now: () => clock.now() });
  stack.defer(() => whatIf.close());
  const observed = observe(parts, stack, { loop, leases, counted, push });
  const server = await openServer({
    ...observed.sites,
    site,
    leases,
    money: new LiveMoney({ ...parts, now: () => clock.now(), file: options.pricesFile }),
    transfers,
    whatIf,
    token: folder.token,
    tokens: parts.tokens,
    settings: new LiveSettings({ ...parts, daemon: options.settings ?? [] }),
    holders: {
      identify: (token) => parts.tokens.identify(token),
      tenantOfRunning: (id) => {
        const attempt = engine.state.attempt(id);
        return attempt?.end === undefined ? attempt?.task.tenant : undefined;
      },
    },
    socketPath: folder.paths.apiSocket,
    host: options.host ?? '127.0.0.1',
    port: options.port,
    webDir: webDir(),
    parse: submissionParser(parts.site, () => clock.now()),
    log: (sentence, error) => log('api', sentence, error),
  });
  stack.defer(() => server.close());
  parts.address.url = server.url;
  // From now on holders can be heard.
  await loop.send({ kind: 'resume' });
  startSampling(parts, stack, { site, loop, counted: observed.counted });
  observed.begin();
  watchShares(parts, stack);
  // From the first look on it is known whether anybody keeps too much, also after a crash.
  if (engine.state.storage !== undefined) keepers.storage.open(stack);
  const { url } = server;
  const socket = folder.paths.apiSocket;
  const record = { pid: process.pid, url, socket, version, started_at: clock.now() };
  writeFileSync(folder.paths.daemon, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  stack.defer(() => rmSync(folder.paths.daemon, { force: true }));
  log('daemon', `up: pid ${process.pid}, ${url || socket}, ${recovered.replayed} events replayed`);
  return { url, socket, ...endOnce(stack.move(), ending) };
}

/** What remembers and decides. */
interface OpenState {
  readonly site: SiteConfig;
  readonly folder: StateFolder;
  readonly log: DaemonLog;
  readonly clock: SystemClock;
  readonly journal: SqliteJournal;
  readonly history: SqliteHistory;
  readonly engine: Engine;
  readonly money: MoneyConfig;
  readonly prices: MoneyConfig['prices'];
  readonly inventory: HostInventory;
  readonly recovered: Recovered;
  readonly siteFile: string | null;
  /** As it was read. */
  readonly siteText: string | undefined;
  readonly plugins: PluginKeeper;
  readonly tokens: Tokens;
}

interface OpenExecution {
  readonly driver: LocalDriver;
  readonly network: NetworkConfig;
  readonly egress: Egress;
  /** Folders that volumes of a class lie in. */
  readonly storageClasses: ReadonlyMap<string, string>;
  readonly results: TaskResults;
  /** Where the API is over TCP; known for sure once it listens. */
  readonly address: { url: string };
  /** Hears the driver's reports; nobody does until the loop is there, for reconciliation asks again. */
  readonly ear: { hear: (report: Report) => void };
}

interface Parts extends OpenState, OpenExecution {
  /** What is measured now. */
  readonly live: LatestReadings;
  /** The newest sample of the host. */
  latest: HostSample | undefined;
}

/** What is opened before anything is decided, in order; closed in reverse by the stack. */
async function openParts(options: DaemonOptions, stack: AsyncDisposableStack): Promise<Parts> {
  // Before anything is touched: a site file that is wrong leaves everything as it was.
  const site =
    options.siteFile === undefined
      ? undefined
      : await readSite(options.siteFile, new SystemClock(0).now());
  const { scheduling, budgets } = site?.config ?? defaultSite;
  const money = { ...(await readPrices(options.pricesFile)), budgets };
  const folder = await openStateFolder({ dir: options.stateDir });
  stack.defer(() => folder.release());
  const echo = options.foreground ? options.log : () => {};
  const log = openDaemonLog(join(folder.paths.logs, 'daemon.log'), echo);
  logConfig(log, options, site);
  const plugins = new PluginKeeper(site?.plugins ?? [], log);
  stack.defer(() => plugins.close());
  // Its first reading goes on while the journal is replayed.
  const inventory = new HostInventory({
    file: folder.paths.inventory,
    sysroot: '/',
    onProblem: (problem, error) => log('inventory', problem, error),
  });
  stack.defer(() => inventory.close());
  const journal = openJournal({ file: folder.paths.journal });
  stack.defer(() => journal.close());
  const clock = new SystemClock(journal.lastAt);
  const sees = site?.config.isolation === 'none' ? 'all' : 'own';
  const tokens = new Tokens({ file: folder.paths.tokens, sees }, () => clock.now());
  const solve = await findSolver(scheduling, (message) => log('scheduling', message));
  const volumes = volumeSpace(folder.dir, site?.config.storage);
  for (const sentence of overPromised(volumes)) log('site', sentence);
  const terms = { scheduling, money, lineMs: LINE_MS, volumes };
  const engine = siteEngine(terms, plugins.plugins(), { solve });
  const recovered = recover(engine, journal);
  const history = openHistory({
    file: folder.paths.history,
    onProblem: (problem) => log('telemetry', 'a usage sample could not be kept', problem),
    ...(site?.config.history && kept(site.config.history)),
  });
  stack.defer(() => history.close());
  const state: OpenState = {
    site: site?.config ?? defaultSite,
    folder,
    log,
    clock,
    journal,
    history,
    engine,
    money,
    prices: money.prices,
    inventory,
    recovered,
    siteFile: options.siteFile ?? null,
    siteText: site?.text,
    plugins,
    tokens,
  };
  const execution = await openExecution(options, state, stack);
  return { ...state, ...execution, live: openLiveMetrics(), latest: undefined };
}

const kept = ({ secondsMs, minutesMs, hoursMs, size }: HistoryConfig) => ({
  keepMs: [secondsMs, minutesMs, hoursMs],
  bytesMax: size,
});

/** What carries out what is decided: the network of tasks, and the driver that starts them. */
async function openExecution(
  options: DaemonOptions,
  state: OpenState,
  stack: AsyncDisposableStack,
): Promise<OpenExecution> {
  const { site, folder, engine, log } = state;
  const network = site.network ?? defaultNetwork;
  // A launcher that ran on may report before anything else is open.
  const ear: OpenExecution['ear'] = { hear: () => {} };
  const egress = await openEgress({
    stateDir: folder.dir,
    instance: folder.instance,
    network,
    engine,
    log,
    onReport: (told) => ear.hear(told),
  });
  stack.defer(() => egress.close());
  const { host = '127.0.0.1', port = 0 } = options;
  const address = { url: port === 0 ? '' : `http://${host}:${port}` };
  const storageClasses = new Map(Object.entries(site.storage?.classes ?? {}));
  const tasks = await openTasks(state, { egress, storageClasses, address, ear });
  stack.defer(() => tasks.driver.close());
  return { ...tasks, network, egress, storageClasses, address, ear };
}

/** What starts tasks, with all that is done around it. */
async function openTasks(
  { folder, engine, clock, log }: OpenState,
  around: Pick<OpenExecution, 'egress' | 'storageClasses' | 'address' | 'ear'>,
): Promise<Pick<OpenExecution, 'driver' | 'results'>> {
  const { egress, storageClasses, address, ear } = around;
  const onReport = (told: Report): void => ear.hear(told);
  const warn = (message: string): void => log('execution', message);
  const results = await openTaskResults(folder, { engine, clock, warn, onReport });
  const local = await openLocalDriver(
    {
      stateDir: folder.dir,
      onReport: results.onReport,
      storageClasses,
      socketDirs: [dirname(folder.paths.apiSocket)],
      access: (attempt) =>
        address.url === ''
          ? undefined
          : { BERTH_URL: address.url, BERTH_TOKEN: attemptToken(folder.token, attempt) },
    },
    { warn },
  );
  const inner = egress.around(results.inner(local));
  return { driver: results.outer(checkingPorts(inner, onReport)), results };
}

const saidOf = ({
  scheduling,
  storage,
  oversubscription,
  labels,
}: SiteConfig): Parameters<typeof joinAsRead>[3] => ({
  ...(oversubscription !== undefined && { oversubscription }),
  gpuSharing: scheduling.gpuSharing,
  ...(labels && { labels }),
  ...(storage?.scratch !== undefined && { scratch: storage.scratch }),
});

function logConfig(log: DaemonLog, options: DaemonOptions, site: ReadSite | undefined): void {
  const { siteFile, pricesFile } = options;
  const named = site?.config.name;
  const where = siteFile ?? 'no file: one queue, by priority';
  log('site', named === undefined ? where : `${named}: ${where}`);
  if (pricesFile !== undefined) log('money', pricesFile);
  else if (site?.config.budgets.length)
    log('money', 'there are budgets, and no prices: nothing is charged');
  for (const warning of site?.warnings ?? []) log('site', warning);
}

/** The loop around the engine, and the site that people see of it. */
function connect(parts: Parts, stack: AsyncDisposableStack, ending: PromiseWithResolvers<void>) {
  const { folder, engine, journal, driver, clock, log } = parts;
  const folders = new WorkFolders(engine);
  const snapshots = new SnapshotKeeper(engine, journal, clock, log);
  const launchSite = {
    baseEnv: baseEnv(),
    workRoot: join(folder.dir, 'work'),
    nodePath: process.execPath,
  };
  const ahead = new LookAhead({
    engine,
    now: () => clock.now(),
    warn: (message, error) => log('forecasting', message, error),
  });
  const counted = new EngineMetrics({
    engine,
    ahead,
    root: parts.site.scheduling.root,
    now: () => clock.now(),
  });
  const loop = new Loop(launchSite, {
    engine,
    journal,
    clock,
    driver,
    onBatch: (events) => {
      site.noteEvents(events);
      leases.noteEvents(events);
      keepers.noteEvents(events);
      counted.noteEvents(events);
      push?.noteEvents(events);
      snapshots.note(events.length);
      folders.note(events);
      overflow.noteEvents(events);
      forgetAttempts(events, engine, folder, folders);
    },
    onFatal: (error) => {
      log('engine', 'an invariant is broken; the daemon ends and can be started again', error);
      ending.reject(error);
    },
  });
  const overflow = new Overflow({
    engine,
    loop,
    file: folder.paths.overflow,
    max: OVERFLOW_MAX,
    now: () => clock.now(),
    log,
  });
  const site = openSite(parts, {
    loop,
    ahead,
    overflow,
    decisionOf: (id) => keepers.autoscaler.decisionOf(id),
    shutDown: () => ending.resolve(),
  });
  const push = openPush(parts, (id) => site.workload(id));
  const leases = new LiveLeases({ engine, loop, now: () => clock.now() });
  const keepers = new Keepers(launchSite, {
    ...parts,
    loop,
    onDecision: (id) => site.noteWorkload(id),
  });
  ahead.begin();
  stack.defer(() => ahead.close());
  stack.defer(() => site.close());
  stack.defer(() => snapshots.take());
  stack.defer(() => overflow.close());
  stack.defer(() => loop.close());
  stack.defer(() => keepers.close());
  const gatherer = new ReportGatherer((told) => loop.report(told));
  stack.defer(() => gatherer.flush());
  parts.ear.hear = (told) => gatherer.tell(told);
  return { loop, site, leases, keepers, overflow, counted, push };
}

/** What people see. */
function openSite(
  parts: Parts,
  deps: Pick<LiveSiteDeps, 'loop' | 'ahead' | 'overflow' | 'decisionOf' | 'shutDown'>,
): LiveSite {
  const { folder, engine, journal, driver, clock, history, inventory, address } = parts;
  const startedAt = clock.now();
  return new LiveSite({
    ...deps,
    engine,
    now: () => clock.now(),
    status: () => ({
      pid: process.pid,
      version,
      state_dir: folder.dir,
      site_file: parts.siteFile,
      url: address.url,
      socket: folder.paths.apiSocket,
      host: hostname(),
      started_at: startedAt,
      launcher_pid: driver.launcherPid ?? null,
      enforcement: enforcementDocument(driver.enforcement),
      journal: { sequence: journal.lastSequence, stalled: deps.loop.stalled?.message ?? null },
      plugins: parts.plugins.status(),
    }),
    cache: parts.results.store,
    network: (asked) => networkStatus(parts.network, parts.egress.proxy, asked),
    usage: (window: SpanMs) =>
      usageView(history, parts.latest?.memoryTotalBytes, clock.now(), window),
    readLog: (request) => readLog(folder.paths.attempts, request),
    inventory,
  });
}

function watchShares({ engine, driver, folder, log }: Parts, stack: AsyncDisposableStack): void {
  const watch = new GpuShareWatch({
    engine,
    driver,
    run: runProgram,
    attemptOf: (pid) => attemptOfPid(pid, folder.instance),
    warn: (sentence) => log('execution', sentence),
  });
  const timer = setInterval(() => void watch.look(), LOOK_EVERY_MS).unref();
  stack.defer(() => clearInterval(timer));
}

/** `close`, however often it is called and whoever does, ends everything once, in reverse order. */
function endOnce(
  owned: AsyncDisposableStack,
  ending: PromiseWithResolvers<void>,
): Pick<Daemon, 'closed' | 'close'> {
  let closing: Promise<void> | undefined;
  const closeAll = (): Promise<void> => {
    closing ??= owned.disposeAsync();
    return closing;
  };
  const closed = ending.promise.then(closeAll, async (error: unknown) => {
    await closeAll().catch(() => {});
    throw error;
  });
  closed.catch(() => {});
  return {
    closed,
    close: () => {
      ending.resolve();
      return closeAll();
    },
  };
}
