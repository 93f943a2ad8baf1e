import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { spanMs, type TimeMs } from '../../src/base/units.ts';
import type { AttemptRecord, WorkloadRecord } from '../../src/engine/records.ts';
import { type CacheStore, openCacheStore } from '../../src/execution/io/local/cache-store.ts';
import { CachedTasks } from '../../src/execution/io/local/cached-tasks.ts';
import type { CacheTerms } from '../../src/model/flow.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { step, workload } from '../builders/workload.ts';
import { type FlowRig, openFlowRig } from './flow-rig.ts';

const limit = { timeout: 60_000 };

const terms = (changes: Partial<CacheTerms> = {}): CacheTerms => ({
  ttlMs: spanMs(3_600_000),
  sharedBy: 'tenant',
  inputs: [],
  artefacts: [],
  salt: '',
  ...changes,
});

interface CacheRig {
  readonly rig: FlowRig;
  readonly store: () => CacheStore;
  readonly warnings: string[];
  now: number;
}

async function open(t: TestContext, bytesMax?: number): Promise<CacheRig> {
  let store: CacheStore | undefined;
  const warnings: string[] = [];
  const warn = (message: string): number => warnings.push(message);
  const made = {
    warnings,
    now: 1_000,
    store: () => store!,
  };
  const rig = await openFlowRig(t, async (driver, onReport, dir) => {
    const now = (): TimeMs => made.now as TimeMs;
    store = await openCacheStore({ dir, now, warn, ...(bytesMax !== undefined && { bytesMax }) });
    const cached = new CachedTasks(store, { onReport, warn });
    return { driver: cached.around(driver), hear: (report) => cached.hear(report) };
  });
  return Object.assign(made, { rig });
}

/** Appends a line to a log outside of its folder whenever it is really run. */
function counted(rig: FlowRig, cache: CacheTerms, script = ':'): WorkloadSpec {
  const run = { kind: 'shell', script: `echo run >> ${rig.stateDir}/runs; ${script}` } as const;
  return workload('w', step('a', { run, flow: { onFailure: 'fail', cache } }));
}

const runs = (rig: FlowRig): number => {
  const path = join(rig.stateDir, 'runs');
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
};

const last = (record: WorkloadRecord): AttemptRecord => record.steps[0]!.tasks[0]!.attempts.at(-1)!;

async function go(rig: FlowRig, spec: WorkloadSpec, tenant?: string): Promise<WorkloadRecord> {
  return rig.ended(await rig.submit(spec, { tenant }));
}

test(
  'the second time nothing is run: outputs and artefacts are those of the first',
  limit,
  async (t) => {
    const { rig } = await open(t);
    const script =
      'mkdir -p out/deep; echo data > out/deep/f; ln -s f out/deep/l; echo n=7 > "$BERTH_OUTPUT"';
    const spec = counted(rig, terms({ artefacts: ['out'] }), script);
    const first = await go(rig, spec);
    const second = await go(rig, spec);
    assert.equal(runs(rig), 1);
    const { end } = last(second);
    assert.equal(end?.cause, 'succeeded');
    assert.deepEqual(end?.outputs, { n: 7 });
    assert.deepEqual(end?.cachedFrom, { attempt: last(first).id, at: 1_000 });
    assert.equal(readFileSync(join(rig.workdir(second.id), 'out/deep/l'), 'utf8'), 'data\n');
    assert.equal(last(second).pid, undefined, 'there was no process');
  },
);

const differing: readonly [what: string, change: (spec: WorkloadSpec) => WorkloadSpec][] = [
  ['salt', (spec) => withStep(spec, { flow: { onFailure: 'fail', cache: terms({ salt: 'b' }) } })],
  ['variable', (spec) => withStep(spec, { env: { MODE: 'b' } })],
  ['command', (spec) => withStep(spec, { run: { kind: 'shell', script: 'true' } })],
];
const withStep = (spec: WorkloadSpec, changes: object): WorkloadSpec => ({
  ...spec,
  steps: spec.steps.map((one) => ({ ...one, ...changes })),
});
for (const [what, change] of differing) {
  test(`another ${what} is another result`, limit, async (t) => {
    const { rig } = await open(t);
    const spec = counted(rig, terms());
    await go(rig, spec);
    assert.equal(last(await go(rig, change(spec))).end?.cachedFrom, undefined);
  });
}

test(
  'another content of an input is another result, and the same one again is not',
  limit,
  async (t) => {
    const { rig } = await open(t);
    const input = join(rig.stateDir, 'in');
    const spec = counted(rig, terms({ inputs: [input] }));
    mkdirSync(input);
    for (const content of ['one', 'two', 'one']) {
      writeFileSync(join(input, 'f'), content);
      await go(rig, spec);
    }
    assert.equal(runs(rig), 2);
  },
);

test('another content of the program that is run is another result', limit, async (t) => {
  const { rig } = await open(t);
  const file = join(rig.stateDir, 'task.sh');
  const run = { kind: 'argv', argv: ['sh', file] } as const;
  const spec = workload('w', step('a', { run, flow: { onFailure: 'fail', cache: terms() } }));
  for (const note of ['# 1', '# 2', '# 2']) {
    writeFileSync(file, `echo run >> ${rig.stateDir}/runs ${note}\n`);
    await go(rig, spec);
  }
  assert.equal(runs(rig), 2);
});

test('another tenant gets it only where everybody may', limit, async (t) => {
  const { rig } = await open(t);
  for (const sharedBy of ['tenant', 'everybody'] as const) {
    const spec = counted(rig, terms({ sharedBy }));
    await go(rig, spec, 'ada');
    const { end } = last(await go(rig, spec, 'ben'));
    assert.equal(end?.cachedFrom !== undefined, sharedBy === 'everybody', sharedBy);
  }
});

test('what failed is not kept, and what is too old is not taken', limit, async (t) => {
  const made = await open(t);
  const { rig } = made;
  await go(rig, counted(rig, terms(), 'exit 3'));
  await go(rig, counted(rig, terms(), 'exit 3'));
  assert.equal(runs(rig), 2);
  const spec = counted(rig, terms({ ttlMs: spanMs(50) }));
  await go(rig, spec);
  made.now += 50;
  await go(rig, spec);
  assert.equal(runs(rig), 4);
});

test(
  'the daemon that comes after a crash takes what was kept, and clears what was half made',
  limit,
  async (t) => {
    const { rig, store } = await open(t);
    const spec = counted(rig, terms());
    await go(rig, spec);
    const folder = join(rig.stateDir, 'cache');
    mkdirSync(join(folder, 'new', '9.a.0.1', 'files'), { recursive: true });
    mkdirSync(join(folder, 'entries', 'f'.repeat(64)));
    await rig.crash();
    assert.deepEqual(readdirSync(join(folder, 'new')), []);
    assert.equal(store().list().length, 1);
    await go(rig, spec);
    assert.equal(runs(rig), 1);
  },
);

test('what was damaged on disk is not put back: the task runs', limit, async (t) => {
  const { rig, store } = await open(t);
  const spec = counted(rig, terms({ artefacts: ['f'] }), 'echo good > f');
  await go(rig, spec);
  const [entry] = store().list();
  writeFileSync(join(rig.stateDir, 'cache/entries', entry!.key, 'files/0'), 'evil');
  const second = await go(rig, spec);
  assert.equal(readFileSync(join(rig.workdir(second.id), 'f'), 'utf8'), 'good\n');
  assert.equal(runs(rig), 2);
});

test(
  'the one that was used longest ago goes first when there is no more room',
  limit,
  async (t) => {
    const made = await open(t, 2_500);
    const { rig, store } = made;
    const spec = (salt: string): WorkloadSpec =>
      counted(rig, terms({ salt, artefacts: ['f'] }), 'head -c 1000 /dev/zero > f');
    for (const salt of ['a', 'b', 'a', 'c']) {
      made.now += 10;
      await go(rig, spec(salt));
    }
    assert.ok(store().bytes <= 2_500);
    assert.equal(runs(rig), 3);
    await go(rig, spec('a'));
    assert.equal(runs(rig), 3, 'a was used later than b');
    await go(rig, spec('b'));
    assert.equal(runs(rig), 4, 'b had to go');
  },
);

test(
  'a task whose artefacts lie outside of its folder runs, without the cache',
  limit,
  async (t) => {
    const { rig, warnings } = await open(t);
    const outside = join(rig.stateDir, 'elsewhere');
    await go(rig, counted(rig, terms({ artefacts: [outside] }), `echo x > ${outside}`));
    await go(rig, counted(rig, terms({ artefacts: [outside] }), `echo x > ${outside}`));
    assert.equal(runs(rig), 2);
    assert.match(warnings.join(), /not in the working folder/);
  },
);

test('nothing is put back through a link that leads out of the folder', limit, async (t) => {
  const { rig } = await open(t);
  const outside = join(rig.stateDir, 'outside');
  mkdirSync(outside);
  const make = counted(rig, terms({ artefacts: ['d/f'] }), 'mkdir -p d; echo x > d/f');
  await go(rig, make);
  const wait = step('first', { run: { kind: 'shell', script: `ln -s ${outside} d` } });
  const again = { ...make, steps: [wait, { ...make.steps[0]!, needs: [wait.id] }] };
  const record = await rig.ended(await rig.submit({ ...again, kind: 'pipeline' }));
  assert.equal(record.steps[1]!.tasks[0]!.attempts[0]!.end?.cachedFrom, undefined);
  assert.equal(runs(rig), 2);
});

test('a task that is cancelled while its result is looked for is not started', limit, async (t) => {
  const { rig } = await open(t);
  const input = join(rig.stateDir, 'in');
  writeFileSync(input, 'x'.repeat(50 * 1024 * 1024));
  const id = await rig.submit(counted(rig, terms({ inputs: [input] })));
  await rig.send({ kind: 'cancel', workload: id, by: 'tester' as never });
  const record = await rig.ended(id);
  assert.equal(record.state, 'cancelled');
  assert.equal(last(record).end?.cause, 'cancelled');
});
