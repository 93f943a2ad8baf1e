/**
 * The slice of a host that a probe may touch. Rooted at a `sysroot`, so that the same probes read
 * this machine and a recorded tree. Reads are bounded; nothing throws: an outcome says what went wrong.
 */
export interface HostReader {
  /** At most `maxBytes` (default 4 MiB) of a file, as Latin-1 or UTF-8 with replacement. */
  text(path: string, maxBytes?: number): ReadOutcome<string>;
  bytes(path: string, maxBytes?: number): ReadOutcome<Uint8Array>;
  /** Names in a folder, sorted by code unit. */
  list(path: string): ReadOutcome<readonly string[]>;
  /** Where a symbolic link points, made absolute within the sysroot. */
  link(path: string): ReadOutcome<string>;
  exists(path: string): boolean;
  statfs(path: string): ReadOutcome<FileSystemSize>;
  /** Runs a program of the host and waits; refused under a recorded tree unless the tree has its output. */
  run(program: string, args: readonly string[], timeoutMs: number): Promise<ReadOutcome<string>>;
}

export interface FileSystemSize {
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly availableBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

export type ReadOutcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: ReadProblem };

export interface ReadProblem {
  readonly kind: 'absent' | 'denied' | 'timed-out' | 'too-large' | 'failed';
  /** A path or a command line, and the system's own words. */
  readonly detail: string;
}
