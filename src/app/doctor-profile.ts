import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import {
  containerOf,
  parseProcessIo,
  parseSchedstat,
  parseSwitches,
  parseTaskStat,
  waitOf,
} from '../analysis/diagnosis/process-files.ts';
import {
  type ProcessReading,
  type Profile,
  profileOf,
  type ThreadReading,
  type ThreadState,
} from '../analysis/diagnosis/profile.ts';

/** What is looked at of one tree. */
const PROCESSES_MAX = 500;
const THREADS_MAX = 2_000;
/** Looks at what threads wait in; each costs about 20 µs a thread. */
const LOOK_EVERY_MS = 100;
const LOOK_THREADS_MAX = 200;

export interface ProfileOptions {
  /** Asked anew for each reading: processes come and go. */
  readonly pids: () => readonly number[];
  readonly throttled: () => number | undefined;
  readonly forMs: number;
}

/** Watches processes for so long. */
export async function takeProfile({ pids, throttled, forMs }: ProfileOptions): Promise<Profile> {
  const began = performance.now();
  const before = readProcesses(pids());
  const looks: (readonly ThreadState[])[] = [];
  for (let left = forMs; left > 0; left = forMs - (performance.now() - began)) {
    looks.push(lookAt(pids()));
    await wait(Math.min(LOOK_EVERY_MS, left));
  }
  const after = readProcesses(pids());
  return profileOf({
    elapsedMs: performance.now() - began,
    cpus: availableParallelism(),
    before,
    after,
    looks,
    throttled: throttled(),
  });
}

/** A process and all that descends from it. */
export function treeOf(pid: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const one of allPids()) {
    const parent = parseTaskStat(read(`/proc/${one}/stat`) ?? '')?.parent;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), one]);
  }
  const found = read(`/proc/${pid}/stat`) === undefined ? [] : [pid];
  for (const one of found) found.push(...(children.get(one) ?? []));
  return found;
}

/** Processes of the containers whose id begins so, by container. */
export function pidsOfContainer(prefix: string): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const pid of allPids()) {
    const container = containerOf(read(`/proc/${pid}/cgroup`) ?? '');
    if (container?.id.startsWith(prefix) !== true) continue;
    const name = `${container.runtime} ${container.id.slice(0, 12)}`;
    found.set(name, [...(found.get(name) ?? []), pid]);
  }
  return found;
}

const allPids = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

function readProcesses(pids: readonly number[]): readonly ProcessReading[] {
  let left = THREADS_MAX;
  return pids.slice(0, PROCESSES_MAX).flatMap((pid): ProcessReading[] => {
    const stat = parseTaskStat(read(`/proc/${pid}/stat`) ?? '');
    if (stat === undefined) return [];
    const threads = threadsOf(pid)
      .slice(0, left)
      .flatMap((tid) => readThread(pid, tid));
    left -= threads.length;
    return [{ pid, stat, io: parseProcessIo(read(`/proc/${pid}/io`) ?? ''), threads }];
  });
}

function readThread(pid: number, tid: number): readonly ThreadReading[] {
  const dir = `/proc/${pid}/task/${tid}`;
  const stat = parseTaskStat(read(`${dir}/stat`) ?? '');
  if (stat === undefined) return [];
  // A thread has no schedstat of its own where only processes have one.
  const schedule = parseSchedstat(read(`${dir}/schedstat`) ?? '');
  return [{ tid, stat, schedule, switches: parseSwitches(read(`${dir}/status`) ?? '') }];
}

function lookAt(pids: readonly number[]): readonly ThreadState[] {
  const threads = pids
    .slice(0, PROCESSES_MAX)
    .flatMap((pid) => threadsOf(pid).map((tid) => `/proc/${pid}/task/${tid}`));
  return threads.slice(0, LOOK_THREADS_MAX).flatMap((dir): ThreadState[] => {
    const state = parseTaskStat(read(`${dir}/stat`) ?? '')?.state;
    if (state === undefined) return [];
    if (state === 'R') return [{ state, waitsIn: undefined }];
    const waitsIn = waitOf(read(`${dir}/wchan`), () => read(`${dir}/syscall`), process.arch);
    return [{ state, waitsIn }];
  });
}

function threadsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
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
