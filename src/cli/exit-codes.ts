import { type ErrorCode, errorTable } from '../model/errors.ts';

/** Exit codes that no row of the error table gives: how a workload ended, and how this command did. */
export const EXIT = {
  ok: 0,
  workloadFailed: 1,
  /** Of `doctor`. */
  trouble: 1,
  workloadCancelled: 4,
  bug: 70,
  interrupted: 130,
} as const;

export interface ExitCodeRow {
  readonly code: number;
  readonly meaning: string;
  /** The error codes of `--json` that go with it. */
  readonly errors: readonly ErrorCode[];
}

const meanings: Readonly<Record<number, string>> = {
  [EXIT.ok]: 'done; for run and wait: every workload succeeded',
  [EXIT.workloadFailed]:
    'run, wait: a workload failed; transfer: it failed; doctor: something is high or critical',
  2: 'the document is not valid',
  3: 'refused: the workload can never run here',
  [EXIT.workloadCancelled]:
    'run, wait: a workload was cancelled by somebody else; transfer: it was cancelled',
  64: 'the command line is wrong',
  65: 'the document is too large',
  66: 'no such file or workload',
  69: 'no daemon answers',
  [EXIT.bug]: 'a bug in Berth',
  71: 'the launcher could not start',
  73: 'the state folder cannot be written',
  74: 'the state folder is full or damaged',
  75: 'in use or too slow; try again later',
  76: 'the daemon answered something else than was agreed',
  77: 'not allowed',
  78: 'configured wrongly, or written by a newer Berth',
  [EXIT.interrupted]: 'run, wait, transfer, inventory baseline: interrupted by Ctrl-C or SIGTERM',
};

export const meaningOf = (exit: number): string => meanings[exit] ?? 'see the errors';

/** All exit codes in order. `berth help exit-codes` and the reference show this table. */
export function exitCodeTable(): readonly ExitCodeRow[] {
  const errors = new Map<number, ErrorCode[]>();
  for (const [code, row] of Object.entries(errorTable)) {
    const same = errors.get(row.exit) ?? [];
    same.push(code as ErrorCode);
    errors.set(row.exit, same);
  }
  const codes = new Set([...Object.keys(meanings).map(Number), ...errors.keys()]);
  return [...codes]
    .sort((a, b) => a - b)
    .map((code) => ({
      code,
      meaning: meaningOf(code),
      errors: errors.get(code) ?? [],
    }));
}
