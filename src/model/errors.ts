interface ErrorRow {
  /** HTTP status of the problem document. */
  readonly http: number;
  /** Exit code of the CLI; after sysexits.h where one fits. */
  readonly exit: number;
  readonly retry: 'never' | 'later' | 'now';
  /** What to do about it. */
  readonly hint: string;
}

/** Every failure that a user can meet. `docs/reference/errors.md` is generated from this table. */
export const errorTable = {
  USAGE: { http: 400, exit: 64, retry: 'never', hint: 'See `berth help`.' },
  SPEC_INVALID: { http: 422, exit: 2, retry: 'never', hint: 'Run `berth check FILE`.' },
  REFUSED: { http: 409, exit: 3, retry: 'never', hint: 'Change what is asked for, or the node.' },
  NOT_FOUND: { http: 404, exit: 66, retry: 'never', hint: 'See `berth ps --all`.' },
  FILE_UNREADABLE: {
    http: 400,
    exit: 66,
    retry: 'never',
    hint: 'Check the path and its permissions.',
  },
  FILE_UNWRITABLE: {
    http: 400,
    exit: 73,
    retry: 'never',
    hint: 'Choose another file, or free space.',
  },
  BODY_TOO_LARGE: { http: 413, exit: 65, retry: 'never', hint: 'The limit is 1 MiB per document.' },
  UNAUTHORIZED: { http: 401, exit: 77, retry: 'never', hint: 'Pass the token from STATE/token.' },
  FORBIDDEN: { http: 403, exit: 77, retry: 'never', hint: 'This role or origin may not do that.' },
  BUSY: { http: 503, exit: 75, retry: 'later', hint: 'Close some pages or `logs --follow`.' },
  DAEMON_DOWN: { http: 503, exit: 69, retry: 'later', hint: 'Start it with `berth up -d`.' },
  DAEMON_RUNNING: {
    http: 409,
    exit: 75,
    retry: 'later',
    hint: 'Use it, or end it with `berth down`.',
  },
  ADDRESS_IN_USE: { http: 503, exit: 75, retry: 'later', hint: 'Choose another with --port.' },
  STATE_UNWRITABLE: {
    http: 503,
    exit: 73,
    retry: 'later',
    hint: 'Choose another folder with --state.',
  },
  STATE_NEWER: { http: 503, exit: 78, retry: 'never', hint: 'Use the newer Berth that wrote it.' },
  STATE_CORRUPT: {
    http: 503,
    exit: 74,
    retry: 'never',
    hint: 'Restore the folder, or start a new one with --state.',
  },
  STATE_FULL: {
    http: 507,
    exit: 74,
    retry: 'later',
    hint: 'Free space on the disk of the state folder.',
  },
  LAUNCHER_FAILED: { http: 503, exit: 71, retry: 'later', hint: 'See STATE/logs/launcher.log.' },
  TIMED_OUT: { http: 504, exit: 75, retry: 'later', hint: 'Wait longer with --timeout.' },
  PROTOCOL: {
    http: 502,
    exit: 76,
    retry: 'never',
    hint: 'Compare `berth --version` with the version in `berth status`.',
  },
  INTERNAL: { http: 500, exit: 70, retry: 'never', hint: 'See STATE/logs/daemon.log.' },
  PLUGIN_INVALID: {
    http: 400,
    exit: 78,
    retry: 'never',
    hint: 'See docs/guides/plugins.md, and `plugins` of the site file.',
  },
  CONFIG_INVALID: { http: 400, exit: 78, retry: 'never', hint: 'See `berth config explain`.' },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;

/**
 * An expected failure of the outside world or of what was asked, raised at the edges only.
 * `message` is a sentence that says what and why; the table adds what to do.
 */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly code: ErrorCode;
  /** What the sentence was made of, for machines. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    facts: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, { cause });
    this.code = code;
    this.facts = facts;
  }
}
