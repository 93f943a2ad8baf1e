import { OperationError } from '../model/errors.ts';

export interface DaemonOptions {
  readonly stateDir: string;
  /** Undefined: no TCP, the unix socket only. */
  readonly port: number | undefined;
  readonly host?: string;
  readonly foreground: boolean;
  readonly log: (line: string) => void;
}

export interface Daemon {
  readonly url: string;
  readonly socket: string;
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

export function openDaemon(_options: DaemonOptions): Promise<Daemon> {
  return Promise.reject(new OperationError('DAEMON_DOWN', 'The daemon is not built yet.'));
}
