import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { parseBuddyinfo } from '../analysis/diagnosis/buddyinfo.ts';
import type { Look, ProcessUse, SocketUse } from '../analysis/diagnosis/facts.ts';
import {
  type Connection,
  parseConnections,
  parseQdiscs,
} from '../analysis/diagnosis/link-files.ts';
import { parseTaskStat, TICK_MS } from '../analysis/diagnosis/process-files.ts';
import { runProgram } from '../inventory/io/run-program.ts';

/** Between the two readings: ticks of CPU time are 10 ms, so a share is right to 2 %. */
const LOOK_MS = 500;
/** A program that hangs is left alone. */
const PROGRAM_MS_MAX = 400;
const PROCESSES_MAX = 10;
const CPU_MIN = 0.05;

/** Looks at processes, connections, queues of links and free blocks, for half a second. */
export async function takeLook(attemptOf: (pid: number) => string | undefined): Promise<Look> {
  const began = performance.now();
  const [connections, queues] = await Promise.all([readConnections(), readQueues()]);
  const ticks = readTicks();
  const sinceTicks = performance.now();
  await wait(LOOK_MS);
  const processes = busiest(ticks, performance.now() - sinceTicks, attemptOf);
  const sockets = growth(
    connections,
    await readConnections(),
    (performance.now() - began) / 1_000,
    attemptOf,
  );
  return { processes, sockets, queues, zones: parseBuddyinfo(read('/proc/buddyinfo') ?? '') };
}

interface Ticks {
  readonly command: string;
  readonly startTicks: number;
  readonly ticks: number;
}

function readTicks(): ReadonlyMap<number, Ticks> {
  const found = new Map<number, Ticks>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = parseTaskStat(read(`/proc/${name}/stat`) ?? '');
    if (stat === undefined) continue;
    const { command, startTicks, userTicks, systemTicks } = stat;
    found.set(Number(name), { command, startTicks, ticks: userTicks + systemTicks });
  }
  return found;
}

function busiest(
  before: ReadonlyMap<number, Ticks>,
  elapsedMs: number,
  attemptOf: (pid: number) => string | undefined,
): readonly ProcessUse[] {
  return [...readTicks()]
    .map(([pid, { command, startTicks, ticks }]) => {
      const then = before.get(pid);
      const former = then?.startTicks === startTicks ? then.ticks : 0;
      return { pid, command, cpu: ((ticks - former) * TICK_MS) / elapsedMs };
    })
    .filter(({ cpu }) => cpu >= CPU_MIN)
    .toSorted((a, b) => b.cpu - a.cpu || a.pid - b.pid)
    .slice(0, PROCESSES_MAX)
    .map((one) => ({ ...one, attempt: attemptOf(one.pid) }));
}

async function readConnections(): Promise<readonly Connection[]> {
  const answer = await runProgram('ss', ['-tinpH'], PROGRAM_MS_MAX);
  return answer.ok ? parseConnections(answer.value) : [];
}

async function readQueues(): Promise<Look['queues']> {
  const answer = await runProgram('tc', ['-s', '-j', 'qdisc', 'show'], PROGRAM_MS_MAX);
  return (answer.ok ? parseQdiscs(answer.value) : undefined) ?? [];
}

function growth(
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
