import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../../../src/base/prng.ts';
import { arrivalTimes, rateAt } from '../../../src/simulation/generators/arrivals.ts';
import {
  drawLength,
  gamma,
  gammaCdf,
  type Lengths,
  logGamma,
  meanLength,
  normal,
  uniform,
  zipf,
} from '../../../src/simulation/generators/distributions.ts';
import { drawEstimate } from '../../../src/simulation/generators/estimates.ts';
import { type LublinParams, lublin } from '../../../src/simulation/generators/lublin.ts';
import { readGenerator, traceGenerators } from '../../../src/simulation/generators/registry.ts';
import { SYNTHETIC_START } from '../../../src/simulation/generators/synthetic.ts';
import type { Trace, TraceJob } from '../../../src/simulation/trace.ts';
import { swf } from '../../../src/simulation/traces/swf.ts';
import { traceSource, withoutTrace } from '../../builders/trace-data.ts';

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const draws = (count: number, draw: (prng: Prng) => number, seed = 1): number[] => {
  const prng = new Prng(seed);
  return Array.from({ length: count }, () => draw(prng));
};
const near = (got: number, want: number, part: number, what = ''): void =>
  assert.ok(
    Math.abs(got - want) <= part * Math.abs(want),
    `${what}: ${got}, expected about ${want}`,
  );

/** The largest distance of drawn values from a distribution (Kolmogorov and Smirnov). */
function distance(values: readonly number[], cdf: (x: number) => number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.reduce((most, x, i) => {
    const at = cdf(x);
    return Math.max(most, Math.abs(at - i / sorted.length), Math.abs(at - (i + 1) / sorted.length));
  }, 0);
}
/** Of 1,000 right samples, one is farther than this. */
const FAR = (count: number): number => 1.95 / Math.sqrt(count);

const N = 20_000;
const distributions: Record<string, { draw: (prng: Prng) => number; cdf: (x: number) => number }> =
  {
    uniform: { draw: uniform, cdf: (x) => x },
    normal: { draw: normal, cdf: (x) => 0.5 + Math.sign(x) * 0.5 * gammaCdf((x * x) / 2, 0.5, 1) },
    'gamma of shape 10.46': {
      draw: (prng) => gamma(prng, 10.46, 0.487),
      cdf: (x) => gammaCdf(x, 10.46, 0.487),
    },
    'gamma of shape 312': {
      draw: (prng) => gamma(prng, 312, 0.03),
      cdf: (x) => gammaCdf(x, 312, 0.03),
    },
    'gamma of shape 0.5': { draw: (prng) => gamma(prng, 0.5, 2), cdf: (x) => gammaCdf(x, 0.5, 2) },
    exponential: {
      draw: (prng) => drawLength({ kind: 'exponential', meanS: 7 }, prng),
      cdf: (x) => 1 - Math.exp(-x / 7),
    },
    'Pareto, bounded': {
      draw: (prng) => drawLength({ kind: 'pareto', shape: 0.9, minS: 10, maxS: 1_000 }, prng),
      cdf: (x) => (1 - (10 / x) ** 0.9) / (1 - 0.01 ** 0.9),
    },
  };
for (const [name, { draw, cdf }] of Object.entries(distributions)) {
  test(`drawn as it should be: ${name}`, () => {
    const far = distance(draws(N, draw), cdf);
    assert.ok(far < FAR(N), `${far}`);
  });
}

test('ln Γ and the gamma distribution, against values of tables', () => {
  near(logGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-12);
  near(logGamma(11), Math.log(3_628_800), 1e-12);
  // With shape 1 it is exponential; Poisson counts below 5 of mean 3: 0.815263.
  near(gammaCdf(2, 1, 1), 1 - Math.exp(-2), 1e-12);
  near(1 - gammaCdf(3, 5, 1), 0.8152632445, 1e-9);
  assert.equal(gammaCdf(0, 2, 1), 0);
});

const lengths: readonly Lengths[] = [
  { kind: 'constant', meanS: 5 },
  { kind: 'exponential', meanS: 100 },
  { kind: 'lognormal', medianS: 100, sigma: 1 },
  { kind: 'pareto', shape: 1.5, minS: 10, maxS: 10_000 },
  { kind: 'pareto', shape: 1, minS: 10, maxS: 1_000 },
  {
    kind: 'hyper-exponential',
    phases: [
      { share: 0.9, meanS: 10 },
      { share: 0.1, meanS: 1_000 },
    ],
  },
];
for (const [i, each] of lengths.entries()) {
  test(`run times on the average: ${each.kind} (${i})`, () => {
    near(mean(draws(100_000, (prng) => drawLength(each, prng))), meanLength(each), 0.04, each.kind);
  });
}

test('jobs come as often as asked, at the time of day and of the week that is asked', () => {
  const arrivals = { perHour: 40, daySwing: 0.8, peakHour: 15, weekend: 0.3 };
  const WEEKS = 20;
  const times: number[] = [];
  for (const s of arrivalTimes(arrivals, new Prng(3))) {
    if (s >= WEEKS * 7 * 86_400) break;
    times.push(s);
  }
  near(times.length / (WEEKS * 7 * 24), 40, 0.02);
  const ofWeek = new Float64Array(7 * 24);
  for (const s of times) ofWeek[Math.floor(s / 3_600) % (7 * 24)]! += 1 / WEEKS;
  // Each hour of the week, against its rate: chi-squared with 168 cells.
  const chi = ofWeek.reduce((sum, count, hour) => {
    const want = 40 * rateAt(arrivals, hour + 0.5);
    return sum + ((count - want) ** 2 / want) * WEEKS;
  }, 0);
  assert.ok(chi < 168 + 4 * Math.sqrt(2 * 168), `chi² ${chi}`);
  near(rateAt(arrivals, 5 * 24 + 15) / rateAt(arrivals, 15), 0.3, 1e-9);
  assert.ok(rateAt(arrivals, 15) > rateAt(arrivals, 3));
});

test('the first of many users submits as much more than the second as Zipf says', () => {
  const counts = new Float64Array(10);
  const draw = zipf(10, 1);
  const prng = new Prng(5);
  for (let i = 0; i < 100_000; i++) counts[draw(prng)]!++;
  near(counts[0]! / counts[1]!, 2, 0.05);
  near(counts[0]! / counts[9]!, 10, 0.07);
});

test('what users say is round, and never less than it takes', () => {
  const prng = new Prng(7);
  const said = new Map<number, number>();
  for (let i = 0; i < 10_000; i++) {
    const runS = drawLength({ kind: 'lognormal', medianS: 1_000, sigma: 2 }, prng);
    const estimate = drawEstimate({ kind: 'round', slack: 1, sayMost: 0.2 }, runS, prng)!;
    assert.ok(estimate >= runS && estimate % 60 === 0);
    said.set(estimate, (said.get(estimate) ?? 0) + 1);
  }
  assert.ok((said.get(48 * 3_600) ?? 0) > 1_900, 'those who say the longest');
  const twenty = [...said.values()].sort((a, b) => b - a).slice(0, 20);
  assert.ok(twenty.reduce((sum, n) => sum + n, 0) > 9_500, 'twenty values are nearly all');
  assert.equal(drawEstimate({ kind: 'none' }, 5, prng), undefined);
  assert.equal(drawEstimate({ kind: 'exact' }, 5, prng), 5);
  near(mean(draws(20_000, (p) => drawEstimate({ kind: 'factor', max: 5 }, 10, p)!)), 30, 0.02);
});

function statistics(jobs: readonly TraceJob[]) {
  const runs = jobs.map(({ runMs }) => runMs / 1000);
  const sizes = jobs.map(({ spec }) => spec.steps[0]!.request.cpu / 1000);
  const isPower = (n: number): boolean => n > 1 && Number.isInteger(Math.log2(n));
  return {
    run: mean(runs),
    logRun: mean(runs.map(Math.log)),
    size: mean(sizes),
    serial: mean(sizes.map((size) => (size === 1 ? 1 : 0))),
    powers: mean(sizes.map((size) => (isPower(size) ? 1 : 0))),
    betweenS: (jobs.at(-1)!.at - jobs[0]!.at) / 1000 / (jobs.length - 1),
    noon: mean(
      jobs.map(({ at }) =>
        new Date(at).getUTCHours() >= 10 && new Date(at).getUTCHours() < 16 ? 1 : 0,
      ),
    ),
    night: mean(jobs.map(({ at }) => (new Date(at).getUTCHours() < 6 ? 1 : 0))),
    runs,
    sizes,
  };
}

const model: LublinParams = {
  jobs: 10_000,
  procs: 256,
  kinds: 'any',
  spacing: 1,
  estimates: { kind: 'exact' },
  tenants: { count: 1, zipf: 1 },
};

test('Lublin and Feitelson: sizes, run times and hours of the log that their program made', {
  skip: withoutTrace('swf/lublin_256.swf.gz'),
}, () => {
  const log = swf.read([traceSource('swf/lublin_256.swf.gz')], {});
  assert.ok(log.ok);
  const want = statistics([...log.trace.jobs]);
  const got = statistics([...lublin(model, 11).jobs]);
  near(got.run, want.run, 0.06, 'mean run');
  near(got.logRun, want.logRun, 0.02, 'mean of ln run');
  near(got.size, want.size, 0.05, 'mean size');
  near(got.serial, want.serial, 0.07, 'serial');
  near(got.powers, want.powers, 0.03, 'powers of two');
  near(got.noon, want.noon, 0.1, 'from 10 to 16');
  near(got.night, want.night, 0.25, 'from 0 to 6');
  // Of both samples, the largest distance (Kolmogorov and Smirnov).
  for (const key of ['runs', 'sizes'] as const) {
    const sorted = [...want[key]].sort((a, b) => a - b);
    const atMost = (x: number): number => upTo(sorted, x) / sorted.length;
    const other = [...got[key]].sort((a, b) => a - b);
    const far = Math.max(...other.map((x) => Math.abs(atMost(x) - upTo(other, x) / other.length)));
    assert.ok(far < 1.95 * Math.sqrt(2 / 10_000), `${key}: ${far}`);
  }
});

function upTo(sorted: readonly number[], x: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The mean of exp(g), g of that gamma distribution cut at 13, by integration: 911 s. */
const BETWEEN_S = 911.3;
test('Lublin and Feitelson: the time between two jobs is that of the model', () => {
  const seeds = Array.from({ length: 20 }, (_, i) => i + 1);
  const between = seeds.map((seed) => statistics([...lublin(model, seed).jobs]).betweenS);
  near(mean(between), BETWEEN_S, 0.04);
  const doubled = seeds.map(
    (seed) => statistics([...lublin({ ...model, spacing: 2 }, seed).jobs]).betweenS,
  );
  near(mean(doubled), 2 * BETWEEN_S, 0.04);
});

test('Lublin and Feitelson: interactive jobs are smaller and shorter, and no job is larger than the machine', () => {
  for (const procs of [1, 2, 3, 100, 1_000]) {
    for (const kinds of ['any', 'typed'] as const) {
      const jobs = [...lublin({ ...model, procs, kinds, jobs: 2_000 }, 3).jobs];
      const sizes = jobs.map(({ spec }) => spec.steps[0]!.request.cpu / 1000);
      assert.ok(sizes.every((size) => Number.isInteger(size) && size >= 1 && size <= procs));
    }
  }
  const any = statistics([...lublin(model, 3).jobs]);
  const typed = statistics([...lublin({ ...model, kinds: 'typed' }, 3).jobs]);
  assert.ok(typed.run < any.run && typed.size < any.size && typed.betweenS < any.betweenS);
});

const plain = (trace: Trace): unknown[] =>
  [...trace.jobs].map((job) => ({ ...job, spec: JSON.stringify(job.spec) }));

for (const generator of traceGenerators) {
  const generate = (changes: Record<string, number>, seed: number): Trace => {
    const read = readGenerator(generator.name);
    assert.ok(read.ok);
    return generator.generate({ ...read.values, ...changes }, seed);
  };

  test(`${generator.name}: the same seed gives the same jobs, each time; another gives others`, () => {
    const trace = generate({ jobs: 300 }, 5);
    const jobs = plain(trace);
    assert.equal(jobs.length, 300);
    assert.equal(trace.count, 300);
    assert.deepEqual(plain(trace), jobs);
    assert.deepEqual(plain(generate({ jobs: 300 }, 5)), jobs);
    assert.notDeepEqual(plain(generate({ jobs: 300 }, 6)), jobs);
    // Fewer jobs are the first of more.
    assert.deepEqual(plain(generate({ jobs: 100 }, 5)), jobs.slice(0, 100));
  });

  test(`${generator.name}: jobs that a site could have, in order, on nodes that can hold them`, () => {
    fc.assert(
      fc.property(
        fc.record(
          Object.fromEntries(
            generator.params.map(({ name, min, max, whole }) => [
              name,
              whole
                ? fc.integer({ min, max: Math.min(max, name === 'jobs' ? 200 : 4_096) })
                : fc.double({ min, max, noNaN: true }),
            ]),
          ),
          { requiredKeys: ['jobs'] },
        ),
        fc.nat(),
        (values, seed) => {
          const { jobs, nodes, count } = generate(values as Record<string, number>, seed);
          const cores = nodes!.reduce((sum, { cpu }) => sum + cpu, 0);
          const gpus = nodes!.reduce((sum, node) => sum + node.gpus.length, 0);
          let before = SYNTHETIC_START;
          let seen = 0;
          for (const { at, runMs, spec, tenant } of jobs) {
            const { request, count: tasks, estimateMs } = spec.steps[0]!;
            assert.ok(Number.isSafeInteger(at) && at >= before);
            assert.ok(Number.isSafeInteger(runMs) && runMs >= 1_000);
            assert.ok(estimateMs === undefined || estimateMs >= runMs);
            assert.ok(request.cpu * tasks <= cores && request.gpu * tasks <= gpus * 1000);
            assert.match(tenant, /^user-\d+$/);
            before = at;
            seen++;
          }
          assert.equal(seen, count);
        },
      ),
      { numRuns: 40 },
    );
  });
}

const loads = ['poisson', 'diurnal', 'hyper-exponential', 'gpu-cluster'];
for (const name of loads) {
  test(`${name}: the work that comes is the part of the machine that is asked for`, () => {
    const read = readGenerator(`${name}:jobs=60000,load=0.7`);
    assert.ok(read.ok);
    const { jobs, nodes } = read.generator.generate(read.values, 2);
    const hasGpus = nodes![0]!.gpus.length > 0;
    const capacity = nodes!.reduce(
      (sum, { cpu, gpus }) => sum + (hasGpus ? gpus.length * 1000 : cpu),
      0,
    );
    let work = 0;
    let last = 0;
    for (const { at, runMs, spec } of jobs) {
      const { request, count } = spec.steps[0]!;
      work += (hasGpus ? request.gpu : request.cpu) * count * runMs;
      last = at;
    }
    near(work / (capacity * (last - SYNTHETIC_START)), 0.7, 0.08, name);
  });
}

const written: Record<string, RegExp | Record<string, number>> = {
  lublin: { jobs: 10_000, procs: 256, spacing: 1 },
  'lublin:procs=128,spacing=0.5': { procs: 128, spacing: 0.5, jobs: 10_000 },
  ' lublin : procs = 64 , ': { procs: 64 },
  '': /no generator is called ''; expected poisson, /,
  nothing: /no generator is called 'nothing'/,
  'lublin:size=1': /lublin has no parameter 'size'; expected jobs, procs, /,
  'lublin:procs': /procs of lublin cannot be ''; expected a whole number from 1 to 1000000/,
  'lublin:procs=1.5': /cannot be '1.5'/,
  'poisson:load=0': /cannot be '0'; expected a number from 0.001 to 100/,
  'poisson:jobs=1e99': /cannot be '1e99'/,
  'poisson:__proto__=1': /has no parameter '__proto__'/,
};
for (const [text, want] of Object.entries(written)) {
  test(`a generator as it is written: '${text}'`, () => {
    const read = readGenerator(text);
    if (want instanceof RegExp) {
      assert.ok(!read.ok);
      assert.match(`${read.message}; expected ${read.expected}`, want);
      return;
    }
    assert.ok(read.ok);
    for (const [name, value] of Object.entries(want)) assert.equal(read.values[name], value);
  });
}
