import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadOutcome, ReadProblem } from '../host-reader.ts';

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const ERROR_BYTES_MAX = 4096;
const PATH_DEFAULT = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Runs a program to its end or for `timeoutMs`. Whatever it does, an answer comes: at the time-out its
 * process group is killed and not waited for, since a driver may hold it in an uninterruptible sleep.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<ReadOutcome<string>> {
  const command = [program, ...args].join(' ');
  return new Promise((answer) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { PATH: process.env['PATH'] ?? PATH_DEFAULT, LC_ALL: 'C' },
    });
    const output: Buffer[] = [];
    let outputBytes = 0;
    let errors = '';
    let answered = false;
    const finish = (outcome: ReadOutcome<string>) => {
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      answer(outcome);
    };
    const fail = (kind: ReadProblem['kind'], words: string) => {
      const text = Buffer.concat(output).toString('utf8');
      finish({
        ok: false,
        problem: { kind, detail: `${command}: ${words}`, ...(text === '' ? {} : { output: text }) },
      });
    };
    const abandon = (kind: ReadProblem['kind'], words: string) => {
      fail(kind, words);
      if (child.pid !== undefined) killGroup(child.pid);
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
    };
    const timer = setTimeout(() => abandon('timed-out', `no answer in ${timeoutMs} ms`), timeoutMs);
    child.stdout.on('data', (piece: Buffer) => {
      output.push(piece);
      outputBytes += piece.length;
      if (outputBytes > OUTPUT_BYTES_MAX) {
        output.length = 0;
        abandon('too-large', `over ${OUTPUT_BYTES_MAX} bytes of output`);
      }
    });
    child.stderr.on('data', (piece: Buffer) => {
      if (errors.length < ERROR_BYTES_MAX) errors += piece.toString('utf8');
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      // A folder of PATH that we may not enter makes the kernel say EACCES for a program that is nowhere.
      const absent =
        error.code === 'ENOENT' ||
        error.code === 'ENOTDIR' ||
        (error.code === 'EACCES' && !program.includes('/') && !isOnPath(program));
      fail(absent ? 'absent' : error.code === 'EACCES' ? 'denied' : 'failed', error.message);
    });
    child.on('close', (status, signal) => {
      if (status === 0) {
        finish({ ok: true, value: Buffer.concat(output).toString('utf8') });
      } else {
        const words = errors.trim().slice(0, ERROR_BYTES_MAX);
        fail('failed', `${signal ?? `exit status ${status}`}${words === '' ? '' : `: ${words}`}`);
      }
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** Whether a folder of PATH that we may look into has the program, even if we may not run it. */
function isOnPath(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.some((folder) => existsSync(join(folder, program)));
}
