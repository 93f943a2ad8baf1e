import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UNLIMITED } from '../../src/base/units.ts';
import { aloneMs } from '../../src/simulation/measures/alone.ts';
import { BoundedSeries } from '../../src/simulation/measures/bounded-series.ts';
import { type Claimant, drfShares } from '../../src/simulation/measures/drf-shares.ts';
import { largestAsk, sizeClassOf } from '../../src/simulation/measures/group-book.ts';
import { jainIndex, TenantShares } from '../../src/simulation/measures/tenant-shares.ts';
import { resources, step, workload } from '../builders/workload.ts';
import { traceJob } from './tiny-run.ts';

test('a series keeps every integral, however often its step doubles', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 50_000 }), fc.integer({ min: 0, max: 100 })), {
        minLength: 1,
        maxLength: 60,
      }),
      fc.integer({ min: 1, max: 8 }).map((n) => 2 * n),
      fc.integer({ min: 0, max: 5_000 }),
      (parts, pointsMax, from) => {
        const series = new BoundedSeries(2, pointsMax);
        series.begin(from);
        let at = from;
        const slow = new Map<number, number>();
        for (const [span, value] of parts) {
          series.advance(at + span, [value, 1]);
          at += span;
        }
        assert.equal(series.until, at);
        let moment = from;
        for (const [span, value] of parts) {
          for (let ms = 0; ms < span; ms++, moment++) {
            const point = Math.floor((moment - from) / series.stepMs);
            slow.set(point, (slow.get(point) ?? 0) + value);
          }
        }
        const got = series.integrals(0);
        assert.ok(got.length <= pointsMax);
        assert.deepEqual(
          got,
          got.map((_, i) => slow.get(i) ?? 0),
        );
        assert.equal(
          series.integral(0),
          [...slow.values()].reduce((a, b) => a + b, 0),
        );
        assert.deepEqual(series.integrals(1), series.spans());
      },
    ),
    { numRuns: 60 },
  );
});

test('who is entitled to what: the example of DRF', () => {
  // 9 CPUs and 18 GB: A asks for <1, 4> a task, B for <3, 1>, as many as there is room for.
  const a: Claimant = { weight: 1, demand: [100 / 9, 400 / 18, 0] };
  const b: Claimant = { weight: 1, demand: [300 / 9, 100 / 18, 0] };
  const [ofA, ofB] = drfShares([a, b]);
  // 3 tasks of A hold 12 of 18 GB, 2 of B 6 of 9 CPUs.
  assert.ok(Math.abs(ofA! - 12 / 18) < 1e-9);
  assert.ok(Math.abs(ofB! - 6 / 9) < 1e-9);
});

const entitlements: Record<string, { claims: Claimant[]; want: number[] }> = {
  'nobody asks': { claims: [], want: [] },
  'who asks for little gets it, the rest is shared': {
    claims: [
      { weight: 1, demand: [0.1, 0, 0] },
      { weight: 1, demand: [2, 0, 0] },
      { weight: 1, demand: [2, 0, 0] },
    ],
    want: [0.1, 0.45, 0.45],
  },
  'by weight': {
    claims: [
      { weight: 3, demand: [2, 0, 0] },
      { weight: 1, demand: [2, 0, 0] },
    ],
    want: [0.75, 0.25],
  },
  'a resource of one’s own goes on being given out': {
    claims: [
      { weight: 1, demand: [2, 0, 0] },
      { weight: 1, demand: [2, 0, 0] },
      { weight: 1, demand: [0, 0, 2] },
    ],
    want: [0.5, 0.5, 1],
  },
};
for (const [name, { claims, want }] of Object.entries(entitlements)) {
  test(`entitled: ${name}`, () => {
    const got = drfShares(claims);
    assert.equal(got.length, want.length);
    got.forEach((share, i) => {
      assert.ok(Math.abs(share - want[i]!) < 1e-9, `${got} for ${want}`);
    });
  });
}

test('what is entitled to fits the site, is no more than is asked for, and leaves nobody behind', () => {
  const part = fc.double({ min: 0, max: 3, noNaN: true });
  const claim = fc.record({
    weight: fc.integer({ min: 1, max: 5 }),
    demand: fc.tuple(part, part, part),
  });
  fc.assert(
    fc.property(fc.array(claim, { maxLength: 12 }), (claims) => {
      const shares = drfShares(claims);
      const used = [0, 0, 0];
      claims.forEach(({ demand }, i) => {
        const dominant = Math.max(...demand);
        assert.ok(shares[i]! <= dominant + 1e-9);
        if (dominant > 0)
          for (let r = 0; r < 3; r++) used[r]! += (shares[i]! * demand[r]!) / dominant;
      });
      for (const amount of used) assert.ok(amount <= 1 + 1e-9, `${used}`);
      claims.forEach(({ demand, weight }, i) => {
        if (shares[i]! >= Math.max(...demand) - 1e-9) return;
        // It wants more: something that it uses is given out, and nobody who uses that has more for his weight.
        const tight = [0, 1, 2].filter((r) => demand[r]! > 0 && used[r]! >= 1 - 1e-6);
        assert.ok(tight.length > 0, `${shares} of ${JSON.stringify(claims)}`);
        const isFair = tight.some((r) =>
          claims.every(
            (other, k) =>
              other.demand[r] === 0 || shares[k]! / other.weight <= shares[i]! / weight + 1e-6,
          ),
        );
        assert.ok(isFair);
      });
    }),
    { numRuns: 300 },
  );
});

test('Jain’s index', () => {
  assert.equal(jainIndex([]), undefined);
  assert.equal(jainIndex([0, 0]), undefined);
  assert.equal(jainIndex([2, 2, 2, 2]), 1);
  assert.equal(jainIndex([5, 0, 0, 0, 0]), 0.2);
  assert.ok(Math.abs(jainIndex([1, 2])! - 0.9) < 1e-12);
});

test('the share error is what one is entitled to, wants and does not hold', () => {
  const shares = new TenantShares(() => 1);
  shares.setCapacity([10, 0, 0], 0);
  const [a, b] = [shares.of('a' as never), shares.of('b' as never)];
  shares.hold(a, [1, 0, 0], 8, 0);
  shares.want(a, [1, 0, 0], 8);
  shares.want(b, [1, 0, 0], 5);
  // Each is entitled to half: a holds 0.8, b nothing.
  const { jain, shareError } = shares.sample(1_000);
  assert.ok(Math.abs(shareError - 0.5) < 1e-9);
  assert.ok(Math.abs(jain! - 0.5) < 1e-9);
  assert.equal(shares.active, 2);
  shares.hold(a, [1, 0, 0], -8, 500);
  assert.ok(Math.abs(shares.receivedBy(a, 2_000) - 400) < 1e-9);
});

test('how long a job takes alone', () => {
  const one = traceJob('a', 0, 1_000, workload('w', step('s', { count: 5 })));
  assert.equal(aloneMs(one), 1_000);
  const two = traceJob('a', 0, 1_000, workload('w', step('s', { count: 5, maxParallel: 2 })));
  assert.equal(aloneMs(two), 3_000);
  const chain = workload(
    'w',
    step('c', { needs: ['b', 'a'] }),
    step('b', { needs: ['a'] }),
    step('a'),
  );
  assert.equal(aloneMs(traceJob('a', 0, 1_000, chain)), 3_000);
  const truth = ({ index }: { index: number }) =>
    ({ runMs: (index + 1) * 100, outcome: 'succeeded' }) as never;
  assert.equal(
    aloneMs(traceJob('a', 0, 7, workload('w', step('s', { count: 4 })), { truth })),
    400,
  );
});

const sizes: Record<string, [cpu: number, gpu: number, count: number]> = {
  'up to 1 CPU': [1_000, 0, 1],
  'up to 8 CPUs': [2_000, 0, 4],
  'more than 64 CPUs': [65_000, 0, 1],
  'part of a GPU': [64_000, 500, 1],
  '1 GPU': [1_000, 1_000, 1],
  '2–8 GPUs': [1_000, 1_000, 8],
  '9–64 GPUs': [1_000, 8_000, 2],
};
for (const [name, [cpu, gpu, count]] of Object.entries(sizes)) {
  test(`size: ${name}`, () => {
    const request = resources({ cpu, gpu });
    const spec = workload('w', step('s', { request, count, maxParallel: UNLIMITED }));
    assert.equal(sizeClassOf(largestAsk(spec)), name);
  });
}
