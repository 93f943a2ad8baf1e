import { OperationError } from '../../model/errors.ts';

/** https://sqlite.org/rescode.html: the primary code is the low byte of an extended one. */
const SQLITE = {
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  NOTADB: 26,
} as const;

function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error && 'errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

/** Another connection has it: the one failure of SQLite that a caller may want to tell apart. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE.BUSY || code === SQLITE.LOCKED;
}

/**
 * What a failure of SQLite or of the file system means for the state; `what` names the thing and
 * what was tried with it. An error that is neither comes back as it is: a bug stays a bug.
 */
export function storageFailure(what: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof OperationError) return error;
  const failure = (code: 'STATE_FULL' | 'STATE_UNWRITABLE' | 'STATE_CORRUPT', why: string) =>
    new OperationError(code, `${what}: ${why}`, { system: error.message }, error);
  switch (sqliteCode(error)) {
    case SQLITE.FULL:
      return failure('STATE_FULL', 'the disk is full');
    case SQLITE.READONLY:
    case SQLITE.PERM:
      return failure('STATE_UNWRITABLE', 'it may only be read');
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
      return failure('STATE_UNWRITABLE', 'another process has it open');
    case SQLITE.CANTOPEN:
      return failure('STATE_UNWRITABLE', 'it cannot be opened');
    case SQLITE.IOERR:
      return failure('STATE_UNWRITABLE', `the disk reports an error (${error.message})`);
    case SQLITE.CORRUPT:
      return failure('STATE_CORRUPT', 'the file is damaged or cut short');
    case SQLITE.NOTADB:
      return failure('STATE_CORRUPT', 'the file is not a database');
    default:
  }
  switch ('code' in error ? error.code : undefined) {
    case 'ENOSPC':
    case 'EDQUOT':
      return failure('STATE_FULL', 'the disk is full');
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
    case 'EIO':
    case 'EEXIST':
    // Node's answer to making a folder, parents included, on a file system that may only be read.
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return failure('STATE_UNWRITABLE', error.message);
    default:
      return error;
  }
}
