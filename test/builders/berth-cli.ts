import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/app/main.ts', import.meta.url));
/** How this clone's `berth` is started. */
export const berthProgram: readonly string[] = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  main,
];
/** Of one command, on a machine that many share. */
const COMMAND_MS_MAX = 120_000;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A command that goes on; `finished` resolves at its end. It is killed after two minutes. */
export interface Started {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves once stdout and stderr together match; rejects when the command ends before that. */
  said(pattern: RegExp): Promise<string>;
}

export function startBerth(args: readonly string[], options: RunOptions = {}): Started {
  const [program, ...first] = berthProgram;
  const child = spawn(program!, [...first, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: options.cwd,
    // The site file of whoever runs the tests is not theirs.
    env: { ...process.env, XDG_CONFIG_HOME: '/nonexistent', ...options.env },
    timeout: COMMAND_MS_MAX,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const listener of listeners) listener();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const listener of listeners) listener();
  });
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin ?? '');
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  function said(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(stdout + stderr);
        if (found === null) return;
        listeners.delete(look);
        resolve(found[0]);
      };
      listeners.add(look);
      look();
      finished.then(
        ({ code }) => reject(new Error(`ended with ${code} before ${pattern}: ${stdout}${stderr}`)),
        reject,
      );
    });
  }
  return { child, finished, said };
}

/** Runs `berth` to its end. */
export function runBerth(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return startBerth(args, options).finished;
}

/** One command against a state folder; its --json document. Rejects with stderr when it printed none. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the command prints; the assertions are about its shape.
export async function berth(state: string, ...args: string[]): Promise<any> {
  const done = await runBerth([...args, '--json', '--state', state]);
  if (done.stdout.trim() === '')
    throw new Error(`berth ${args.join(' ')}: ${done.code}\n${done.stderr}`);
  return JSON.parse(done.stdout);
}
