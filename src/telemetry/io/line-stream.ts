import { spawn } from 'node:child_process';

const PENDING_MAX = 1024 * 1024;
const ENV_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type StreamEnd = 'absent' | 'failed' | 'silent';

/**
 * Runs a program that writes lines for as long as it runs. Silence ends it: it is killed, with what it started, and
 * not waited for.
 * @param onEnd once, however it ends, but not after `stop`.
 */
export function openLineStream(
  [program, ...args]: readonly [string, ...string[]],
  silenceMs: number,
  on: { readonly lines: (lines: string) => void; readonly end: (why: StreamEnd) => void },
): { stop(): void } {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
    env: { PATH: process.env['PATH'] ?? ENV_PATH, LC_ALL: 'C' },
  });
  let ended = false;
  let pending = '';
  const leave = (): void => {
    ended = true;
    clearTimeout(timer);
    child.stdout.destroy();
    child.unref();
    if (child.pid !== undefined && child.exitCode === null) killGroup(child.pid);
  };
  const end = (why: StreamEnd): void => {
    if (ended) return;
    leave();
    on.end(why);
  };
  let timer = setTimeout(end, silenceMs, 'silent');
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    if (ended) return;
    clearTimeout(timer);
    timer = setTimeout(end, silenceMs, 'silent');
    const text = pending + piece;
    const whole = text.lastIndexOf('\n') + 1;
    pending = text.slice(whole);
    if (pending.length > PENDING_MAX) end('failed');
    else if (whole > 0) on.lines(text.slice(0, whole));
  });
  child.on('error', ({ code }: NodeJS.ErrnoException) => {
    end(code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' ? 'absent' : 'failed');
  });
  child.on('close', () => end('failed'));
  return { stop: leave };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
