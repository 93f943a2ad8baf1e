import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { berth, runBerth, startBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const bounded = { skip: skipSystem, timeout: 120_000 };

test('what parts of the daemon wrote is read with and without one', bounded, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  const logs = (...args: string[]) => runBerth(['logs', '--state', state, ...args]);
  const none = await logs('--component', 'daemon');
  assert.equal(none.code, 66, none.stderr);
  await berth(state, 'up', '-d', '--port', '0');
  const daemon = await logs('--component', 'daemon');
  assert.equal(daemon.code, 0, daemon.stderr);
  assert.match(daemon.stdout, /^\S+Z .*up: pid \d+/m);
  const { lines } = JSON.parse((await logs('--component', 'all', '--json')).stdout) as {
    lines: { component: string; at: string }[];
  };
  assert.ok(new Set(lines.map(({ component }) => component)).size > 1);
  const site = lines.filter(({ component }) => component === 'site');
  const ofSite = JSON.parse((await logs('--component', 'site', '--json')).stdout).lines;
  assert.deepEqual(ofSite, site);
  assert.deepEqual(
    JSON.parse((await logs('--component', 'all', '-n', '1', '--json')).stdout).lines,
    [lines.at(-1)],
  );
  const late = JSON.parse((await logs('--component', 'all', '--since', '1ms', '--json')).stdout);
  assert.deepEqual(late.lines, []);
  const misspelt = await logs('--component', 'siet');
  assert.equal(misspelt.code, 66);
  assert.match(misspelt.stderr, /Did you mean site\?/);
  for (const wrong of [[], ['1', '--component', 'api'], ['1', '--since', '5m']]) {
    assert.equal((await logs(...wrong)).code, 64, wrong.join(' '));
  }

  const following = startBerth(['logs', '--component', 'execution', '-f', '--state', state]);
  const job = scratch.write('job.yaml', 'name: liar\nrun: echo nonsense >> "$BERTH_METRICS"\n');
  await following.said(/No component "execution" has written a line/);
  await berth(state, 'run', job);
  await following.said(/a line of BERTH_METRICS is not taken/);
  following.child.kill('SIGINT');
  await following.finished;

  const text = readFileSync(join(state, 'logs', 'daemon.log'), 'utf8');
  const token = readFileSync(join(state, 'token'), 'utf8').trim();
  assert.ok(!text.includes(token));
  assert.equal((await runBerth(['down', '--state', state])).code, 0);
  assert.match((await logs('--component', 'daemon')).stdout, /up: pid/);
});
