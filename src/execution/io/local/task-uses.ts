import { readFileSync } from 'node:fs';
import { type Bytes, bytes } from '../../../base/units.ts';
import type { AttemptId } from '../../../model/ids.ts';
import type { LiveTasks } from './live-tasks.ts';

export interface TaskUse {
  /** CPU time of all its processes since it started, in µs; undefined where it cannot be told. */
  readonly cpuUs: number | undefined;
  readonly memory: Bytes | undefined;
}

/** A tick of /proc/PID/stat: Linux tells user space of 100 in a second, whatever its own clock is (USER_HZ). */
const TICK_US = 10_000;
const PAGE_BYTES = 4_096;

/** What attempts that run use now, from their cgroups, or process by process where no cgroup counts it. */
export class TaskUses {
  readonly #tasks: Pick<LiveTasks, 'memoryOf' | 'pidsOf' | 'tree'>;

  constructor(tasks: Pick<LiveTasks, 'memoryOf' | 'pidsOf' | 'tree'>) {
    this.#tasks = tasks;
  }

  /** What its cgroup counts of memory; undefined where none does. */
  memoryOf(attempt: AttemptId): Bytes | undefined {
    return this.#tasks.memoryOf(attempt);
  }

  /** Its cgroups by aspect, which it keeps for as long as it runs; undefined when it does not run. */
  foldersOf(attempt: AttemptId): ReadonlyMap<string, string> | undefined {
    return this.#tasks.tree(attempt)?.dirs;
  }

  /** All its processes; undefined when it does not run. */
  pidsOf(attempt: AttemptId): readonly number[] | undefined {
    const tree = this.#tasks.tree(attempt);
    return tree && this.#tasks.pidsOf(tree);
  }

  /** Undefined when it does not run. */
  of(attempt: AttemptId): TaskUse | undefined {
    const tree = this.#tasks.tree(attempt);
    if (tree === undefined) return undefined;
    const counted = countedCpu(tree.dirs);
    const memory = this.#tasks.memoryOf(attempt);
    if (counted !== undefined && memory !== undefined) return { cpuUs: counted, memory };
    const pids = this.#tasks.pidsOf(tree);
    return { cpuUs: counted ?? cpuOf(pids), memory: memory ?? residentOf(pids) };
  }
}

/** cgroup v2 counts without a controller; v1 where `cpuacct` is mounted with `cpu`. */
function countedCpu(dirs: ReadonlyMap<string, string>): number | undefined {
  const v2 = dirs.get('all') ?? dirs.get('accounting');
  const micros = v2 && /^usage_usec (\d{1,15})$/m.exec(read(`${v2}/cpu.stat`) ?? '')?.[1];
  if (micros !== undefined) return Number(micros);
  const v1 = dirs.get('cpu');
  const nanos = v1 && read(`${v1}/cpuacct.usage`)?.trim();
  return nanos && /^\d{1,18}$/.test(nanos) ? Math.floor(Number(nanos) / 1_000) : undefined;
}

/** With what their ended children used. */
function cpuOf(pids: readonly number[]): number | undefined {
  let ticks = 0;
  let found = false;
  for (const pid of pids) {
    const stat = read(`/proc/${pid}/stat`);
    if (stat === undefined) continue;
    // After the name, which may hold anything: utime, stime, cutime and cstime (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const sum = fields.slice(11, 15).reduce((all, field) => all + Number(field), 0);
    if (!Number.isSafeInteger(sum)) continue;
    found = true;
    ticks += sum;
  }
  return found ? ticks * TICK_US : undefined;
}

/** What they share is counted for each of them. */
function residentOf(pids: readonly number[]): Bytes | undefined {
  let pages = 0;
  let found = false;
  for (const pid of pids) {
    const resident = Number(read(`/proc/${pid}/statm`)?.split(' ')[1] ?? Number.NaN);
    if (!Number.isSafeInteger(resident)) continue;
    found = true;
    pages += resident;
  }
  return found ? bytes(pages * PAGE_BYTES) : undefined;
}

/** Undefined where it cannot be read. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
