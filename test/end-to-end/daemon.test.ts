import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { problemSchema, statusSchema, workloadSchema } from '../../src/api/contract/documents.ts';
import { berth, runBerth, startBerth } from '../builders/berth-cli.ts';
import { type Scratch, scratchState } from '../builders/scratch-state.ts';

const bounded = { timeout: 180_000 };
const small = 'resources: {cpu: 0.25, memory: 64Mi}';

/** A daemon in the background, ended with the test. */
async function daemon(scratch: Scratch) {
  const done = await runBerth(['up', '-d', '--port', '0', '--json', '--state', scratch.state]);
  assert.equal(done.code, 0, done.stderr);
  return statusSchema.parse(JSON.parse(done.stdout));
}

/** Runs until the file `go` is there. */
const waits = (scratch: Scratch, more = '') =>
  `name: waits
run: |
  echo begun
  until [ -e ${scratch.dir}/go ]; do sleep 0.1; done
  echo went on
${small}
${more}`;

async function submit(scratch: Scratch, yaml: string): Promise<string> {
  const { id } = await berth(scratch.state, 'submit', scratch.write('submitted.yaml', yaml));
  assert.equal(typeof id, 'string');
  return id;
}

test('up -d, status, submit, wait, ps, logs -f, down', bounded, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  const up = await daemon(scratch);
  const status = statusSchema.parse(await berth(state, 'status'));
  assert.equal(status.pid, up.pid);
  assert.equal(status.state_dir, state);
  assert.match(status.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  process.kill(status.pid, 0);

  const id = await submit(scratch, waits(scratch));
  const follow = startBerth(['logs', id, '-f', '--state', state]);
  assert.match(await follow.said(/begun/), /begun/);
  const { workloads } = await berth(state, 'ps');
  assert.deepEqual(
    workloads.map((w: { id: string; status: string }) => [w.id, w.status]),
    [[id, 'running']],
  );
  const waiting = startBerth(['wait', id, '--json', '--state', state]);
  scratch.write('go', '');
  const followed = await follow.finished;
  assert.deepEqual([followed.code, followed.stdout], [0, 'begun\nwent on\n']);
  const waited = await waiting.finished;
  assert.equal(waited.code, 0);
  const document = JSON.parse(waited.stdout);
  assert.deepEqual(workloadSchema.parse(document), document);
  assert.equal(document.status, 'succeeded');

  // With a daemon up, `run` is its client, and prints the same document as `wait`.
  const file = scratch.write('run.yaml', `name: run\nrun: 'exit 3'\n${small}\n`);
  const ran = await runBerth(['run', file, '--json', '--state', state]);
  assert.equal(ran.code, 1);
  const again = await runBerth(['wait', '2', '--json', '--state', state]);
  assert.equal(again.code, 1);
  assert.deepEqual(JSON.parse(again.stdout), JSON.parse(ran.stdout));

  const down = await berth(state, 'down');
  assert.deepEqual(down, { ended: true, pid: up.pid, going_on: [] });
  assert.throws(() => process.kill(up.pid, 0), { code: 'ESRCH' });
  assert.equal((await runBerth(['status', '--state', state])).code, 69);
});

test(
  'a second daemon on a state folder is refused with the pid of the first',
  bounded,
  async (t) => {
    const scratch = scratchState(t);
    const { pid } = await daemon(scratch);
    for (const detach of [['-d'], []]) {
      const second = await runBerth([
        'up',
        ...detach,
        '--port',
        '0',
        '--json',
        '--state',
        scratch.state,
      ]);
      assert.equal(second.code, 75);
      const problem = problemSchema.parse(JSON.parse(second.stdout));
      assert.equal(problem.code, 'DAEMON_RUNNING');
      assert.match(problem.detail, new RegExp(`\\b${pid}\\b`));
      assert.match(second.stderr, new RegExp(`\\b${pid}\\b`));
    }
    assert.equal((await berth(scratch.state, 'status')).pid, pid, 'the first goes on');
  },
);

test('down leaves tasks running, and the next daemon adopts them', bounded, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  await daemon(scratch);
  const id = await submit(scratch, waits(scratch));
  const follow = startBerth(['logs', id, '-f', '--state', state]);
  await follow.said(/begun/);
  const [before] = (await attempts(state, id)).map((a) => a.pid);
  const down = await berth(state, 'down');
  assert.deepEqual(down.going_on, [id]);
  process.kill(before!, 0);
  await daemon(scratch);
  const [adopted] = await attempts(state, id);
  assert.deepEqual([adopted!.pid, adopted!.state], [before, 'running']);
  scratch.write('go', '');
  const ended = await berth(state, 'wait', id);
  assert.deepEqual(
    [ended.status, ended.steps[0].attempts.length, ended.steps[0].attempts[0].cause],
    ['succeeded', 1, 'succeeded'],
  );
  const log = await runBerth(['logs', id, '--state', state]);
  assert.equal(log.stdout, 'begun\nwent on\n');
  // Who follows the log waits for the next daemon, and longer than the test where it misses the end.
  const followed = await follow.finished;
  assert.deepEqual([followed.code, followed.stdout], [0, 'begun\nwent on\n'], followed.stderr);
});

test('a task that ends while no daemon is up is recorded as it ended', bounded, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  await daemon(scratch);
  const id = await submit(scratch, waits(scratch).replace('echo went on', 'exit 9'));
  const follow = startBerth(['logs', id, '-f', '--state', state]);
  await follow.said(/begun/);
  await berth(state, 'down');
  scratch.write('go', '');
  const record = join(state, 'attempts', `${id}.waits.0.1.record`);
  for (let i = 0; !/^ended\t/m.test(readFileSync(record, 'utf8')); i++) {
    assert.ok(i < 300, 'the shim records the end by itself');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await daemon(scratch);
  const { steps } = await berth(state, 'wait', id);
  assert.deepEqual([steps[0].attempts[0].cause, steps[0].attempts[0].exit_code], ['failed', 9]);
  assert.equal((await follow.finished).stdout, 'begun\n');
});

test('why names the resource and the numbers; cancel ends both', bounded, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  await daemon(scratch);
  const { nodes } = await nodesOf(scratch);
  const all = nodes[0].allocatable;
  const whole = `name: whole
run: 'sleep 600'
resource_limits: {grace_period: 1s}
resources: {cpu: ${all.cpu_milli}m, memory: 64Mi}
`;
  const first = await submit(scratch, whole);
  const second = await submit(scratch, whole.replace('whole', 'waiting'));
  const why = await berth(state, 'why', second);
  assert.equal(why.status, 'waiting');
  const [reason] = why.steps[0].reasons;
  assert.equal(reason.code, 'insufficient');
  assert.deepEqual(
    [reason.facts.resource, reason.facts.asked, reason.facts.free],
    ['cpu', all.cpu_milli, 0],
  );
  const shown = await runBerth(['why', second, '--state', state]);
  assert.match(shown.stdout, /cpu/i);
  assert.match(shown.stdout, new RegExp(`\\b${all.cpu_milli / 1000}\\b`));

  assert.deepEqual(await berth(state, 'cancel', second, first), { cancelled: [second, first] });
  const waited = await runBerth(['wait', first, second, '--json', '--state', state]);
  assert.equal(waited.code, 4);
  const [attempt] = await attempts(state, first);
  assert.equal(attempt!.cause, 'cancelled');
  assert.deepEqual(await attempts(state, second), [], 'it never began');
});

test('what can never fit is refused at submit, with what there is', bounded, async (t) => {
  const scratch = scratchState(t);
  await daemon(scratch);
  const file = scratch.write(
    'huge.yaml',
    `name: huge\nrun: 'true'\nresources: {cpu: 4096, memory: 64Mi}\n`,
  );
  for (const command of ['submit', 'run']) {
    const done = await runBerth([command, file, '--json', '--state', scratch.state]);
    assert.equal(done.code, 3, command);
    const problem = problemSchema.parse(JSON.parse(done.stdout));
    assert.deepEqual([problem.code, problem.facts?.['code']], ['REFUSED', 'never-fits']);
    assert.match(problem.detail, /4,?096/);
    assert.match(done.stderr, /Refused/);
  }
  const { workloads } = await berth(scratch.state, 'ps', '--all');
  assert.deepEqual(workloads, [], 'nothing was submitted');
});

test('clients at the same time each get their own', bounded, async (t) => {
  const scratch = scratchState(t);
  const { state } = scratch;
  await daemon(scratch);
  const names = ['a', 'b', 'c', 'd'];
  const ran = await Promise.all(
    names.map((name, i) =>
      runBerth([
        'run',
        scratch.write(`${name}.yaml`, `name: ${name}\nrun: 'exit ${i}'\n${small}\n`),
        '--json',
        '--state',
        state,
      ]),
    ),
  );
  const documents = ran.map(({ stdout }) => workloadSchema.parse(JSON.parse(stdout)));
  assert.deepEqual(
    documents.map((d) => [d.workload.name, d.steps[0]!.attempts[0]!.exit_code]),
    names.map((name, i) => [name, i]),
  );
  assert.deepEqual(
    ran.map(({ code }) => code),
    [0, 1, 1, 1],
  );
  assert.equal(new Set(documents.map(({ id }) => id)).size, names.length);
});

interface Attempt {
  readonly pid: number | null;
  readonly state: string;
  readonly cause: string | null;
}

/** Of the first step, as the API tells it. */
async function attempts(state: string, id: string): Promise<readonly Attempt[]> {
  const { url } = await berth(state, 'status');
  const answer = await ask(state, `${url}/api/v1/workloads/${id}`);
  return workloadSchema.parse(answer).steps[0]!.attempts;
}

async function nodesOf({ state }: Scratch) {
  const { url } = await berth(state, 'status');
  // biome-ignore lint/suspicious/noExplicitAny: the assertions are about its shape.
  return (await ask(state, `${url}/api/v1/nodes`)) as any;
}

async function ask(state: string, url: string): Promise<unknown> {
  const token = readFileSync(join(state, 'token'), 'utf8').trim();
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200);
  return answer.json();
}
