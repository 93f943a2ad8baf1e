import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';

const client = join(import.meta.dirname, '../../clients/python');
const version = spawnSync('python3', ['-c', 'import sys; print(sys.version_info >= (3, 9))']);
const skip = String(version.stdout).trim() === 'True' ? false : 'there is no Python 3.9';

test('the Python client against a daemon', { skip, timeout: 180_000 }, async (t) => {
  const { state } = scratchState(t);
  await up(state);
  const ran = spawnSync('python3', ['-W', 'error', '-m', 'unittest', '-v'], {
    cwd: join(client, 'tests'),
    encoding: 'utf8',
    timeout: 150_000,
    env: {
      PATH: process.env['PATH'],
      PYTHONPATH: client,
      PYTHONDONTWRITEBYTECODE: '1',
      BERTH_STATE: state,
    },
  });
  assert.equal(ran.status, 0, ran.stderr);
  assert.match(ran.stderr, /Ran [1-9]\d* tests[\s\S]*OK/);
});
