import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { machines } from '../../../model/system-calls.ts';
import type { ProbeTarget, ResolvedCheck } from '../../../runtime/probe-target.ts';
import { refusedCalls, seccompProgram } from '../../seccomp-program.ts';

export interface ProbeResult {
  readonly ok: boolean;
  /** For people, at most DETAIL_MAX characters. */
  readonly detail: string;
}

/** What is known of the task that is probed. */
export type ProbePlace = Pick<ProbeTarget, 'attempt' | 'pid' | 'env' | 'cwd' | 'seccomp'>;

const PROGRAM = fileURLToPath(new URL('probe.pl', import.meta.url));
const DETAIL_MAX = 200;
const LOOPBACK = '127.0.0.1';

/** One try. Never rejects; ends when `signal` aborts or the time is up, and leaves nothing behind. */
export async function tryProbe(
  check: ResolvedCheck,
  target: ProbePlace,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<ProbeResult> {
  const late = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([options.signal, late]);
  try {
    const result = await tryOnce(check, target, signal, options.timeoutMs);
    return { ...result, detail: result.detail.slice(0, DETAIL_MAX) };
  } catch (error) {
    if (late.aborted) return { ok: false, detail: `no answer within ${options.timeoutMs} ms` };
    const { code, message } = error as NodeJS.ErrnoException;
    return { ok: false, detail: (code ?? message).slice(0, DETAIL_MAX) };
  }
}

function tryOnce(
  check: ResolvedCheck,
  target: ProbePlace,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<ProbeResult> {
  switch (check.kind) {
    case 'http':
      return ask(check.port, check.path, signal);
    case 'tcp':
      return reach(check.port, signal);
    case 'exec':
      return execute(check.argv, target, signal, timeoutMs);
  }
}

function ask(port: number, path: string, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: LOOPBACK, port, path, signal, agent: false }, (answer) => {
      const status = answer.statusCode ?? 0;
      answer.destroy();
      resolve({ ok: status >= 200 && status < 400, detail: `HTTP ${status}` });
    });
    asked.on('error', reject);
    asked.end();
  });
}

function reach(port: number, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: LOOPBACK, port, signal });
    socket.on('error', reject);
    socket.on('connect', () => {
      socket.destroy();
      resolve({ ok: true, detail: 'connected' });
    });
  });
}

/** Where the task is, by a program that ends it in time although the daemon is gone. */
function execute(
  argv: readonly string[],
  place: ProbePlace,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const { attempt, pid, env, cwd } = place;
    if (pid === undefined) {
      resolve({ ok: false, detail: 'the process of the task is not known' });
      return;
    }
    const seconds = String(Math.ceil(timeoutMs / 1000) + 1);
    const args = [PROGRAM, attempt, `${pid}`, seconds, filterOf(place), cwd, ...argv];
    // What the task is told could change what perl does while it has the rights of the daemon.
    const child = spawn('perl', args, {
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    child.stdin.on('error', () => {});
    child.stdin.end(
      Object.entries(env)
        .map(([name, value]) => `${name}=${value}\0`)
        .join(''),
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(0, DETAIL_MAX);
    });
    const kill = (): void => {
      if (child.pid !== undefined) killGroup(child.pid);
    };
    signal.addEventListener('abort', kill, { once: true });
    child.on('error', reject);
    child.on('close', (code) => {
      signal.removeEventListener('abort', kill);
      if (signal.aborted) reject(new Error('it was stopped'));
      else resolve({ ok: code === 0, detail: [`exit code ${code}`, said.trim()].join(' ').trim() });
    });
    if (signal.aborted) kill();
  });
}

/** Of system calls, as the task has it. */
function filterOf({ seccomp }: ProbePlace): string {
  const names = refusedCalls(seccomp);
  const machine = machines.find((one) => one === process.arch);
  if (names.length === 0 || machine === undefined) return '-';
  return Buffer.from(seccompProgram(machine, names)).toString('hex');
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
