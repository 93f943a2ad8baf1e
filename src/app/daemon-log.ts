import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The log and the one before it: at most twice this on disk. */
const LOG_BYTES_MAX = 8 * 1024 ** 2;

/** Writes structured lines; one that cannot be written is dropped, for a log must not end the daemon. */
export function openDaemonLog(file: string, echo: (line: string) => void) {
  let size = 0;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  } catch {
    // Reported by the first write, if anybody watches.
  }
  return (component: string, sentence: string, error?: unknown): void => {
    const at = new Date().toISOString();
    const cause = error instanceof Error ? { error: error.stack ?? error.message } : {};
    const level = error === undefined ? 'info' : 'error';
    const line = `${JSON.stringify({ at, level, component, message: sentence, ...cause })}\n`;
    echo(error instanceof Error ? `${sentence}: ${error.message}` : sentence);
    try {
      if (size > LOG_BYTES_MAX) {
        renameSync(file, `${file}.1`);
        size = 0;
      }
      appendFileSync(file, line, { mode: 0o600 });
      size += line.length;
    } catch {
      // A full disk: the daemon says so through its status.
    }
  };
}

export type DaemonLog = ReturnType<typeof openDaemonLog>;
