import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { berth, berthProgram } from './berth-cli.ts';

const said = new WeakMap<ChildProcess, string>();

/** A daemon in the foreground, to be killed. */
export function spawnDaemon(state: string, ...more: string[]): ChildProcess {
  const [program, ...args] = berthProgram;
  const child = spawn(program!, [...args, 'up', '--state', state, '--port', '0', ...more], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, BERTH_DEBUG: '1' },
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.set(child, `${said.get(child) ?? ''}${text}`.slice(-8_192));
  });
  return child;
}

/** The end of what it wrote to stderr: why it ended when nobody killed it. */
export const errorsOf = (child: ChildProcess): string => said.get(child) ?? '';

/** As `spawnDaemon`, once it answers. */
export async function up(state: string): Promise<ChildProcess> {
  const child = spawnDaemon(state);
  for (let tries = 0; ; tries++) {
    const status = await berth(state, 'status').catch(() => undefined);
    if (status?.pid === child.pid) return child;
    assert.ok(tries < 200 && child.exitCode === null, 'the daemon comes up');
    await delay(100);
  }
}

/** SIGKILL; resolves when it has gone. */
export function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  return gone;
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
