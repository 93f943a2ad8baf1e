/**
 * The slice of a host that a probe may touch. Rooted at a `sysroot`, so that the same probes read
 * this machine and a recorded tree. Reads are bounded; nothing throws: an outcome says what went wrong.
 */
export interface HostReader {
  /**
   * A whole regular file as UTF-8, with U+FFFD where it is not. One longer than `maxBytes` (default
   * 4 MiB) is `too-large`: a number cut in two would read as another number.
   */
  text(path: string, maxBytes?: number): ReadOutcome<string>;
  bytes(path: string, maxBytes?: number): ReadOutcome<Uint8Array>;
  /** Names in a folder, sorted by code unit. */
  list(path: string): ReadOutcome<readonly string[]>;
  /** Where a symbolic link points, one step, made absolute within the sysroot; `absent` when it is none. */
  link(path: string): ReadOutcome<string>;
  exists(path: string): boolean;
  statfs(path: string): ReadOutcome<FileSystemSize>;
  /**
   * Runs a program of the host and waits, at most `timeoutMs`; its environment is PATH and LC_ALL=C.
   * Under a recorded tree nothing runs: the answer is the file `.berth-commands/<program and arguments,
   * joined by spaces, "/" as "%">` of the tree, or `absent`.
   */
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
  /** What a program that ended with a failure had written: some tell all and still exit with bits set. */
  readonly output?: string;
}
