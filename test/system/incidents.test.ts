import assert from 'node:assert/strict';
import { test } from 'node:test';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { kill, up } from '../builders/daemon-process.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const good = `
name: good
run: "true"
count: 30
resources: {cpu: 100m, memory: 16Mi}
`;
const broken = `
name: broken
steps:
  - {id: work, run: "exit 3", count: 4, resources: {cpu: 100m, memory: 16Mi}}
  - {id: after, needs: [work], run: "true"}
`;

test('a daemon tells what failed together, and still does after a crash', {
  skip: skipSystem,
  timeout: 180_000,
}, async (t) => {
  const { state } = scratchState(t);
  const daemon = await up(state);
  t.after(() => kill(daemon));
  const run = (stdin: string) => runBerth(['run', '-', '--state', state], { stdin });
  assert.equal((await run(good)).code, 0);
  const quiet = await berth(state, 'incidents');
  assert.deepEqual([quiet.failures, quiet.incidents], [0, []]);
  assert.notEqual((await run(broken)).code, 0);
  const { failures, incidents, complete } = await berth(state, 'incidents', '--since', '1h');
  assert.deepEqual([failures, complete, incidents.length], [4, true, 1]);
  const [incident] = incidents;
  assert.equal(incident.class, 'clustered');
  const { kind, name, failed, exposed } = incident.shared;
  assert.deepEqual([kind, name, failed, exposed], ['command', 'exit 3', 4, 4]);
  assert.equal(incident.blast.skipped, 1, 'the step after it');
  assert.equal(incident.finding.remedies[0].title, 'Take command exit 3 out of use');
  const shown = await runBerth(['incidents', '--state', state]);
  assert.match(shown.stdout, /clustered {2}4 failures/);
  await kill(daemon);
  const again = await up(state);
  t.after(() => kill(again));
  const after = await berth(state, 'incidents', '--since', '1h');
  assert.deepEqual(after.incidents[0].shared, incident.shared);
});
