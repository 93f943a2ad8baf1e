import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type SpanMs, spanMs } from '../../../base/units.ts';
import {
  type AttemptEnd,
  causeOfStop,
  type EndCause,
  type Enforcement,
  type StopReason,
} from '../../../model/attempt.ts';
import { cpuWeightOf } from '../../../model/execution-terms.ts';
import type { AttemptId } from '../../../model/ids.ts';
import type {
  AttemptStart,
  Driver,
  KnownAttempt,
  LiveLimits,
  Report,
  Saving,
} from '../../../runtime/ports.ts';
import { countOf, recordFields, termsOf } from '../../attempt-record.ts';
import {
  type Confinement,
  type ConfinementSite,
  parentsOf,
  planConfinement,
  siteEnforcement,
} from '../../confinement.ts';
import { encodeLine, type LauncherMessage, nextLine, startLine } from '../../launcher-protocol.ts';
import { type AttemptTrace, endFrom } from './attempt-folder.ts';
import { AttemptTraces } from './attempt-traces.ts';
import { Checkpoints } from './checkpoints.ts';
import {
  listCgroups,
  listFolders,
  openConfinementSite,
  openFreezer,
  sweepCgroups,
  type WantedEnforcement,
} from './confinement-site.ts';
import { CoreMoves } from './core-moves.ts';
import { disksOf } from './disks-of.ts';
import { LauncherLink } from './launcher-link.ts';
import { LiveTasks } from './live-tasks.ts';
import { memoryFill } from './memory-fill.ts';
import { makeFolder, unsendable, withRoom } from './start-checks.ts';
import { launcherSocketPath, openInstance, readBootId } from './state-folder.ts';
import { taskDevices } from './task-devices.ts';
import { asksForRoom, type Room, TaskRooms } from './task-rooms.ts';
import { TaskUses } from './task-uses.ts';

export interface LocalDriverOptions {
  /** Absolute. */
  readonly stateDir: string;
  /** Where launcher.sock is; by default the state folder, or one below /tmp where its path is too long. */
  readonly socketDir?: string;
  readonly onReport: (report: Report) => void;
  readonly enforcement?: WantedEnforcement;
  /** Taken for a cgroup v2 mount instead of what is mounted. */
  readonly cgroupRoot?: string;
  /** Where /dev and /proc of the host's GPUs are, instead of `/`. */
  readonly hostRoot?: string;
  /** Where other sockets of Berth are, beside the state folder. */
  readonly socketDirs?: readonly string[];
  /** What a task that may call the daemon is told: its URL, and a token of its own. */
  readonly access?: (attempt: AttemptId) => Readonly<Record<string, string>> | undefined;
  /** Folders that volumes of a class lie in. */
  readonly storageClasses?: ReadonlyMap<string, string>;
}

export interface LocalDriverDeps {
  readonly warn: (message: string) => void;
}

const BURIAL_MS = 15_000;
const SETTLED_MAX = 10_000;

/**
 * Tasks on this machine, under a launcher that outlives the daemon.
 * @throws OperationError LAUNCHER_FAILED when it cannot be started, STATE_UNWRITABLE.
 */
export async function openLocalDriver(
  options: LocalDriverOptions,
  deps: LocalDriverDeps,
): Promise<LocalDriver> {
  const instance = openInstance(options.stateDir);
  const name = `berth-${instance.slice(0, 8)}`;
  const site = openConfinementSite(options.enforcement ?? 'auto', name, options.cgroupRoot);
  const freezer = site.driver === 'cgroup-v1' ? openFreezer(name) : undefined;
  const socketPath = launcherSocketPath(options.stateDir, options.socketDir, name);
  const socketDirs = [dirname(socketPath), ...(options.socketDirs ?? [])].filter(
    (path) => path !== options.stateDir,
  );
  const bootId = await readBootId();
  const driver = new LauncherDriver(options, deps, {
    instance,
    site,
    freezer,
    bootId,
    socketDirs,
  });
  await driver.open(socketPath);
  return driver;
}

interface Host {
  readonly instance: string;
  readonly site: ConfinementSite;
  /** Our folder of the v1 freezer. */
  readonly freezer: string | undefined;
  readonly bootId: string;
  readonly socketDirs: readonly string[];
}

/** A driver that can say which process launches for it. */
export interface LocalDriver extends Driver {
  readonly cores: CoreMoves;
  /** Undefined while none is connected. */
  readonly launcherPid: number | undefined;
  /** What running attempts use. */
  readonly uses: TaskUses;
  /** How full of memory the cgroup is that all tasks are in, 0 … 1; undefined where it has no limit. */
  memoryFill(): number | undefined;
}

class LauncherDriver implements LocalDriver {
  readonly enforcement: Enforcement;
  readonly cores: CoreMoves;
  readonly uses: TaskUses;
  readonly #options: LocalDriverOptions;
  readonly #deps: LocalDriverDeps;
  readonly #host: Host;
  readonly #traces: AttemptTraces;
  /** Sent, and not yet answered: sent again to a new launcher. Starts, then stops, then burials. */
  readonly #starts = new Map<AttemptId, () => string>();
  readonly #stops = new Map<AttemptId, string>();
  readonly #burials = new Map<AttemptId, string>();
  /** Not ended yet: one that takes over the place of such a one is told in few words. */
  readonly #live = new Map<AttemptId, AttemptStart>();
  /** Who waits for what a burial finds: nothing of an attempt that is settled. */
  readonly #mourners = new Map<AttemptId, (found: KnownAttempt | undefined) => void>();
  /** Ends that the launcher holds because the disk is full. */
  readonly #unsaved = new Map<AttemptId, AttemptEnd>();
  /** The last ones: the launcher may have died before it did what it was told. */
  readonly #settled = new Set<AttemptId>();
  readonly #liveTasks: LiveTasks;
  readonly #checkpoints: Checkpoints;
  readonly #rooms: TaskRooms;
  #link: LauncherLink | undefined;
  #closed = false;

  constructor(options: LocalDriverOptions, deps: LocalDriverDeps, host: Host) {
    this.#options = options;
    this.#deps = deps;
    this.#host = host;
    this.enforcement = siteEnforcement(host.site);
    const { site, freezer } = host;
    const attemptsDir = join(options.stateDir, 'attempts');
    this.#traces = new AttemptTraces(attemptsDir, host.bootId);
    this.cores = new CoreMoves(attemptsDir, site);
    const where = { attemptsDir, site, freezer };
    this.#liveTasks = new LiveTasks(where, (report) => {
      if (!this.#closed) options.onReport(report);
    });
    this.uses = new TaskUses(this.#liveTasks);
    this.#checkpoints = new Checkpoints(this.#liveTasks, deps.warn);
    this.#rooms = new TaskRooms({
      stateDir: options.stateDir,
      instance: host.instance,
      socketDirs: host.socketDirs,
      access: options.access ?? (() => undefined),
      storageClasses: options.storageClasses ?? new Map(),
      stop: (attempt) => this.stop(attempt, 'cancelled', spanMs(0)),
      warn: deps.warn,
    });
  }

  async open(path: string): Promise<void> {
    const { link, owned } = await LauncherLink.open({
      stateDir: this.#options.stateDir,
      socketPath: path,
      cgroupParents: [
        ...parentsOf(this.#host.site),
        ...(this.#host.freezer === undefined ? [] : [this.#host.freezer]),
      ],
      onMessage: (message) => this.#hear(message),
      onReconnected: (nowOwned) => this.#attempt(this.#resume(nowOwned)),
      warn: this.#deps.warn,
    });
    this.#link = link;
    const keep = new Set<string>();
    const live = new Set<AttemptId>();
    const ended = new Set<AttemptId>();
    const there = listCgroups(this.#host.site);
    for (const [attempt, trace] of await this.#traces.all()) {
      if (trace.kind === 'none') continue;
      (trace.kind === 'ended' ? ended : live).add(attempt);
      // Where a launcher lives, the next in line may be taking over the cgroups of one that ended.
      if (trace.kind === 'ended' && owned.size === 0) continue;
      keep.add(trace.cgroup ?? attempt);
      if (trace.kind === 'running' && !owned.has(attempt)) this.#traces.orphaned(attempt);
    }
    const { freezer } = this.#host;
    const frozen = freezer === undefined ? [] : listFolders(freezer);
    for (const path of await sweepCgroups([...there, ...frozen], keep)) {
      this.#deps.warn(`${path} could not be removed`);
    }
    await this.#rooms.open(live, ended);
    const tell = (attempt: AttemptId, trace: AttemptTrace) => this.#reportTrace(attempt, trace);
    this.#attempt(this.#traces.watchOrphans(tell, () => this.#closed));
  }

  get launcherPid(): number | undefined {
    return this.#link?.launcherPid;
  }

  start(asked: AttemptStart): void {
    const id = asked.attempt;
    if (this.#starts.has(id)) return;
    // The marks by which the processes of a tree are found when its shim is gone.
    const env = { ...asked.env, BERTH_INSTANCE: this.#host.instance, BERTH_ATTEMPT_ID: id };
    const attempt = { ...asked, env };
    this.#checkpoints.watch(attempt);
    const before = asked.after === undefined ? undefined : this.#live.get(asked.after);
    const short = before && !asksForRoom(asked) ? nextLine(attempt, before) : undefined;
    if (short === undefined) {
      this.#startByItself(attempt);
      return;
    }
    this.#live.set(id, attempt);
    this.#starts.set(id, () => startLine(attempt, this.#plan(attempt), this.#host.freezer));
    this.#link?.send(short);
  }

  #startByItself(attempt: AttemptStart): void {
    const id = attempt.attempt;
    const alone = this.#plan(attempt);
    const unmade = makeFolder(attempt.workdir);
    if (unmade !== undefined) {
      this.#refuse(id, alone, 'lost', unmade);
      return;
    }
    const room = asksForRoom(attempt) ? this.#prepare(attempt) : undefined;
    if (room !== undefined && 'why' in room) {
      this.#refuse(id, alone, 'start-failed', room.why);
      return;
    }
    const plan = room === undefined ? alone : withRoom(alone, room);
    const line = startLine(room?.start ?? attempt, plan, this.#host.freezer);
    const problem = unsendable(line);
    if (problem !== undefined) {
      this.#refuse(id, plan, 'start-failed', problem);
      return;
    }
    this.#live.set(id, attempt);
    this.#starts.set(id, () => line);
    this.#link?.send(line);
  }

  #plan({ attempt, placement, limits, execution, workdir, cwd }: AttemptStart): Confinement {
    const { held, memoryLimit, cores } = placement;
    const { process, io } = execution ?? {};
    const devices = taskDevices(placement, execution, this.#options.hostRoot ?? '');
    const asks = [process, io, cores, devices].some((one) => one !== undefined);
    const disks = io === undefined ? [] : disksOf([workdir, cwd]);
    return planConfinement(this.#host.site, {
      attempt,
      cpu: cpuWeightOf(held.cpu, process),
      memoryLimit,
      limits,
      ...(asks && { terms: { process, io, cores, memory: held.memory, disks, devices } }),
    });
  }

  #prepare(attempt: AttemptStart): Room | { readonly why: string } {
    try {
      return this.#rooms.prepare(attempt);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { why: `its folders could not be made: ${why}` };
    }
  }

  stop(attempt: AttemptId, reason: StopReason, graceMs: SpanMs, saving?: Saving): void {
    this.#checkpoints.forget(attempt);
    const order = ['stop', attempt, causeOfStop(reason), `${graceMs}`];
    const send = (fields: readonly string[]): void => {
      if (this.#closed) return;
      const line = encodeLine(fields);
      this.#stops.set(attempt, line);
      this.#link?.send(line);
    };
    // Its shim knows why it ends, however it does once it was asked to save, and stops it also without us.
    if (saving !== undefined) send([...order, `${saving.withinMs}`]);
    else if (!this.#liveTasks.mayBePaused(attempt)) {
      send(order);
      return;
    }
    // What is paused would hear of nothing.
    const ready = this.#liveTasks.release(attempt);
    const saved = saving && ready.then(() => this.#checkpoints.save(saving));
    this.#attempt((saved ?? ready).then(() => send(order)));
  }

  adjust(attempt: AttemptId, to: LiveLimits): void {
    this.#liveTasks.adjust(attempt, to);
  }

  pin(attempt: AttemptId, cores: readonly number[]): void {
    this.#liveTasks.pin(attempt, cores);
  }

  pause(attempt: AttemptId): void {
    this.#liveTasks.pause(attempt);
  }

  resume(attempt: AttemptId): void {
    this.#liveTasks.resume(attempt);
  }

  adopt(start: AttemptStart): void {
    this.#checkpoints.watch(start);
  }

  memoryFill(): number | undefined {
    const { site } = this.#host;
    if (site.driver === 'unprivileged') return undefined;
    const parent = site.driver === 'cgroup-v2' ? site.parent : site.parents.memory;
    return parent === undefined ? undefined : memoryFill(parent);
  }

  async known(): Promise<readonly KnownAttempt[]> {
    const found: KnownAttempt[] = [];
    const burials: Promise<KnownAttempt | undefined>[] = [];
    const seen = new Set<AttemptId>();
    for (const [attempt, trace] of await this.#traces.all()) {
      seen.add(attempt);
      const unsaved = this.#unsaved.get(attempt);
      if (unsaved !== undefined) found.push({ attempt, state: 'ended', end: unsaved });
      else if (trace.kind === 'running') found.push({ attempt, state: 'running', pid: trace.pid });
      else if (trace.kind === 'ended') {
        found.push({ attempt, state: 'ended', end: await this.#rooms.close(attempt, trace.end) });
      } else if (trace.kind === 'abandoned') burials.push(this.#mourn(attempt, trace.why));
    }
    for (const [attempt, end] of this.#unsaved) {
      if (!seen.has(attempt)) found.push({ attempt, state: 'ended', end });
    }
    return [...found, ...(await Promise.all(burials)).filter((one) => one !== undefined)];
  }

  settle(attempt: AttemptId): void {
    this.#forget(attempt);
    this.#unsaved.delete(attempt);
    this.#settled.add(attempt);
    if (this.#settled.size > SETTLED_MAX) {
      for (const oldest of this.#settled.values().take(SETTLED_MAX / 2))
        this.#settled.delete(oldest);
    }
    this.#link?.send(encodeLine(['settle', attempt]));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#checkpoints.close();
    this.#rooms.shut();
    await this.#link?.close();
  }

  #hear(message: LauncherMessage): void {
    if (this.#closed) return;
    switch (message.kind) {
      case 'started':
        this.#starts.delete(message.attempt);
        this.#options.onReport({
          kind: 'started',
          attempt: message.attempt,
          pid: message.pid,
          ...termsOf(recordFields(message.fields)),
        });
        return;
      case 'ended': {
        const fields = recordFields(message.fields);
        const end = endFrom(fields);
        if (countOf(fields, 'saved') === 0) this.#unsaved.set(message.attempt, end);
        this.#end(message.attempt, end);
        return;
      }
      case 'exists':
        this.#attempt(this.#reportExisting(message.attempt));
        return;
      case 'hello':
      case 'owns':
      case 'ready':
      case 'bye':
        return;
    }
  }

  #end(attempt: AttemptId, end: AttemptEnd): void {
    this.#forget(attempt);
    if (!this.#rooms.has(attempt)) {
      this.#tellEnd(attempt, end);
      return;
    }
    // What it held of the disk is free only then.
    this.#attempt(this.#rooms.close(attempt, end).then((told) => this.#tellEnd(attempt, told)));
  }

  #tellEnd(attempt: AttemptId, end: AttemptEnd): void {
    if (this.#closed) return;
    // The shim may have recorded the end after all.
    this.#mourners.get(attempt)?.({ attempt, state: end.cause === 'lost' ? 'lost' : 'ended', end });
    this.#options.onReport({ kind: 'ended', attempt, end });
  }

  #forget(attempt: AttemptId): void {
    this.#liveTasks.forget(attempt);
    this.#checkpoints.forget(attempt);
    this.#starts.delete(attempt);
    this.#live.delete(attempt);
    this.#stops.delete(attempt);
    this.#burials.delete(attempt);
    this.#traces.forget(attempt);
  }

  /** A start of an attempt that was started before: says again what became of it. */
  async #reportExisting(attempt: AttemptId): Promise<void> {
    this.#starts.delete(attempt);
    this.#reportTrace(attempt, await this.#traces.of(attempt));
  }

  #reportTrace(attempt: AttemptId, trace: AttemptTrace): void {
    if (this.#closed) return;
    switch (trace.kind) {
      case 'none':
        this.#mourners.get(attempt)?.(undefined);
        return;
      case 'running':
        this.#mourners.get(attempt)?.({ attempt, state: 'running', pid: trace.pid });
        // Under a shim of an earlier launcher, which nobody hears.
        this.#traces.orphaned(attempt);
        this.#options.onReport({ kind: 'started', attempt, pid: trace.pid });
        return;
      case 'ended':
        this.#end(attempt, trace.end);
        return;
      case 'abandoned':
        this.#bury(attempt, trace.why);
        return;
    }
  }

  #bury(attempt: AttemptId, why: string): void {
    const line = encodeLine(['bury', attempt, why]);
    this.#burials.set(attempt, line);
    this.#link?.send(line);
  }

  /** Resolves when nothing of the attempt is left, or could not be ended in time, or it turns out that it lives. */
  async #mourn(attempt: AttemptId, why: string): Promise<KnownAttempt | undefined> {
    const { promise, resolve } = Promise.withResolvers<KnownAttempt | undefined>();
    this.#mourners.set(attempt, resolve);
    this.#bury(attempt, why);
    const end = endFrom(recordFields(['cause=lost', `message=${why}`]));
    const unburied = { attempt, state: 'lost', end } as const;
    const found = await Promise.race([promise, wait(BURIAL_MS, unburied, { ref: false })]);
    this.#mourners.delete(attempt);
    return found;
  }

  /** After a reconnection: nothing that happened meanwhile was told. */
  async #resume(owned: ReadonlySet<AttemptId>): Promise<void> {
    for (const line of this.#starts.values()) this.#link?.send(line());
    for (const line of [...this.#stops.values(), ...this.#burials.values()]) this.#link?.send(line);
    for (const [attempt, trace] of await this.#traces.all()) {
      if (owned.has(attempt)) continue;
      if (this.#settled.has(attempt)) {
        this.#link?.send(encodeLine(['settle', attempt]));
        continue;
      }
      this.#reportTrace(attempt, trace);
    }
  }

  /** What fails here is told again when the driver is opened next. */
  #attempt(work: Promise<void>): void {
    work.catch((error: unknown) => this.#deps.warn(`the attempts cannot be read: ${error}`));
  }

  /** `lost` where another try may find the machine in a better state. */
  #refuse(attempt: AttemptId, plan: Confinement, cause: EndCause, message: string): void {
    const end: AttemptEnd = { cause, usage: {}, enforced: plan.enforced, message };
    queueMicrotask(() => this.#end(attempt, end));
  }
}
