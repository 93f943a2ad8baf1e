import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Bytes, bytes, UNLIMITED } from '../../../base/units.ts';
import type { TermEnforcement } from '../../../model/attempt.ts';
import type { AttemptId } from '../../../model/ids.ts';
import type { LiveLimits, Report } from '../../../runtime/ports.ts';
import { countOf, parseRecord } from '../../attempt-record.ts';
import type { ConfinementSite } from '../../confinement.ts';
import { cpuList, isTaken, liveSettings, termsOf } from '../../live-settings.ts';
import { isShim, recordPath } from './attempt-folder.ts';

export interface LiveTasksOptions {
  readonly attemptsDir: string;
  readonly site: ConfinementSite;
  /** Our folder of the v1 freezer; undefined where there is none that we may use. */
  readonly freezer: string | undefined;
}

const FREEZE_MS = 3_000;
const POLL_MS = 10;
/** Rounds in which a tree that forks is caught. */
const ROUNDS_MAX = 100;

interface Tree {
  /** By aspect; `all` in cgroup v2. */
  readonly dirs: ReadonlyMap<string, string>;
  /** Undefined when it has gone: its number may be that of another process by now. */
  readonly shim: number | undefined;
}

interface Outcome {
  readonly term: string;
  readonly problem?: string;
  readonly note: string;
}

/**
 * Changes of attempts that run, made from the daemon itself. Where an attempt is held stands in its record, so
 * that it is found whoever started it. Each change may be made again.
 */
export class LiveTasks {
  readonly #options: LiveTasksOptions;
  readonly #onReport: (report: Report) => void;
  /** One change of an attempt after another. */
  readonly #queues = new Map<AttemptId, Promise<void>>();
  readonly #paused = new Set<AttemptId>();
  /** Made, and to be removed when the attempt has ended. */
  readonly #folders = new Map<AttemptId, Set<string>>();

  constructor(options: LiveTasksOptions, onReport: (report: Report) => void) {
    this.#options = options;
    this.#onReport = onReport;
  }

  adjust(attempt: AttemptId, to: LiveLimits): void {
    this.#queue(attempt, async () => {
      const tree = this.tree(attempt);
      if (tree !== undefined) this.#tell(attempt, [...this.#limit(attempt, tree, to)]);
    });
  }

  pin(attempt: AttemptId, cores: readonly number[]): void {
    this.#queue(attempt, async () => {
      const tree = this.tree(attempt);
      if (tree !== undefined) this.#tell(attempt, [this.#pin(attempt, tree, cores)]);
    });
  }

  pause(attempt: AttemptId): void {
    this.#paused.add(attempt);
    this.#queue(attempt, async () => {
      const tree = this.tree(attempt);
      if (tree === undefined || !this.#paused.has(attempt)) return;
      this.#tell(attempt, [await this.#freeze(attempt, tree)]);
    });
  }

  resume(attempt: AttemptId): void {
    this.#paused.delete(attempt);
    this.#queue(attempt, async () => {
      const tree = this.tree(attempt);
      if (tree === undefined) return;
      this.#thaw(tree);
      this.#tell(attempt, [{ term: 'pause', note: 'goes on' }]);
    });
  }

  /** Also where it was paused by a daemon before this one. */
  mayBePaused(attempt: AttemptId): boolean {
    if (this.#paused.has(attempt) || this.#queues.has(attempt)) return true;
    // No folder, nobody in it: the usual case costs one look.
    if (this.#options.freezer === undefined || !existsSync(this.#options.freezer)) return false;
    const tree = this.tree(attempt);
    const folder = tree && this.#freezerOf(tree);
    return folder !== undefined && existsSync(folder);
  }

  /** Before a stop: what is frozen would not hear of it. Resolves when it runs. */
  async release(attempt: AttemptId): Promise<void> {
    this.#paused.delete(attempt);
    await this.#queues.get(attempt);
    const tree = this.tree(attempt);
    if (tree !== undefined) this.#thaw(tree);
  }

  /** Nothing of it runs any more. */
  forget(attempt: AttemptId): void {
    this.#paused.delete(attempt);
    for (const folder of this.#folders.get(attempt) ?? []) removeFolder(folder);
    this.#folders.delete(attempt);
  }

  /** What it holds of memory now; undefined where nothing counts it. */
  memoryOf(attempt: AttemptId): Bytes | undefined {
    const dirs = this.tree(attempt)?.dirs;
    const v2 = dirs?.get('all');
    const path = v2 === undefined ? dirs?.get('memory') : v2;
    if (path === undefined) return undefined;
    const file = v2 === undefined ? 'memory.usage_in_bytes' : 'memory.current';
    const used = Number(read(`${path}/${file}`) ?? Number.NaN);
    return Number.isSafeInteger(used) ? bytes(used) : undefined;
  }

  /** Where it is, from its record; undefined when it has ended, or was never begun. */
  tree(attempt: AttemptId): Tree | undefined {
    const text = read(recordPath(this.#options.attemptsDir, attempt));
    if (text === undefined) return undefined;
    const { start, task, ended } = parseRecord(text.endsWith('\n') ? text : `${text}\n`, attempt);
    const shim = countOf(start, 'shim');
    const hasBegun = shim !== undefined && countOf(task, 'pid') !== undefined;
    if (!hasBegun || ended !== undefined) return undefined;
    const dirs = new Map(
      (start.get('dir') ?? []).map((field): [string, string] => {
        const at = field.indexOf(':');
        return [field.slice(0, at), field.slice(at + 1)];
      }),
    );
    return { dirs, shim: isShim(start, read(`/proc/${shim}/stat`)) ? shim : undefined };
  }

  pidsOf({ dirs, shim }: Tree): number[] {
    const found = new Set<number>(shim === undefined ? [] : descendants(shim));
    for (const path of dirs.values()) {
      for (const pid of numbers(read(`${path}/cgroup.procs`))) found.add(pid);
    }
    if (shim !== undefined) found.delete(shim);
    return [...found];
  }

  #queue(attempt: AttemptId, change: () => Promise<void>): void {
    const before = this.#queues.get(attempt) ?? Promise.resolve();
    const after = before.then(change).finally(() => {
      if (this.#queues.get(attempt) === after) this.#queues.delete(attempt);
    });
    this.#queues.set(attempt, after);
  }

  #tell(attempt: AttemptId, outcomes: readonly Outcome[]): void {
    const terms: readonly TermEnforcement[] = termsOf(outcomes);
    if (terms.length > 0) this.#onReport({ kind: 'adjusted', attempt, terms });
  }

  *#limit(attempt: AttemptId, tree: Tree, to: LiveLimits): Iterable<Outcome> {
    const { site } = this.#options;
    if (site.driver === 'unprivileged') {
      yield { term: 'cpu', problem: 'no cgroup is used on this host', note: '' };
      const problem = 'the watchdog keeps the limit that it began with';
      if (to.memory !== UNLIMITED) yield { term: 'memory', problem, note: '' };
    }
    const used = this.memoryOf(attempt);
    const former = this.#memoryLimit(tree);
    for (const { aspect, file, value } of liveSettings(site, attempt, to, to.memory > former)) {
      const dir = tree.dirs.get(aspect) ?? tree.dirs.get('all');
      if (dir === undefined) {
        yield { term: aspect, problem: 'it has no cgroup of its own', note: '' };
        continue;
      }
      // Below what it uses, v2 would kill it, and v1 refuses.
      if (file === 'memory.max' && used !== undefined && used > to.memory && !frees(dir, to)) {
        const problem = `${file}: it uses ${used} bytes, more than ${value}`;
        yield { term: aspect, problem, note: '' };
        continue;
      }
      yield { term: aspect, ...written(`${dir}/${file}`, file, value) };
    }
    if (to.nice !== undefined) yield this.#renice(tree, to.nice);
  }

  /** One for a task that began without: v1 has a group of it only for those that asked for cores. */
  #cpusetFor(attempt: AttemptId, { dirs }: Tree): string | undefined {
    const parent = this.#options.site.terms?.groups.cpuset;
    const [own] = dirs.values();
    if (parent === undefined || own === undefined) return undefined;
    const folder = join(parent, basename(own));
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(`${folder}/cpuset.mems`, readFileSync(`${parent}/cpuset.mems`, 'utf8'));
    } catch {
      return undefined;
    }
    this.#owes(attempt, folder);
    return folder;
  }

  /** Whether all of it is in the group now; those of a task that has had it are. */
  #enter(dir: string, tree: Tree): boolean {
    try {
      this.#gather(dir, tree);
      return true;
    } catch {
      return false;
    }
  }

  #owes(attempt: AttemptId, folder: string): void {
    const folders = this.#folders.get(attempt) ?? new Set();
    this.#folders.set(attempt, folders.add(folder));
  }

  #memoryLimit({ dirs }: Tree): number {
    const v2 = dirs.get('all');
    const path = v2 ?? dirs.get('memory');
    const file = v2 === undefined ? 'memory.limit_in_bytes' : 'memory.max';
    const text = path === undefined ? undefined : read(`${path}/${file}`)?.trim();
    return text === undefined || text === 'max' ? UNLIMITED : Number(text);
  }

  #pin(attempt: AttemptId, tree: Tree, cores: readonly number[]): Outcome {
    const dir = tree.dirs.get('cpuset') ?? tree.dirs.get('all') ?? this.#cpusetFor(attempt, tree);
    const list = cpuList(cores);
    if (dir === undefined) {
      return {
        term: 'cores',
        problem: `it has no cpuset of its own to move to CPUs ${list}`,
        note: '',
      };
    }
    const { problem } = written(`${dir}/cpuset.cpus`, 'cpuset.cpus', list);
    if (problem === undefined && !this.#enter(dir, tree)) {
      return { term: 'cores', problem: 'not all of it could be moved to its cpuset', note: '' };
    }
    const outcome = { term: 'cores', note: `CPUs ${list}` };
    return problem === undefined ? outcome : { ...outcome, problem };
  }

  /** Every thread, for the kernel counts each of them by itself. */
  #renice(tree: Tree, nice: number): Outcome {
    const refused: string[] = [];
    for (const pid of this.pidsOf(tree)) {
      for (const thread of folders(`/proc/${pid}/task`).map(Number)) {
        try {
          setPriority(thread, nice);
          if (getPriority(thread) !== nice) refused.push(`thread ${thread} kept its own`);
        } catch (error) {
          if (existsSync(`/proc/${pid}/task/${thread}`)) refused.push(String(error));
        }
      }
    }
    const problem = refused[0];
    const note = `nice ${nice}`;
    return problem === undefined ? { term: 'nice', note } : { term: 'nice', problem, note };
  }

  async #freeze(attempt: AttemptId, tree: Tree): Promise<Outcome> {
    const v2 = tree.dirs.get('all');
    if (v2 !== undefined && existsSync(`${v2}/cgroup.freeze`)) {
      const { problem } = written(`${v2}/cgroup.freeze`, 'cgroup.freeze', '1');
      const frozen = () => /^frozen 1$/m.test(read(`${v2}/cgroup.events`) ?? '');
      if (problem === undefined && (await eventually(frozen))) {
        return { term: 'pause', note: 'cgroup.freeze' };
      }
    }
    const folder = this.#freezerOf(tree);
    if (folder !== undefined) this.#owes(attempt, folder);
    if (folder !== undefined && (await this.#freezeIn(folder, tree))) {
      return { term: 'pause', note: 'freezer.state' };
    }
    return this.#halt(tree);
  }

  async #freezeIn(folder: string, tree: Tree): Promise<boolean> {
    try {
      mkdirSync(folder, { recursive: true });
      this.#gather(folder, tree);
      writeFileSync(`${folder}/freezer.state`, 'FROZEN');
      // One that was just forking may have been missed: in the second round its parent is frozen.
      this.#gather(folder, tree);
      return await eventually(() => {
        writeFileSync(`${folder}/freezer.state`, 'FROZEN');
        return read(`${folder}/freezer.state`)?.trim() === 'FROZEN';
      });
    } catch {
      return false;
    }
  }

  #gather(folder: string, tree: Tree): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const inside = new Set(numbers(read(`${folder}/cgroup.procs`)));
      const outside = this.pidsOf(tree).filter((pid) => !inside.has(pid));
      if (outside.length === 0) return;
      for (const pid of outside) {
        try {
          writeFileSync(`${folder}/cgroup.procs`, `${pid}`);
        } catch (error) {
          if (existsSync(`/proc/${pid}/stat`) && !isZombie(pid)) throw error;
        }
      }
      if (outside.every(isZombie)) return;
    }
  }

  /** Signals to each, until nobody of the tree runs who was not stopped. */
  #halt(tree: Tree): Outcome {
    const stopped = new Set<number>();
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const left = this.pidsOf(tree).filter((pid) => !stopped.has(pid));
      if (left.length === 0) return { term: 'pause', note: 'SIGSTOP' };
      for (const pid of left) {
        signal(pid, 'SIGSTOP');
        stopped.add(pid);
      }
    }
    return { term: 'pause', problem: 'it forks faster than it can be stopped', note: '' };
  }

  #thaw(tree: Tree): void {
    const v2 = tree.dirs.get('all');
    if (v2 !== undefined && existsSync(`${v2}/cgroup.freeze`)) {
      written(`${v2}/cgroup.freeze`, 'cgroup.freeze', '0');
    }
    const folder = this.#freezerOf(tree);
    if (folder !== undefined && existsSync(folder)) {
      written(`${folder}/freezer.state`, 'freezer.state', 'THAWED');
      const above = join(folder, '..', '..');
      for (const pid of numbers(read(`${folder}/cgroup.procs`))) {
        written(`${above}/cgroup.procs`, 'cgroup.procs', `${pid}`);
      }
      removeFolder(folder);
    }
    for (const pid of this.pidsOf(tree)) if (isStopped(pid)) signal(pid, 'SIGCONT');
  }

  /** Named as its cgroups are: an attempt may have taken over those of another. */
  #freezerOf({ dirs }: Tree): string | undefined {
    const { freezer } = this.#options;
    const [own] = dirs.values();
    return freezer === undefined || own === undefined ? undefined : join(freezer, basename(own));
  }
}

/** A cgroup v2 kernel may be asked to take back what is only cached. */
function frees(dir: string, { memory }: LiveLimits): boolean {
  const before = Number(read(`${dir}/memory.current`) ?? Number.NaN);
  try {
    writeFileSync(`${dir}/memory.reclaim`, `${before - memory}`);
  } catch {
    // What it could take it took.
  }
  return Number(read(`${dir}/memory.current`) ?? Number.NaN) <= memory;
}

function written(path: string, file: string, value: string): { problem?: string; note: string } {
  const note = `${file} ${value}`;
  try {
    writeFileSync(path, value);
    const got = readFileSync(path, 'utf8').trim();
    if (isTaken(file, value, got)) return { note };
    return { problem: `${file}: wrote '${value}', it says '${got}'`, note };
  } catch (error) {
    return { problem: `${file}: ${error instanceof Error ? error.message : error}`, note };
  }
}

async function eventually(test: () => boolean): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < FREEZE_MS; waitedMs += POLL_MS) {
    if (test()) return true;
    await wait(POLL_MS);
  }
  return false;
}

/** All below a process; the kernel lists children by thread. */
function descendants(root: number): number[] {
  const found: number[] = [];
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    for (const thread of folders(`/proc/${pid}/task`)) {
      const children = numbers(read(`/proc/${pid}/task/${thread}/children`));
      found.push(...children);
      open.push(...children);
    }
  }
  return found;
}

/** The third field of /proc/PID/stat, after the name (proc(5)). */
function stateOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
}

const isZombie = (pid: number): boolean => ['Z', 'X', undefined].includes(stateOf(pid));
const isStopped = (pid: number): boolean => stateOf(pid) === 'T';

/** Whether the process does something of its own when the signal comes: /proc/PID/status, SigCgt (proc(5)). */
export function catches(pid: number, name: NodeJS.Signals): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  const bit = BigInt(constants.signals[name] - 1);
  return mask !== undefined && ((BigInt(`0x${mask}`) >> bit) & 1n) === 1n;
}

/** False when it has gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

function removeFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Somebody is in it still: it goes with the next sweep.
  }
}

function numbers(text: string | undefined): number[] {
  return (text ?? '')
    .split(/\s+/)
    .filter((word) => /^[1-9]\d*$/.test(word))
    .map(Number);
}

function folders(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
