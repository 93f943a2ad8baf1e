import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { parseBuddyinfo } from '../analysis/diagnosis/buddyinfo.ts';
import type { Look, SocketUse } from '../analysis/diagnosis/facts.ts';
import {
  type Connection,
  parseConnections,
  parseQdiscs,
} from '../analysis/diagnosis/link-files.ts';
import { parseProcessIo, parseTaskStat, TICK_MS } from '../analysis/diagnosis/process-files.ts';
import { runProgram } from '../inventory/io/run-program.ts';

/** Between the two readings: ticks of CPU time are 10 ms, so a share is right to 2 %. */
const LOOK_MS = 500;
/** A program that hangs is left alone. */
const PROGRAM_MS_MAX = 400;
const PROCESSES_MAX = 10;
const CPU_MIN = 0.05;
const BYTES_MIN = 64 * 1024;

/** Looks at processes, connections, queues of links and free blocks, for half a second. */
export async function takeLook(
  attemptOf: (pid: number) => string | undefined,
  locks: Promise<Look['locks']> = Promise.resolve([]),
): Promise<Look> {
  const began = performance.now();
  const [connections, queues] = await Promise.all([readConnections(), readQueues()]);
  const counts = readCounts();
  const sinceCounts = performance.now();
  await wait(LOOK_MS);
  const grown = growthOf(counts, performance.now() - sinceCounts);
  const whose = (one: Growth) => ({ ...one, attempt: attemptOf(one.pid) });
  const processes = most(grown, 'cpu', CPU_MIN).map(whose);
  const disks = most(grown, 'bytesPerSecond', BYTES_MIN).map(whose);
  const after = await readConnections();
  const seconds = (performance.now() - began) / 1_000;
  const sockets = connections && after ? socketUses(connections, after, seconds, attemptOf) : [];
  return {
    processes,
    disks,
    sockets,
    queues,
    zones: parseBuddyinfo(read('/proc/buddyinfo') ?? ''),
    locks: await locks,
  };
}

interface Counts {
  readonly command: string;
  readonly startTicks: number;
  readonly ticks: number;
  /** Read from disks and written to them; undefined where one may not know. */
  readonly bytes: number | undefined;
}

function readCounts(): ReadonlyMap<number, Counts> {
  const found = new Map<number, Counts>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = parseTaskStat(read(`/proc/${name}/stat`) ?? '');
    if (stat === undefined) continue;
    const { command, startTicks, userTicks, systemTicks } = stat;
    const io = parseProcessIo(read(`/proc/${name}/io`) ?? '');
    const bytes = io && io.read + io.written;
    found.set(Number(name), { command, startTicks, ticks: userTicks + systemTicks, bytes });
  }
  return found;
}

interface Growth {
  readonly pid: number;
  readonly command: string;
  readonly cpu: number;
  readonly bytesPerSecond: number;
}

function growthOf(before: ReadonlyMap<number, Counts>, elapsedMs: number): readonly Growth[] {
  return [...readCounts()].map(([pid, now]) => {
    const known = before.get(pid);
    const then = known?.startTicks === now.startTicks ? known : undefined;
    return {
      pid,
      command: now.command,
      cpu: ((now.ticks - (then?.ticks ?? 0)) * TICK_MS) / elapsedMs,
      bytesPerSecond: (((now.bytes ?? 0) - (then?.bytes ?? 0)) * 1_000) / elapsedMs,
    };
  });
}

function most(
  grown: readonly Growth[],
  key: 'cpu' | 'bytesPerSecond',
  min: number,
): readonly Growth[] {
  return grown
    .filter((one) => one[key] >= min)
    .toSorted((a, b) => b[key] - a[key] || a.pid - b.pid)
    .slice(0, PROCESSES_MAX);
}

/** Undefined where nobody answers: without what was before, all that a connection ever moved would be of now. */
async function readConnections(): Promise<readonly Connection[] | undefined> {
  const answer = await runProgram('ss', ['-tinpH'], PROGRAM_MS_MAX);
  return answer.ok ? parseConnections(answer.value) : undefined;
}

async function readQueues(): Promise<Look['queues']> {
  const answer = await runProgram('tc', ['-s', '-j', 'qdisc', 'show'], PROGRAM_MS_MAX);
  return (answer.ok ? parseQdiscs(answer.value) : undefined) ?? [];
}

function socketUses(
  before: readonly Connection[],
  after: readonly Connection[],
  seconds: number,
  attemptOf: (pid: number) => string | undefined,
): readonly SocketUse[] {
  const then = new Map(before.map(({ key, bytes }) => [key, bytes]));
  return after.flatMap(({ key, pid, command, bytes }): SocketUse[] => {
    const grown = bytes - (then.get(key) ?? 0);
    if (grown <= 0) return [];
    const attempt = pid === undefined ? undefined : attemptOf(pid);
    return [{ pid, command, attempt, bytesPerSecond: grown / seconds }];
  });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
