import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { AlertState, Notice } from '../alert-state.ts';

const VERSION = 1;

/** All that must not be forgotten: what fires, and who was not told yet. */
export interface KeptAlerts {
  readonly state: AlertState;
  readonly outbox: readonly Notice[];
}

/** Undefined where there is none. Throws for one that is damaged, which is then set aside by whoever reads. */
export function readAlertFile(file: string): KeptAlerts | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const { version, state, outbox } = JSON.parse(text) as Partial<KeptAlerts & { version: number }>;
  const lists = [outbox, state?.active, state?.ended, state?.groups, state?.silences];
  if (version !== VERSION || state === undefined || !lists.every(Array.isArray)) {
    throw new SyntaxError('it is not what this version writes');
  }
  return { state, outbox: outbox! };
}

/** At once or not at all, and only for its owner. */
export function writeAlertFile(file: string, { state, outbox }: KeptAlerts): void {
  const half = `${file}.new`;
  rmSync(half, { force: true });
  const fd = openSync(half, 'wx', 0o600);
  try {
    writeFileSync(fd, `${JSON.stringify({ version: VERSION, state, outbox })}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(half, file);
}
