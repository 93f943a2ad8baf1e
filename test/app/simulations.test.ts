import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openSimulations } from '../../src/app/simulations.ts';
import type { Experiment } from '../../src/cli/world.ts';
import { OperationError } from '../../src/model/errors.ts';
import { scratchState } from '../builders/scratch-state.ts';

const LIMIT = { timeout: 120_000 };

const failsWith = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof OperationError && error.code === code && message.test(error.message);

/** Two users whose jobs come faster than four processors can run them. */
const jobs = Array.from({ length: 120 }, (_, i) => {
  const run = 30 + ((i * 37) % 200);
  const procs = 1 + ((i * 7) % 4);
  return `${i + 1} ${i * 40} -1 ${run} ${procs} -1 -1 ${procs} ${run * 2} -1 1 ${1 + (i % 2)} 1 -1 1 -1 -1 -1`;
});
const log = `; Version: 2\n; MaxProcs: 4\n${jobs.join('\n')}\n`;

function house(t: TestContext) {
  const { dir: folder } = scratchState(t);
  writeFileSync(join(folder, 'log.swf'), log);
  writeFileSync(join(folder, 'log.swf.gz'), gzipSync(log));
  const experiment: Experiment = { files: ['log.swf'], policies: ['fcfs', 'easy'] };
  const done: string[] = [];
  const hearer = {
    signal: new AbortController().signal,
    done: (ended: number, of: number) => done.push(`${ended}/${of}`),
  };
  return { folder, experiment, hearer, done, simulations: openSimulations(folder) };
}

test(
  'on one thread or several, packed or not, policies compare the same, to the byte',
  LIMIT,
  async (t) => {
    const { experiment, hearer, done, simulations } = house(t);
    const asked = { experiment, seeds: [1, 2], threads: 1, isDrawn: true };
    const answer = await simulations.compare(asked, hearer);
    const one = answer.document;
    assert.deepEqual(done, ['1/4', '2/4', '3/4', '4/4']);
    assert.deepEqual(
      one.policies.map(({ name, jobs }) => [name, jobs]),
      [
        ['fcfs', 120],
        ['easy', 120],
      ],
    );
    const [fcfs, easy] = one.policies;
    assert.ok(
      fcfs!.mean_wait_s! > easy!.mean_wait_s!,
      `${fcfs!.mean_wait_s} > ${easy!.mean_wait_s}`,
    );
    assert.deepEqual(
      answer.gantts.map(({ policy }) => policy),
      ['fcfs', 'easy'],
    );
    const packed = { ...experiment, files: ['log.swf.gz'] };
    const other = await simulations.compare({ ...asked, experiment: packed, threads: 3 }, hearer);
    assert.equal(JSON.stringify(other), JSON.stringify(answer));
  },
);

test('a sweep goes on where it was ended, even in the middle of a line', LIMIT, async (t) => {
  const { folder, experiment, hearer, done, simulations } = house(t);
  const axes = { policies: experiment.policies, loads: [1, 2], sizes: [1], seeds: [1] };
  const asked = { experiment, axes, folder: 'out', threads: 2 };
  const whole = await simulations.sweep(asked, hearer);
  assert.equal(whole.cells.length, 4);
  const path = join(folder, 'out', 'cells.jsonl');
  const [head, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  assert.equal(lines.length, 4);
  writeFileSync(path, `${[head, lines[2], lines[1]].join('\n')}\n${lines[0]!.slice(0, 200)}`);
  done.length = 0;
  assert.deepEqual(await simulations.sweep(asked, hearer), whole);
  assert.deepEqual(done, ['2/4', '3/4', '4/4']);
  done.length = 0;
  assert.deepEqual(await simulations.sweep(asked, hearer), whole);
  assert.deepEqual(done, ['4/4']);
  appendFileSync(join(folder, 'log.swf'), `${jobs[0]!.replace('1 0', '121 9000')}\n`);
  await assert.rejects(simulations.sweep(asked, hearer), failsWith('REFUSED', /of other files/));
});

test(
  'what happens beside the trace, and what the engine is told of run times, make a difference',
  LIMIT,
  async (t) => {
    const { folder, experiment, hearer, simulations } = house(t);
    const world = 'world: {failures: {nodes: {mtbf: 1h, mttr: 5m}}}\n';
    writeFileSync(join(folder, 'world.yaml'), world);
    const easy = { ...experiment, policies: ['easy'] };
    const asked = { seeds: [1], threads: 1, isDrawn: false };
    const [plain, failing, exact] = await Promise.all(
      [easy, { ...easy, world: 'world.yaml' }, { ...easy, estimates: 'exact' }].map((one) =>
        simulations.compare({ ...asked, experiment: one }, hearer),
      ),
    );
    const lost = (answer: typeof plain) => answer!.document.policies[0]!.lost_work.cpu_hours;
    assert.equal(lost(plain), 0);
    assert.ok(lost(failing) > 0, 'work is lost with its node');
    const wait = (answer: typeof plain) => answer!.document.policies[0]!.mean_wait_s;
    assert.notEqual(wait(exact), wait(plain));
    assert.match(failing!.document.notes.join(' '), /world\.yaml/);
  },
);

test('what cannot be simulated is told with its reason', LIMIT, async (t) => {
  const { folder, experiment, hearer, simulations } = house(t);
  writeFileSync(join(folder, 'bad.swf'), 'one two three\n');
  writeFileSync(join(folder, 'cut.swf.gz'), gzipSync(log).subarray(0, 60));
  writeFileSync(join(folder, 'world.yaml'), 'world:\n  failures: {mtbf: often}\n');
  writeFileSync(join(folder, 'bare.swf'), jobs.join('\n'));
  const cases: [Partial<Experiment>, string, RegExp][] = [
    [{ files: ['none.swf'] }, 'FILE_UNREADABLE', /none\.swf cannot be read \(ENOENT\)/],
    [{ files: ['cut.swf.gz'] }, 'FILE_UNREADABLE', /no whole gzip file/],
    [{ files: ['bad.swf'], format: 'swf' }, 'SPEC_INVALID', /bad\.swf:1:/],
    [{ files: ['bare.swf'], format: 'swf' }, 'USAGE', /bare does not say what it ran on/],
    [{ format: 'swift' }, 'USAGE', /No format is called swift/],
    [{ estimates: 'guess' }, 'USAGE', /No estimates are called guess/],
    [{ world: 'world.yaml' }, 'SPEC_INVALID', /world\.yaml:2:/],
    [{ policies: ['eazy'] }, 'USAGE', /No policy is called eazy; easy\?/],
  ];
  for (const [change, code, message] of cases) {
    const asked = {
      experiment: { ...experiment, ...change },
      seeds: [1],
      threads: 1,
      isDrawn: false,
    };
    await assert.rejects(simulations.compare(asked, hearer), failsWith(code, message));
  }
});

test(
  'a generator in place of a file: each seed has jobs of its own, the same on any thread',
  LIMIT,
  async (t) => {
    const { hearer, simulations } = house(t);
    const experiment: Experiment = {
      files: ['poisson:jobs=200,procs=16'],
      policies: ['easy'],
      limit: 60,
    };
    const asked = { experiment, seeds: [1, 2], threads: 1, isDrawn: true };
    const answer = await simulations.compare(asked, hearer);
    const one = answer.document;
    assert.equal(one.trace, 'poisson:jobs=200,procs=16');
    assert.equal(one.policies[0]!.jobs, 60);
    assert.deepEqual(await simulations.compare({ ...asked, threads: 2 }, hearer), answer);
    const { document: other } = await simulations.compare({ ...asked, seeds: [1] }, hearer);
    assert.notEqual(other.policies[0]!.mean_wait_s, one.policies[0]!.mean_wait_s);
    for (const [changes, message] of [
      [{ files: ['poisson:jobs=none'] }, /jobs of poisson cannot be 'none'/],
      [{ procs: 4 }, /--procs and --format are for files/],
      [{ files: ['poissons'] }, /poissons cannot be read/],
    ] as const) {
      const wrong = { ...asked, experiment: { ...experiment, ...changes } };
      const code = message.source.includes('read') ? 'FILE_UNREADABLE' : 'USAGE';
      await assert.rejects(simulations.compare(wrong, hearer), failsWith(code, message));
    }
  },
);
