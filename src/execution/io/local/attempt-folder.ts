import { access, readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { AttemptEnd } from '../../../model/attempt.ts';
import type { AttemptId } from '../../../model/ids.ts';
import {
  type AttemptRecord,
  countOf,
  endOf,
  fieldOf,
  parseRecord,
  type RecordFields,
} from '../../attempt-record.ts';
import { asAttemptId } from '../../launcher-protocol.ts';

/** What the folder of an attempt says, held against what runs. */
export type AttemptTrace =
  /** Nothing was begun, or all is settled. */
  | { readonly kind: 'none' }
  | ({ readonly kind: 'running'; readonly pid: number } & Held)
  | ({ readonly kind: 'ended'; readonly end: AttemptEnd } & Held)
  /** It was begun; neither its shim nor its end is there. */
  | ({ readonly kind: 'abandoned'; readonly why: string } & Held);

interface Held {
  /** Name of the cgroups that it is or was in: its own id, or that of one whose place it took over. */
  readonly cgroup: string | undefined;
}

/** What is known of an attempt; the name tells one that is settled from one that is not. */
const RECORD = '.record';
const SETTLED_RECORD = '.settled';
const STOP = '.stop';
/** Between the making of a record and its first line there is no wait: after this long, nobody will write it. */
const WRITTEN_MS = 1_000;

/** The attempt that a file in the folder of attempts is the record of, unless it is settled. */
export function attemptOfRecord(name: string): AttemptId | undefined {
  return name.endsWith(RECORD) ? asAttemptId(name.slice(0, -RECORD.length)) : undefined;
}

/** What may lie in the folder of attempts for one: its logs, its record, an order to stop. */
export const namesOf = (attempt: AttemptId): readonly string[] =>
  ['', RECORD, SETTLED_RECORD, STOP].map((kind) => attempt + kind);

/** The attempt that something in the folder of attempts belongs to. */
export function attemptOfName(name: string): AttemptId | undefined {
  const kind = [RECORD, SETTLED_RECORD, STOP].find((ending) => name.endsWith(ending)) ?? '';
  return asAttemptId(name.slice(0, name.length - kind.length));
}

/** Of an attempt that is not settled. Those in one line share a file under several names. */
export const recordPath = (attemptsDir: string, attempt: AttemptId): string =>
  join(attemptsDir, attempt + RECORD);

export async function traceOf(
  attemptsDir: string,
  attempt: AttemptId,
  bootId: string,
): Promise<AttemptTrace> {
  const path = recordPath(attemptsDir, attempt);
  const record = await begunRecord(path, attempt);
  if (record === undefined) return { kind: 'none' };
  const cgroup = fieldOf(record.start, 'dir')?.split('/').at(-1);
  if (record.ended !== undefined) return { kind: 'ended', end: endFrom(record.ended), cgroup };
  const why = await absenceOfShim(record.start, bootId);
  if (why === undefined) {
    const pid = countOf(record.task, 'pid') ?? countOf(record.start, 'shim')!;
    return { kind: 'running', pid, cgroup };
  }
  // It may have written the end and gone, just now.
  const again = parseRecord((await readIfThere(path)) ?? '', attempt);
  return again.ended === undefined
    ? { kind: 'abandoned', why, cgroup }
    : { kind: 'ended', end: endFrom(again.ended), cgroup };
}

/** Undefined where there is none. Whoever makes a record writes into it at once: one without a start is read again. */
async function begunRecord(path: string, attempt: AttemptId): Promise<AttemptRecord | undefined> {
  for (const giveUp = performance.now() + WRITTEN_MS; ; await wait(5)) {
    const text = await readIfThere(path);
    if (text === undefined) return undefined;
    const record = parseRecord(text, attempt);
    if (record.start.size > 0 || record.ended || performance.now() > giveUp) return record;
  }
}

export function endFrom(record: RecordFields): AttemptEnd {
  return endOf(record, signalName);
}

function signalName(number: number): string {
  for (const [name, value] of Object.entries(constants.signals)) if (value === number) return name;
  // Real-time signals have no names of their own: signal(7).
  return number >= 34 ? `SIGRTMIN+${number - 34}` : `signal ${number}`;
}

/** Why the shim of a start record cannot be running any more; undefined when it runs. */
async function absenceOfShim(start: RecordFields, bootId: string): Promise<string | undefined> {
  const boot = fieldOf(start, 'boot');
  const pid = countOf(start, 'shim');
  if (boot === undefined || pid === undefined) return 'its start record is unreadable';
  if (boot !== bootId) return 'the machine was rebooted meanwhile';
  if (process.platform !== 'linux') {
    return isSignalable(pid) ? undefined : 'its shim is gone';
  }
  return isShim(start, await readIfThere(`/proc/${pid}/stat`)) ? undefined : 'its shim is gone';
}

/** Whether /proc/PID/stat is of the shim itself, which lives, and not of a later process of the same number. */
export function isShim(start: RecordFields, stat: string | undefined): boolean {
  if (stat === undefined) return false;
  // Fields after the name in parentheses: state is the first, the start time the twentieth (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] !== 'Z' && fields[19] === fieldOf(start, 'shimstart');
}

function isSignalable(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** `ended`: nothing more will be written to its log. */
export async function stageOf(
  attemptsDir: string,
  attempt: AttemptId,
): Promise<'unknown' | 'begun' | 'ended'> {
  const text = await readIfThere(recordPath(attemptsDir, attempt));
  if (text !== undefined) {
    return parseRecord(text, attempt).ended === undefined ? 'begun' : 'ended';
  }
  const settled = await access(join(attemptsDir, attempt + SETTLED_RECORD)).catch(isAbsent);
  return settled === undefined ? 'ended' : 'unknown';
}

function isAbsent(error: unknown): true {
  unlessAbsent(error);
  return true;
}

export function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(unlessAbsent);
}

/** A process may end between open and read: ESRCH. */
export function unlessAbsent(error: unknown): undefined {
  const absences: readonly unknown[] = ['ENOENT', 'ENOTDIR', 'ESRCH'];
  if (error instanceof Error && 'code' in error && absences.includes(error.code)) return undefined;
  throw error;
}
