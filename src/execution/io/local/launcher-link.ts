import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OperationError } from '../../../model/errors.ts';
import type { AttemptId } from '../../../model/ids.ts';
import {
  encodeLine,
  LAUNCHER_VERSION,
  type LauncherMessage,
  parseLauncherMessage,
} from '../../launcher-protocol.ts';

export interface LauncherLinkOptions {
  readonly stateDir: string;
  readonly socketPath: string;
  /** Folders that the launcher removes when it ends. */
  readonly cgroupParents: readonly string[];
  readonly onMessage: (message: LauncherMessage) => void;
  /** Connected again, perhaps to another launcher: what was sent before may be lost. */
  readonly onReconnected: (owned: ReadonlySet<AttemptId>) => void;
  readonly warn: (message: string) => void;
}

const CONNECT_TRIES = 5;
const READY_MS = 10_000;
const BYE_MS = 3000;
const RETRY_MAX_MS = 2000;
const LINE_MAX = 1024 * 1024;

/** The connection to the launcher: starts one where none is, and again whenever it is gone. */
export class LauncherLink {
  readonly #options: LauncherLinkOptions;
  #launcherPid: number | undefined;
  #socket: Socket | undefined;
  #outgoing: string[] = [];
  #closing = false;
  #onBye: ((remaining: number) => void) | undefined;

  private constructor(options: LauncherLinkOptions) {
    this.#options = options;
  }

  static async open(
    options: LauncherLinkOptions,
  ): Promise<{ link: LauncherLink; owned: ReadonlySet<AttemptId> }> {
    const link = new LauncherLink(options);
    return { link, owned: await link.#connect() };
  }

  /** Lines of one turn of the event loop go out in one write. Dropped when nothing is connected. */
  send(line: string): void {
    if (this.#socket === undefined) return;
    if (this.#outgoing.push(line) === 1) queueMicrotask(() => this.#flush());
  }

  async close(): Promise<void> {
    this.#closing = true;
    const socket = this.#socket;
    if (socket === undefined) return;
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const bye = new Promise<number>((resolve) => {
      this.#onBye = resolve;
    });
    this.send(encodeLine(['bye']));
    const timeout = wait(BYE_MS, undefined, { ref: false });
    const remaining = await Promise.race([bye, ended, timeout]);
    // A launcher with nothing to do ends now, and its cgroups with it.
    if (remaining === 0) await Promise.race([ended, timeout]);
    socket.destroy();
    await ended;
  }

  /** Of the launcher that is connected. */
  get launcherPid(): number | undefined {
    return this.#launcherPid;
  }

  #flush(): void {
    const lines = this.#outgoing;
    this.#outgoing = [];
    this.#socket?.write(lines.join(''));
  }

  async #connect(): Promise<ReadonlySet<AttemptId>> {
    let problem = 'it ended each time';
    for (let tried = 0; tried < CONNECT_TRIES; tried++) {
      if (tried > 0) await wait(50 * tried);
      let socket = await connectTo(this.#options.socketPath);
      if (socket === undefined) {
        problem = (await startLauncher(this.#options)) ?? problem;
        socket = await connectTo(this.#options.socketPath);
      }
      if (socket === undefined) continue;
      const owned = await this.#greet(socket);
      if (owned !== undefined) return owned;
    }
    throw new OperationError('LAUNCHER_FAILED', `The launcher could not be started: ${problem}.`, {
      socket: this.#options.socketPath,
    });
  }

  /** What the launcher owns; undefined when it went away or is of another version. */
  #greet(socket: Socket): Promise<ReadonlySet<AttemptId> | undefined> {
    const owned = new Set<AttemptId>();
    const { promise, resolve } = Promise.withResolvers<ReadonlySet<AttemptId> | undefined>();
    let ready = false;
    readLines(socket, (line) => {
      const message = parseLauncherMessage(line);
      if (message === undefined) this.#options.warn(`not understood from the launcher: ${line}`);
      else if (message.kind === 'owns') owned.add(message.attempt);
      else if (message.kind === 'bye') this.#onBye?.(message.remaining);
      else if (message.kind === 'ready') {
        ready = true;
        this.#socket = socket;
        resolve(owned);
      } else if (message.kind === 'hello') {
        this.#launcherPid = message.pid;
        // Its shims go on without it.
        if (message.version !== LAUNCHER_VERSION) process.kill(message.pid, 'SIGTERM');
      } else this.#options.onMessage(message);
    });
    socket.on('close', () => {
      resolve(undefined);
      this.#socket = undefined;
      this.#launcherPid = undefined;
      this.#outgoing = [];
      if (ready && !this.#closing) void this.#reconnect();
    });
    socket.on('error', () => socket.destroy());
    socket.write(encodeLine(['hello', ...this.#options.cgroupParents]));
    return promise;
  }

  async #reconnect(): Promise<void> {
    for (let delayMs = 20; !this.#closing; delayMs = Math.min(delayMs * 2, RETRY_MAX_MS)) {
      try {
        const owned = await this.#connect();
        if (this.#closing) this.#socket?.destroy();
        else this.#options.onReconnected(owned);
        return;
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        this.#options.warn(error.message);
      }
      await wait(delayMs, undefined, { ref: false });
    }
  }
}

function readLines(socket: Socket, onLine: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
    if (rest.length > LINE_MAX) socket.destroy();
  });
}

function connectTo(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', () => resolve(undefined));
  });
}

/** Starts a launcher in a session of its own and waits until it listens; returns what went wrong. */
async function startLauncher(options: LauncherLinkOptions): Promise<string | undefined> {
  const program = fileURLToPath(new URL('./launcher.pl', import.meta.url));
  const logPath = join(options.stateDir, 'logs', 'launcher.log');
  mkdirSync(join(options.stateDir, 'logs'), { recursive: true, mode: 0o700 });
  const log = openSync(logPath, 'a', 0o600);
  try {
    const child = spawn('perl', ['-w', program, options.stateDir, options.socketPath], {
      cwd: '/',
      detached: true,
      // Nothing of the daemon's is for tasks; a locale would change the system's words.
      // What is bound at the start need not be bound in each of its forks (13 page faults a task).
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', LD_BIND_NOW: '1' },
      stdio: ['ignore', 'pipe', log],
    });
    const { stdout } = child;
    return await new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(`it said nothing for ${READY_MS} ms`), READY_MS);
      const settle = (problem: string | undefined) => {
        clearTimeout(timer);
        stdout?.destroy();
        child.unref();
        resolve(problem);
      };
      child.once('error', (error) =>
        settle(
          'code' in error && error.code === 'ENOENT'
            ? 'it needs perl, and there is none in PATH'
            : error.message,
        ),
      );
      child.once('exit', (code) => settle(`perl ended with ${code}, see ${logPath}`));
      stdout?.once('data', () => settle(undefined));
    });
  } finally {
    closeSync(log);
  }
}
