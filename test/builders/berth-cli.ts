import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/app/main.ts', import.meta.url));
/** How this clone's `berth` is started. */
export const berthProgram: readonly string[] = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  main,
];

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `berth` to its end. */
export function runBerth(args: readonly string[], stdin = ''): Promise<Finished> {
  const [program, ...first] = berthProgram;
  const child = spawn(program!, [...first, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** One command against a state folder; its --json document. Rejects with stderr when it printed none. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the command prints; the assertions are about its shape.
export async function berth(state: string, ...args: string[]): Promise<any> {
  const done = await runBerth([...args, '--json', '--state', state]);
  if (done.stdout.trim() === '')
    throw new Error(`berth ${args.join(' ')}: ${done.code}\n${done.stderr}`);
  return JSON.parse(done.stdout);
}
