import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { problemSchema, statusSchema } from '../../src/api/contract/documents.ts';
import { settingsSchema } from '../../src/api/contract/settings-documents.ts';
import { berth, runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';

const bounded = { timeout: 180_000 };
const small = 'resources: {cpu: 0.25, memory: 64Mi}';

const first = `
queues:
  train: {weight: 3}
  batch: {max_running: 0}
quotas:
  - {name: batch a day, queue: batch, per: day, time_zone: Europe/Berlin, cpu_hours: 1, when_exhausted: refuse}
`;
const second = `
scheduling: {policy: fair_share, placement: {best_fit: 1, fgd: 1}}
queues:
  all: {children: {train: , other: {fifo: strict}}}
quotas:
  - {name: batch a day, per: 7d, cpu_hours: 100}
`;

test('a site file: its queues, its quota, and a start with another one', bounded, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  const file = scratch.write('site.yaml', first);
  const up = () =>
    runBerth(['up', '-d', '--port', '0', '--json', '--state', state, '--site', 'site.yaml'], {
      cwd: scratch.dir,
    });
  const done = await up();
  assert.equal(done.code, 0, done.stderr);
  assert.equal(statusSchema.parse(JSON.parse(done.stdout)).site_file, file);
  assert.equal((await berth(state, 'status')).site_file, file);

  const submit = (queue: string, more = '') => {
    const text = `name: ${queue}\nqueue: ${queue}\nrun: 'echo ran'\n${small}\n${more}`;
    return berth(state, 'submit', scratch.write('job.yaml', text));
  };
  const trained = await submit('train');
  const waits = await submit('batch');
  assert.equal((await berth(state, 'wait', trained.id)).status, 'succeeded');
  const why = await runBerth(['why', waits.id, '--state', state]);
  assert.match(why.stdout, /batch/);

  const unknown = problemSchema.parse(await submit('trian'));
  assert.equal(unknown.code, 'REFUSED');
  assert.match(unknown.detail, /no queue trian; did you mean train\?/);
  const nowhere = problemSchema.parse(await submit('default'));
  assert.match(nowhere.detail, /no queue default/);
  const long = problemSchema.parse(await submit('batch', 'resource_limits: {timeout: 10h}'));
  assert.match(long.detail, /batch a day/);

  await berth(state, 'down');
  scratch.write('site.yaml', second);
  const again = await up();
  assert.equal(again.code, 0, again.stderr);
  // Its queue is gone, and with it what held it back.
  assert.equal((await berth(state, 'wait', waits.id)).status, 'succeeded');
  assert.match(problemSchema.parse(await submit('batch')).detail, /no queue batch/);
  const other = await submit('other', 'resource_limits: {timeout: 10h}');
  assert.equal((await berth(state, 'wait', other.id)).status, 'succeeded');

  const log = readFileSync(join(state, 'logs', 'daemon.log'), 'utf8');
  assert.match(log, new RegExp(`site.*${file}`));
  assert.match(log, /warning: queues: no queue is called `default`/);
});

test(
  'a site file that is wrong: told with its places, and nothing is touched',
  bounded,
  async (t) => {
    const scratch = scratchState(t);
    const file = scratch.write(
      'site.yaml',
      'queues:\n  train: {wieght: 3}\nquotas: [{name: q, queue: tran}]\n',
    );
    const done = await runBerth(['up', '--port', '0', '--json', '--state', scratch.state], {
      env: { BERTH_SITE: file },
    });
    assert.equal(done.code, 2);
    const problem = problemSchema.parse(JSON.parse(done.stdout));
    assert.equal(problem.code, 'SPEC_INVALID');
    assert.match(
      problem.detail,
      /site\.yaml:2:11 error: queues\.train\.wieght: unknown key "wieght" - did you mean "weight"\?/,
    );
    assert.match(
      problem.detail,
      /site\.yaml:3:27 error: quotas\[0\]\.queue: no queue is called "tran" - did you mean "train"\?/,
    );
    assert.equal(problem.issues?.length, 3);
    assert.equal(existsSync(join(scratch.state, 'journal.db')), false);

    const checked = await runBerth(['check', file, '--json']);
    assert.equal(checked.code, 2);
    assert.equal(JSON.parse(checked.stdout).files[0].issues.length, 3);
  },
);

test('the file in its place is taken, and config explain says so', bounded, async (t) => {
  const scratch = scratchState(t);
  const config = join(scratch.dir, 'config');
  const env = { XDG_CONFIG_HOME: config, BERTH_SITE: '' };
  const said = async () => {
    const done = await runBerth(['config', 'explain', '--json'], { env });
    const { settings } = JSON.parse(done.stdout);
    return settings.find(({ name }: { name: string }) => name === 'site');
  };
  assert.deepEqual([(await said()).value, (await said()).origin], [null, 'default']);
  mkdirSync(join(config, 'berth'), { recursive: true });
  const file = scratch.write('config/berth/site.yaml', 'queues: {mine: }\n');
  assert.deepEqual([(await said()).value, (await said()).origin], [file, 'found']);
  const job = scratch.write('job.yaml', `run: 'true'\nqueue: mine\n${small}\n`);
  const ran = await runBerth(['run', job, '--state', scratch.state], { env });
  assert.equal(ran.code, 0, ran.stderr);
});

test('a daemon in the background says of each setting who said it', bounded, async (t) => {
  const scratch = scratchState(t);
  const config = join(scratch.dir, 'config');
  mkdirSync(join(config, 'berth'), { recursive: true });
  const found = scratch.write('config/berth/site.yaml', 'scheduling:\n  half_life: 3d\n');
  const prices = scratch.write('prices.yaml', readFileSync('examples/prices.yaml', 'utf8'));
  const up = await runBerth(['up', '-d', '--port', '0', '--json'], {
    cwd: scratch.dir,
    // Of another folder than the daemon's own: only the absolute path means the same to both.
    env: { XDG_CONFIG_HOME: config, BERTH_STATE: scratch.state, BERTH_PRICES: 'prices.yaml' },
  });
  assert.equal(up.code, 0, up.stderr);
  const { url } = JSON.parse(up.stdout);
  const token = readFileSync(join(scratch.state, 'token'), 'utf8').trim();
  const answer = await fetch(`${url}/api/v1/settings`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { settings, site_file, left_out } = settingsSchema.parse(await answer.json());
  assert.deepEqual([site_file, left_out], [found, 0]);
  const told = (wanted: string) => {
    const { value, origin, source } = settings.find(({ name }) => name === wanted)!;
    return [value, origin, source];
  };
  assert.deepEqual(told('state_dir'), [scratch.state, 'environment', 'BERTH_STATE']);
  assert.deepEqual(told('port'), ['0', 'flag', '--port']);
  assert.deepEqual(told('site'), [found, 'found', 'XDG_CONFIG_HOME']);
  assert.deepEqual(told('prices'), [prices, 'environment', 'BERTH_PRICES']);
  assert.deepEqual(told('scheduling.half_life'), ['3d', 'site', `${found}:2`]);
  assert.deepEqual(told('time_zone'), ['UTC', 'default', 'built in']);
});
