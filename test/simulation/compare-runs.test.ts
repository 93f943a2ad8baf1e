import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { spanMs } from '../../src/base/units.ts';
import { type Comparison, compareRuns } from '../../src/simulation/measures/compare-runs.ts';
import { comparedMeasures } from '../../src/simulation/measures/compared-measures.ts';
import type { JobColumns } from '../../src/simulation/measures/job-columns.ts';
import type { RunDocument, RunResult } from '../../src/simulation/measures/run-document.ts';
import { RunMeasures } from '../../src/simulation/measures/run-measures.ts';
import { noise, normal } from '../builders/series.ts';
import { node, resources, step, workload } from '../builders/workload.ts';
import { runThrough, traceJob } from './tiny-run.ts';

const site = { trace: { name: 't', format: 'made', jobs: 10 }, nodes: 1, skipped: [] };

const plain = ((): RunResult => {
  const measures = new RunMeasures({ policy: 'a', seed: 1 });
  const jobs = [1, 2].map((n) => traceJob(`${n}`, n, 60_000, workload('w', step('s'))));
  runThrough({ nodes: [node('n')], jobs, observers: [measures] });
  return measures.result();
})();

function run(
  policy: string,
  seed: number,
  changes: Partial<RunDocument>,
  jobs = plain.jobs,
): RunResult {
  return { document: { ...plain.document, policy, seed, ...changes }, jobs };
}

/** As if so many jobs had waited so long, and each run for ten seconds. */
function waited(waitsS: readonly number[]): JobColumns {
  const all = (value: number): Float64Array => Float64Array.from(waitsS, () => value);
  return {
    ...plain.jobs,
    count: waitsS.length,
    submittedAt: all(0),
    startedAt: Float64Array.from(waitsS, (wait) => wait * 1_000),
    endedAt: Float64Array.from(waitsS, (wait) => wait * 1_000 + 10_000),
    aloneMs: all(10_000),
    finishRatio: all(1),
    state: Uint8Array.from(waitsS, () => 2),
  };
}

const of = (comparisons: readonly Comparison[], measure: string): Comparison =>
  comparisons.find((one) => one.measure === measure)!;

test('seeds are paired: a small difference shows beside a large noise that both share', () => {
  const prng = new Prng(5);
  const runs = Array.from({ length: 8 }, (_, i) => {
    const shared = 1_000 + 300 * normal(prng);
    return [
      run('a', i, { mean_wait_s: shared }),
      run('b', i, { mean_wait_s: shared - 20 + normal(prng) }),
    ];
  }).flat();
  const document = compareRuns(runs, site);
  const wait = of(document.comparisons, 'mean_wait_s');
  assert.equal(wait.verdict, 'better');
  assert.equal(wait.method, 'seeds');
  assert.equal(wait.pairs, 8);
  assert.ok(wait.low! < -20 && wait.high! > -21.5 && wait.high! < 0);
  assert.ok(wait.effect_size! < -5);
  assert.equal(wait.signed_rank_p, 2 / 256);
  assert.ok(wait.p_adjusted! >= wait.p!);
  assert.deepEqual(document.seeds, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(
    document.policies.map(({ name, runs: n }) => [name, n]),
    [
      ['a', 8],
      ['b', 8],
    ],
  );
  // The other way round it is worse.
  const turned = compareRuns(runs, site, { against: 'b' });
  assert.equal(of(turned.comparisons, 'mean_wait_s').verdict, 'worse');
  // Of what more is better, less is worse.
  const used = Array.from({ length: 5 }, (_, i) => [
    run('a', i, { utilisation: { cpu: 0.8 + i / 100, memory: 0.5, gpu: null } }),
    run('b', i, { utilisation: { cpu: 0.7 + i / 90, memory: 0.5, gpu: null } }),
  ]).flat();
  assert.equal(of(compareRuns(used, site).comparisons, 'utilisation.cpu').verdict, 'worse');
  assert.equal(of(compareRuns(used, site).comparisons, 'utilisation.gpu'), undefined);
});

test('of policies that do not differ, one in twenty pairs has a verdict that is wrong', () => {
  const rounds = 600;
  const numbers = ['avg_bounded_slowdown', 'mean_wait_s', 'p95_wait_s', 'mean_jct_s', 'makespan_s'];
  let wrong = 0;
  let single = 0;
  for (let round = 1; round <= rounds; round++) {
    const prng = new Prng(round * 7_907);
    const runs = Array.from({ length: 5 }, (_, seed) =>
      ['a', 'b'].map((policy) => {
        const drawn = Object.fromEntries(numbers.map((name) => [name, 100 + normal(prng)]));
        return run(policy, seed, drawn);
      }),
    ).flat();
    const { comparisons } = compareRuns(runs, site);
    if (comparisons.some(({ verdict }) => verdict === 'better' || verdict === 'worse')) wrong++;
    if (of(comparisons, 'makespan_s').p! <= 0.05) single++;
  }
  assert.ok(wrong / rounds > 0.01 && wrong / rounds < 0.08, `${wrong / rounds}`);
  assert.ok(single / rounds > 0.03 && single / rounds < 0.075, `${single / rounds}`);
});

test('of one run the jobs are compared, in blocks', () => {
  const waits = noise(11, 4_000, 0.9).map((value) => 500 + 100 * value);
  const faster = waits.map((wait, i) => wait - 30 - 5 * noise(12, 4_000)[i % 4_000]!);
  const runs = [
    run('a', 1, { mean_wait_s: 500, makespan_s: 10 }, waited(waits)),
    run('b', 1, { mean_wait_s: 470, makespan_s: 9 }, waited(faster)),
  ];
  const { comparisons } = compareRuns(runs, site);
  const wait = of(comparisons, 'mean_wait_s');
  assert.equal(wait.verdict, 'better');
  assert.equal(wait.method, 'blocks');
  assert.equal(wait.pairs, 4_000);
  assert.ok(wait.low! < -29 && wait.high! > -31);
  const makespan = of(comparisons, 'makespan_s');
  assert.equal(makespan.verdict, 'unknown');
  assert.equal(makespan.difference, -1);
  assert.match(makespan.why!, /more seeds/);
  // What is the same needs no test.
  assert.equal(of(comparisons, 'utilisation.cpu').verdict, 'no-sure-difference');
});

test('of one run without a difference, one in twenty verdicts is wrong', () => {
  const rounds = 300;
  let wrong = 0;
  for (let round = 1; round <= rounds; round++) {
    const waits = noise(round, 1_000, 0.5).map((value) => 500 + 100 * value);
    const others = noise(round + 9_999, 1_000, 0.5).map((value) => 500 + 100 * value);
    const told = { mean_wait_s: 500 };
    const runs = [run('a', 1, told, waited(waits)), run('b', 1, told, waited(others))];
    if (of(compareRuns(runs, site).comparisons, 'mean_wait_s').p! <= 0.05) wrong++;
  }
  assert.ok(wrong / rounds > 0.02 && wrong / rounds < 0.09, `${wrong / rounds}`);
});

test('seeds that change nothing are one run', () => {
  const runs = [1, 2, 3, 4, 5].flatMap((seed) => [
    run('a', seed, { mean_wait_s: 500 }),
    run('b', seed, { mean_wait_s: 490 }),
  ]);
  const wait = of(compareRuns(runs, site).comparisons, 'mean_wait_s');
  assert.equal(wait.verdict, 'unknown');
  assert.match(wait.why!, /too few/);
});

test('jobs that came to an end in one run only are no pair, and too many of them no verdict', () => {
  const waits = noise(2, 1_000).map((value) => 500 + 100 * value);
  const columns = waited(waits);
  const some = {
    ...columns,
    startedAt: columns.startedAt.map((at, i) => (i % 10 === 0 ? Number.NaN : at)),
  };
  const told = { mean_wait_s: 500 };
  const runs = [run('a', 1, told, columns), run('b', 1, told, some)];
  const wait = of(compareRuns(runs, site).comparisons, 'mean_wait_s');
  assert.equal(wait.verdict, 'unknown');
  assert.match(wait.why!, /900 of 1000/);
});

test('what is not known in a run is no difference', () => {
  const runs = [1, 2, 3].flatMap((seed) => [
    run('a', seed, { energy_kwh: 5 + seed }),
    run('b', seed, { energy_kwh: seed === 2 ? null : 4 }),
  ]);
  const energy = of(compareRuns(runs, site).comparisons, 'energy_kwh');
  assert.equal(energy.verdict, 'unknown');
  assert.equal(energy.value, null);
  assert.equal(energy.difference, null);
});

test('nothing, and one policy', () => {
  assert.deepEqual(compareRuns([], site).policies, []);
  const one = compareRuns([run('a', 1, {})], site);
  assert.equal(one.comparisons.length, 0);
  assert.equal(one.policies[0]!.by_seed.length, 1);
  const again = compareRuns([run('a', 1, {})], site);
  assert.deepEqual(again, one);
  assert.ok(JSON.parse(JSON.stringify(one)));
});

test('every measure reads a real run, and its mean over jobs is the figure', () => {
  const measures = new RunMeasures({ policy: 'a', seed: 1 });
  const request = resources({ cpu: 2_000 });
  const jobs = Array.from({ length: 30 }, (_, i) =>
    traceJob(
      `${i}`,
      i * 5_000,
      spanMs(20_000 + 1_000 * (i % 7)),
      workload('w', step('s', { request })),
    ),
  );
  runThrough({ nodes: [node('n', { cpu: 4_000 })], jobs, observers: [measures] });
  const { document, jobs: columns } = measures.result();
  for (const { name, of: read, ofJob } of comparedMeasures) {
    const value = read(document);
    assert.ok(value === null || Number.isFinite(value), name);
    if (ofJob === undefined) continue;
    let sum = 0;
    for (let job = 0; job < columns.count; job++) sum += ofJob(columns, job);
    assert.ok(Math.abs(sum / columns.count - value!) < 1e-9, name);
  }
});
