import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { berthProgram } from '../builders/berth-cli.ts';

const wanted = process.env['BERTH_SUITE'] === 'system' || process.env['BERTH_SUITE'] === 'all';

for (const [signal, part] of [
  ['SIGINT', 'memory'],
  ['SIGINT', 'disk'],
  ['SIGKILL', 'disk'],
] as const) {
  test(`${signal} while the ${part} is measured leaves no scratch and no baseline`, {
    skip: wanted ? false : 'measures this machine: npm test -- --suite system',
    timeout: 60_000,
  }, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'berth-baseline-test-'));
    const [program, ...first] = berthProgram;
    const args = [...first, 'inventory', 'baseline', '--state', join(dir, 'state')];
    const child = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    try {
      let said = '';
      for await (const piece of child.stderr) {
        said += String(piece);
        if (said.includes(`measuring ${part}`) && !child.killed) child.kill(signal);
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      assert.deepEqual(
        [child.exitCode, child.signalCode],
        signal === 'SIGINT' ? [130, null] : [null, 'SIGKILL'],
      );
      assert.deepEqual(existsSync(join(dir, 'state')) ? readdirSync(join(dir, 'state')) : [], []);
    } finally {
      child.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    }
  });
}
