import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { formatIdList, setOf } from '../../../inventory/cpu-set.ts';
import type { AttemptId } from '../../../model/ids.ts';
import { parseRecord } from '../../attempt-record.ts';
import type { ConfinementSite } from '../../confinement.ts';
import { noTerms } from '../../term-site.ts';
import { recordPath } from './attempt-folder.ts';
import { read } from './cgroup-files.ts';

/** A task that forks faster than it is moved is looked at so often; what it forks later is in its group already. */
const ROUNDS_MAX = 50;
const REMOVE_MS = 2_000;

/** Keeps what runs to other CPUs than it began with. */
export class CoreMoves {
  readonly #attemptsDir: string;
  readonly #site: ConfinementSite;
  /** Groups that were made for tasks which began without one. */
  readonly #made = new Map<AttemptId, string>();

  constructor(attemptsDir: string, site: ConfinementSite) {
    this.#attemptsDir = attemptsDir;
    this.#site = site;
  }

  /**
   * From now on it runs on these CPUs alone, all of it; absent: on any.
   * @returns why it does not; undefined when that was read back, or nothing of it runs.
   */
  keepTo(attempt: AttemptId, cores: readonly number[] | undefined): string | undefined {
    const { cpus, groups, memoryNodes } = this.#site.terms ?? noTerms;
    if (groups.cpuset === undefined) return 'there are no groups that hold tasks to CPUs';
    const dirs = this.#dirsOf(attempt);
    const any = dirs?.values().next().value;
    if (dirs === undefined || any === undefined) return undefined;
    const list = formatIdList(setOf(cores ?? cpus));
    try {
      const whole = dirs.get('all');
      if (whole !== undefined) return wrote(`${whole}/cpuset.cpus`, list);
      const own = dirs.get('cpuset') ?? this.#made.get(attempt);
      if (own !== undefined) return wrote(`${own}/cpuset.cpus`, list);
      if (cores === undefined) return undefined;
      const made = `${groups.cpuset}/${any.split('/').at(-1)}`;
      mkdirSync(made, { recursive: true });
      this.#made.set(attempt, made);
      const mems = formatIdList(setOf(memoryNodes));
      const why = wrote(`${made}/cpuset.mems`, mems) ?? wrote(`${made}/cpuset.cpus`, list);
      return why ?? moveAll(any, made);
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** It has ended: what was made for it goes. */
  async forget(attempt: AttemptId): Promise<void> {
    const made = this.#made.get(attempt);
    if (made === undefined) return;
    this.#made.delete(attempt);
    for (let waitedMs = 0; waitedMs <= REMOVE_MS; waitedMs += 20) {
      try {
        rmdirSync(made);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
        await wait(20, undefined, { ref: false });
      }
    }
  }

  /** Takes up what a daemon before this one made. */
  adopt(attempt: AttemptId): void {
    const { cpuset } = this.#site.terms?.groups ?? {};
    const dirs = this.#dirsOf(attempt);
    if (cpuset === undefined || dirs === undefined) return;
    if (dirs.has('all') || dirs.has('cpuset')) return;
    const name = dirs.values().next().value?.split('/').at(-1);
    if (name !== undefined && hasEntry(cpuset, name)) this.#made.set(attempt, `${cpuset}/${name}`);
  }

  /** Its groups by aspect, as its record has them; undefined when there is none. */
  #dirsOf(attempt: AttemptId): ReadonlyMap<string, string> | undefined {
    const text = read(recordPath(this.#attemptsDir, attempt));
    if (text === undefined) return undefined;
    const { start, ended } = parseRecord(text, attempt);
    if (ended !== undefined) return undefined;
    const pairs = (start.get('dir') ?? []).map((dir): [string, string] => {
      const at = dir.indexOf(':');
      return [dir.slice(0, at), dir.slice(at + 1)];
    });
    return new Map(pairs);
  }
}

function hasEntry(folder: string, name: string): boolean {
  try {
    return readdirSync(folder).includes(name);
  } catch {
    return false;
  }
}

/** Undefined when it says what was written. */
function wrote(path: string, value: string): string | undefined {
  writeFileSync(path, value);
  const got = readFileSync(path, 'utf8').trim();
  return got === value ? undefined : `${path}: wrote '${value}', it says '${got}'`;
}

/** Everything that is in the one group goes into the other, too, until nothing is left outside. */
function moveAll(from: string, to: string): string | undefined {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const inside = new Set(pidsIn(to));
    const outside = pidsIn(from).filter((pid) => !inside.has(pid));
    if (outside.length === 0) return undefined;
    for (const pid of outside) {
      try {
        writeFileSync(`${to}/cgroup.procs`, pid);
      } catch (error) {
        // It ended meanwhile.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }
  return 'it forks faster than it can be moved';
}

const pidsIn = (group: string): readonly string[] =>
  readFileSync(`${group}/cgroup.procs`, 'utf8').split('\n').filter(Boolean);
