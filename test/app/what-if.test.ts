import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { WhatIfDocument, WhatIfRequest } from '../../src/api/contract/what-if-documents.ts';
import { openDaemon } from '../../src/app/daemon.ts';
import { openClient } from '../../src/cli/io/open-client.ts';
import { OperationError } from '../../src/model/errors.ts';
import { runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';

const bounded = { timeout: 120_000 };
const SITE = 'queues:\n  default: {weight: 1}\n  train: {weight: 1}\n';
const job = (minutes: number, queue = 'default', cpu = 1) =>
  `name: ${queue}\nqueue: ${queue}\nsteps:\n  - id: main\n    run: sleep 600\n    resources: {cpu: ${cpu}, memory: 16Mi}\n    resource_limits: {timeout: ${minutes}m}\n`;
const nothing: WhatIfRequest = { set: [], add_nodes: [], lose_nodes: [], cancel: [], submit: [] };

/** A daemon in this process with a machine that is full, and two jobs that wait for it. */
async function busySite(t: TestContext) {
  const { state, write } = scratchState(t);
  const daemon = await openDaemon({
    stateDir: state,
    port: undefined,
    siteFile: write('site.yaml', SITE),
    foreground: false,
    log: () => {},
  });
  const client = openClient(() => Promise.resolve({ kind: 'socket', path: daemon.socket }));
  const submit = (text: string) =>
    client.submit({ text, fileName: 'job.yaml', cwd: '/', tenant: 'ada' });
  const { nodes } = await client.nodes();
  const [machine] = nodes;
  // What is in use by others may be less than a core.
  const cpu = machine!.allocatable.cpu_milli / 1_000;
  await submit(job(10, 'default', cpu));
  await submit(job(20, 'default', cpu));
  await submit(job(5, 'default', cpu));
  // Its machine, three jobs, and the first placed and started: nothing more happens by itself.
  while ((await client.status()).journal.sequence < 6);
  const close = async (): Promise<void> => {
    for (const id of ['1', '2', '3']) await client.cancel(id);
    client.close();
    await daemon.close();
  };
  return { client, state, write, machine: machine!, [Symbol.asyncDispose]: close };
}

const minutes = (ms: number | null | undefined) => Math.round((ms ?? Number.NaN) / 60_000);

test('a daemon is asked what a change would do, and nothing of it changes', bounded, async (t) => {
  await using site = await busySite(t);
  const { client, machine } = site;
  const ask = (asked: Partial<WhatIfRequest>) => client.whatIf({ ...nothing, ...asked });
  const before = await client.workloads({ state: 'all', limit: 10, offset: 0 });
  const { sequence } = (await client.status()).journal;
  const starts = ({ jobs }: WhatIfDocument, id: string) => {
    const found = jobs.find((one) => one.id === id)!;
    const from = (at: number | null | undefined) =>
      at == null ? null : minutes(at - found.submitted_at);
    return [from(found.before?.started_at), from(found.after?.started_at)];
  };
  const more = await ask({ add_nodes: [`like=${machine.id}`] });
  assert.equal(more.total.jobs, 2);
  assert.deepEqual(
    [starts(more, '2'), starts(more, '3')],
    [
      [10, 0],
      [30, 10],
    ],
  );
  assert.deepEqual(more.changes, [`add node new-1 (like=${machine.id})`]);
  assert.equal(more.run_times.guessed, 3);
  assert.deepEqual(
    more.sensitivity.map(({ wait_before_ms }) => minutes(wait_before_ms)),
    [10, 40],
  );
  const less = await ask({ cancel: ['2'] });
  assert.deepEqual(starts(less, '3'), [30, 10], 'the third no longer waits for the second');
  const shortest = await ask({ policy: 'sjf' });
  assert.deepEqual(
    [starts(shortest, '2'), starts(shortest, '3')],
    [
      [10, 15],
      [30, 10],
    ],
  );
  const gone = await ask({ lose_nodes: [machine.id] });
  assert.equal(gone.total.never_after, 2);
  const set = await ask({ set: ['scheduling.policy=sjf'] });
  assert.deepEqual(starts(set, '3'), [30, 10]);
  const one = await ask({ submit: [{ text: job(60, 'train'), file: 'new.yaml' }] });
  assert.equal(one.jobs.find(({ id }) => id === '4')!.before, null);
  assert.equal((await client.status()).journal.sequence, sequence, 'nothing was journalled');
  const after = await client.workloads({ state: 'all', limit: 10, offset: 0 });
  const facts = ({ id, status }: (typeof after.workloads)[number]) => [id, status];
  assert.deepEqual(after.workloads.map(facts), before.workloads.map(facts));
  await client.cancel('2');
  assert.equal((await ask({ policy: 'sjf' })).total.jobs, 1, 'it follows what happens');
});

test('a window of the journal is replayed beside what happened', bounded, async (t) => {
  await using site = await busySite(t);
  const { client, state } = site;
  await client.cancel('3');
  const answer = await client.whatIf({ ...nothing, window: '1h', cancel: ['1'] });
  assert.equal(answer.mode, 'window');
  assert.equal(answer.jobs_total, 3);
  const [first, second, third] = [...answer.jobs].sort((a, b) => Number(a.id) - Number(b.id));
  assert.ok(first!.before!.started_at !== null && first!.after === null, 'it is not submitted');
  assert.ok(second!.before!.started_at === null && second!.after!.started_at !== null);
  assert.equal(third!.after!.started_at, null, 'it was cancelled while it waited');
  assert.equal(answer.happened!.never_after, 2, 'neither really started');
  const shown = await runBerth(['whatif', '--window', '1h', '--state', state]);
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /^The past, replayed as it was\n3 jobs of /);
  await assert.rejects(client.whatIf({ ...nothing, window: 'soon' }), /not a span such as 7d/);
});

const wrong: Record<string, { asked: Partial<WhatIfRequest>; code: string; want: RegExp }> = {
  'a key that is none': {
    asked: { set: ['queues.train.wieght=2'] },
    code: 'SPEC_INVALID',
    want: /site\.yaml with --set:3:\d+ error: queues\.train\.wieght.*did you mean "weight"/s,
  },
  'nothing that would be different': {
    asked: { set: ['name=lab'] },
    code: 'USAGE',
    want: /changes nothing here/,
  },
  'a policy that there is not': { asked: { policy: 'sfj' }, code: 'USAGE', want: /sjf\?/ },
  'a node that there is not': { asked: { lose_nodes: ['x'] }, code: 'NOT_FOUND', want: /"x"/ },
  'a job that there is not': { asked: { cancel: ['77'] }, code: 'NOT_FOUND', want: /"77"/ },
  'a document with errors': {
    asked: { submit: [{ text: 'steps: 1', file: 'bad.yaml' }] },
    code: 'SPEC_INVALID',
    want: /bad\.yaml:1:\d+ error/,
  },
  nothing: { asked: {}, code: 'USAGE', want: /Nothing is to be different/ },
};

test('what cannot be asked is answered with why, and where', bounded, async (t) => {
  await using site = await busySite(t);
  for (const [what, { asked, code, want }] of Object.entries(wrong)) {
    await assert.rejects(site.client.whatIf({ ...nothing, ...asked }), (error) => {
      assert.ok(error instanceof OperationError, what);
      assert.equal(error.code, code, what);
      assert.match(error.message, want, what);
      return true;
    });
  }
});

test('berth whatif shows who waits less, and says what it guessed', bounded, async (t) => {
  await using site = await busySite(t);
  const { state, write, machine } = site;
  const shown = await runBerth(['whatif', '--add-node', `like=${machine.id}`, '--state', state]);
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /^What if: add node new-1/);
  assert.match(shown.stdout, /2 jobs wait\. Nothing was changed\./);
  assert.match(shown.stdout, /mean wait .* less/);
  assert.match(shown.stdout, /ada +2 /);
  assert.match(shown.stdout, /Run times of 3 tasks are guessed/);
  const file = write('new.yaml', job(5, 'train'));
  const json = await runBerth(['whatif', '--submit', file, '--json', '--state', state]);
  assert.equal(JSON.parse(json.stdout).jobs_total, 4);
  const none = await runBerth(['whatif', '--state', state]);
  assert.equal(none.code, 64);
  const bad = await runBerth(['whatif', '--set', 'queues.none.weight=x', '--state', state]);
  assert.equal(bad.code, 2);
});
