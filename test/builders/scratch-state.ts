import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { runBerth } from './berth-cli.ts';
import { leftoversOf, settledLeftovers } from './leftovers.ts';

export interface Scratch {
  readonly dir: string;
  /** Not made yet; where a test's daemon or run lives. */
  readonly state: string;
  /** Writes a file into `dir` and returns its path. */
  write(name: string, content: string | Buffer): string;
}

/**
 * A folder of one test. When the test has ended, so has everything that it started there, or it fails.
 * `tmpfs`: mount options of a file system of its own for the state folder; needs root.
 */
export function scratchState(t?: TestContext, options: { readonly tmpfs?: string } = {}): Scratch {
  const dir = mkdtempSync(join(tmpdir(), 'berth-test-'));
  const state = join(dir, 'state');
  const { tmpfs } = options;
  if (tmpfs !== undefined) {
    mkdirSync(state, { mode: 0o700 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=0700,${tmpfs}`, 'berth-test', state]);
  }
  const clean = async (): Promise<void> => {
    await endAll(state);
    const expected = tmpfs === undefined ? [] : [`mount ${state}`];
    const left = await settledLeftovers(state, expected);
    if (tmpfs !== undefined) execFileSync('umount', [state]);
    rmSync(dir, { recursive: true, force: true });
    assert.deepEqual(left, expected, 'nothing is left on the machine');
  };
  if (t === undefined) after(clean, { timeout: 120_000 });
  else t.after(clean, { timeout: 120_000 });
  return {
    dir,
    state,
    write(name, content) {
      const path = join(dir, name);
      writeFileSync(path, content);
      return path;
    },
  };
}

/** Ends the daemon of a state folder, and what runs, through a daemon of its own where there is none. */
async function endAll(state: string): Promise<void> {
  if (!leftoversOf(state).some((line) => line.startsWith('process'))) return;
  const ended = await runBerth(['down', '--cancel', '--timeout', '30s', '--state', state]);
  if (ended.code === 0 && !ended.stderr.includes('nothing to do') && !leftTasks(state)) return;
  await runBerth(['up', '-d', '--port', '0', '--state', state]);
  await runBerth(['down', '--cancel', '--timeout', '30s', '--state', state]);
}

const leftTasks = (state: string): boolean =>
  leftoversOf(state).some((line) => line.startsWith('process') && !line.includes('launcher.pl'));
