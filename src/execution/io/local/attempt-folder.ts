import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { AttemptEnd } from '../../../model/attempt.ts';
import type { AttemptId } from '../../../model/ids.ts';
import { countOf, endOf, fieldOf, parseRecord, type RecordFields } from '../../attempt-record.ts';

/** What the folder of an attempt says, held against what runs. */
export type AttemptTrace =
  /** Nothing was begun, or all is settled. */
  | { readonly kind: 'none' }
  | { readonly kind: 'running'; readonly pid: number }
  | { readonly kind: 'ended'; readonly end: AttemptEnd }
  /** It was begun; neither its shim nor its end is there. */
  | { readonly kind: 'abandoned'; readonly why: string };

export const START_RECORD = 'start';
export const END_RECORD = 'exit';

export async function traceOf(
  attemptsDir: string,
  attempt: AttemptId,
  bootId: string,
): Promise<AttemptTrace> {
  const folder = join(attemptsDir, attempt);
  const startText = await readIfThere(join(folder, START_RECORD));
  if (startText === undefined) return { kind: 'none' };
  const start = parseRecord(startText);
  // Looked at before the end record: a shim writes that one first and goes then.
  const why = await absenceOfShim(start, bootId);
  const endText = await readIfThere(join(folder, END_RECORD));
  if (endText !== undefined) return { kind: 'ended', end: endFrom(parseRecord(endText)) };
  if (why !== undefined) return { kind: 'abandoned', why };
  return { kind: 'running', pid: countOf(start, 'task') ?? countOf(start, 'shim')! };
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
  if ((fieldOf(start, 'boot') ?? '') !== bootId) return 'the machine was rebooted meanwhile';
  const pid = countOf(start, 'shim');
  if (pid === undefined) return 'its start record is unreadable';
  if (process.platform !== 'linux') {
    return isSignalable(pid) ? undefined : 'its shim is gone';
  }
  const stat = await readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return 'its shim is gone';
  // Fields after the name in parentheses: state is the first, the start time the twentieth (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[19] !== fieldOf(start, 'shimstart')) return 'its shim is gone';
  return fields[0] === 'Z' ? 'its shim is gone' : undefined;
}

function isSignalable(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && isAbsence(error.code)) return undefined;
    throw error;
  }
}

/** A process may end between open and read: ESRCH. */
const isAbsence = (code: unknown): boolean =>
  code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESRCH';
