import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';

const examples = join(import.meta.dirname, '../../examples');
const job = `
name: paid
run: sleep 0.2
count: 3
resources: {cpu: 100m, memory: 32Mi}
resource_limits: {timeout: 60}
`;

test('a daemon with the examples charges once, however it ends', {
  timeout: 180_000,
}, async (t) => {
  const { state } = scratchState(t);
  const BERTH_SITE = join(examples, 'budgets.yaml');
  const BERTH_PRICES = join(examples, 'prices.yaml');
  Object.assign(process.env, { BERTH_SITE, BERTH_PRICES });
  t.after(() => {
    delete process.env['BERTH_SITE'];
    delete process.env['BERTH_PRICES'];
  });
  const daemon = await up(state);
  t.after(() => kill(daemon));
  const ran = await runBerth(['run', '-', '--state', state], { stdin: job });
  assert.equal(ran.code, 0, ran.stderr);
  const spent = async () => {
    const { budgets } = await berth(state, 'budget');
    const { total } = await berth(state, 'usage', '--by', 'pipeline,user');
    return { site: budgets[0].spent, reserved: budgets[0].reserved, total: total.cost };
  };
  const before = await spent();
  assert.ok(before.total > 0 && before.site === before.total && before.reserved === 0);
  await kill(daemon);
  const again = await up(state);
  t.after(() => kill(again));
  assert.deepEqual(await spent(), before);
  const { suggestions } = await berth(state, 'suggest');
  assert.ok(Array.isArray(suggestions));
  const csv = await runBerth(['usage', '--by', 'user', '--csv', '--state', state]);
  assert.match(csv.stdout, /^user,cost_dollars,cpu_hours,/);
});
