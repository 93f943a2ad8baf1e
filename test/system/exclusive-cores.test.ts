import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { type WorkloadDocument, workloadSchema } from '../../src/api/contract/documents.ts';
import { runBerth } from '../builders/berth-cli.ts';
import { scratchState } from '../builders/scratch-state.ts';
import { skipSystem } from '../builders/system-suite.ts';

const few = availableParallelism() < 2 ? 'needs two CPUs' : false;
const options = { skip: skipSystem === false ? few : skipSystem, timeout: 120_000 };
const scratch = scratchState();
const { state } = scratch;

before(
  async () => {
    if (options.skip !== false) return;
    const up = await runBerth(['up', '-d', '--port', '0', '--state', state]);
    assert.equal(up.code, 0, up.stderr);
  },
  { timeout: 60_000 },
);

async function run(document: object): Promise<WorkloadDocument> {
  const file = scratch.write('job.json', JSON.stringify(document));
  const done = await runBerth(['run', file, '--json', '--state', state]);
  return workloadSchema.parse(JSON.parse(done.stdout));
}

/** Waits for the other one, so that both run at once, then says where it may run and how many threads it is to have. */
const look = (own: string, other: string): string =>
  `touch "$BERTH_WORKDIR/${own}"
for i in $(seq 200); do [ -e "$BERTH_WORKDIR/${other}" ] && break; sleep 0.05; done
sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status; echo $OMP_NUM_THREADS`;

function logs(document: WorkloadDocument): readonly (readonly string[])[] {
  return document.steps.map((step) => {
    const [attempt] = step.attempts;
    assert.equal(attempt!.cause, 'succeeded', attempt!.message ?? '');
    const log = readFileSync(join(state, 'attempts', attempt!.id, 'stdout.log'), 'utf8');
    return log.trim().split('\n');
  });
}

test('two tasks with cores of their own share none', options, async () => {
  const pinned = { resources: { cpu: 1, memory: '32Mi' }, process: { cores: 'exclusive' } };
  const document = await run({
    name: 'pinned',
    steps: [
      { id: 'a', run: look('a', 'b'), ...pinned },
      { id: 'b', run: look('b', 'a'), ...pinned },
    ],
  });
  const [a, b] = logs(document);
  assert.match(a![0]!, /^\d+$/);
  assert.match(b![0]!, /^\d+$/);
  assert.notEqual(a![0], b![0]);
  for (const step of document.steps) {
    const [attempt] = step.attempts;
    assert.equal(attempt!.cores?.length, 1);
    assert.deepEqual(
      attempt!.terms?.map(({ term, by }) => [term, by]),
      [['cores', 'kernel']],
    );
  }
});

test('who has no cores of its own runs on the rest', options, async () => {
  const document = await run({
    name: 'beside',
    steps: [
      {
        id: 'a',
        run: look('a', 'b'),
        resources: { cpu: 1, memory: '32Mi' },
        process: { cores: 'exclusive' },
      },
      { id: 'b', run: look('b', 'a'), resources: { cpu: 0.5, memory: '32Mi' } },
    ],
  });
  const [a, b] = logs(document);
  const beside = document.steps[1]!.attempts[0]!;
  const first = document.steps[0]!.attempts[0]!;
  assert.equal(beside.cores?.includes(first.cores![0]!), false);
  assert.notEqual(a![0], b![0]);
  assert.deepEqual([a![1], b![1]], ['1', '1']);
});

test('why and ps tell what is not enforced', options, async () => {
  const file = scratch.write(
    'long.json',
    JSON.stringify({
      name: 'long',
      run: 'sleep 60',
      resources: { cpu: 0.5, memory: '32Mi' },
      process: { nice: 3, memory_high: '16Mi' },
      io: { weight: 10 },
    }),
  );
  const sent = await runBerth(['submit', file, '--json', '--state', state]);
  assert.equal(sent.code, 0, sent.stderr);
  const { id } = JSON.parse(sent.stdout) as { id: string };
  let why = '';
  for (let tries = 0; tries < 100 && !why.includes('nice'); tries++) {
    why = (await runBerth(['why', id, '--state', state])).stdout;
  }
  assert.match(why, /nice: held by the kernel \(nice 3/);
  const v1 = why.includes('not enforced');
  const ps = (await runBerth(['ps', '--state', state], { env: { COLUMNS: '200' } })).stdout;
  if (v1) {
    assert.match(why, /memory-high: not enforced \(cgroup v1 has no such limit\)/);
    assert.match(ps, /not enforced: memory-high, io-weight/);
  }
  await runBerth(['cancel', id, '--state', state]);
});
