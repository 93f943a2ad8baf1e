import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '../../src/base/prng.ts';
import { exactly } from '../../src/forecasting/run-time-distribution.ts';
import { RunTimes, type Work } from '../../src/forecasting/run-times.ts';

const work = (changes: Partial<Work> = {}): Work => ({ tenant: 'ada', name: 'train', ...changes });

function learnt(times: readonly number[], of: Work): RunTimes {
  const runTimes = new RunTimes();
  for (const ms of times) runTimes.learn(of, ms);
  return runTimes;
}

const isNear = (value: number, wanted: number, share = 0.1): void =>
  assert.ok(Math.abs(value / wanted - 1) < share, `${value} is not about ${wanted}`);

test('of what was never seen the user knows most, and where he says nothing nobody does', () => {
  const runTimes = new RunTimes();
  assert.equal(runTimes.predict(work()), undefined);
  const said = runTimes.predict(work({ estimateMs: 90_000 }))!;
  for (const u of [0.001, 0.1, 0.5, 0.999]) assert.equal(said.quantile(u), 90_000);
  assert.equal(
    runTimes.predict(work({ estimateMs: 90_000, limitMs: 60_000 }))!.quantile(0.5),
    60_000,
  );
});

test('the same work takes as long as it did, whatever its user says', () => {
  const of = work({ estimateMs: 3_600_000 });
  const said = learnt(Array(40).fill(60_000), of).predict(of)!;
  isNear(said.quantile(0.1), 60_000);
  isNear(said.quantile(0.5), 60_000);
  isNear(said.quantile(0.9), 60_000);
});

test('work without an estimate is known by its name', () => {
  const runTimes = learnt(Array(20).fill(60_000), work());
  for (let i = 0; i < 20; i++) runTimes.learn(work({ name: 'eval' }), 5_000);
  isNear(runTimes.predict(work())!.quantile(0.5), 60_000, 0.2);
  isNear(runTimes.predict(work({ name: 'eval' }))!.quantile(0.5), 5_000, 0.2);
});

test('of work without an estimate that ended twice nothing is said, whatever else ended', () => {
  const runTimes = learnt(Array(20).fill(60_000), work());
  for (const wanted of [false, false, true]) {
    runTimes.learn(work({ name: 'eval' }), 5_000);
    assert.equal(runTimes.predict(work({ name: 'eval' })) !== undefined, wanted);
  }
});

test('what a tenant does says more of his new work than what others do', () => {
  const runTimes = new RunTimes();
  for (let i = 0; i < 60; i++) {
    runTimes.learn(work({ estimateMs: 100_000 }), 10_000);
    runTimes.learn(work({ tenant: 'bob', estimateMs: 100_000 }), 80_000);
  }
  const fresh = { name: 'new', estimateMs: 200_000 };
  const ada = runTimes.predict(work(fresh))!.quantile(0.5);
  const bob = runTimes.predict(work({ ...fresh, tenant: 'bob' }))!.quantile(0.5);
  assert.ok(ada < 30_000 && bob > 60_000, `${ada}, ${bob}`);
  const eve = runTimes.predict(work({ ...fresh, tenant: 'eve' }))!;
  assert.ok(eve.quantile(0.25) < 30_000 && eve.quantile(0.75) > 60_000, 'like either');
});

test('what many run into is met', () => {
  const of = work({ estimateMs: 100_000, limitMs: 100_000 });
  const said = learnt(
    Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? 100_000 : 30_000)),
    of,
  ).predict(of)!;
  isNear(said.quantile(0.7), 100_000, 0.05);
  assert.equal(said.quantile(0.95), 100_000);
  assert.ok(said.quantile(0.2) < 50_000);
});

test('what has run for long is of those that run long', () => {
  const of = work({ estimateMs: 2_000_000 });
  const said = learnt(
    Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? 10_000 : 1_000_000)),
    of,
  ).predict(of)!;
  assert.ok(said.quantile(0.3) < 20_000);
  isNear(said.quantile(0.3, 60_000), 1_000_000, 0.2);
  isNear(said.quantile(0.6, 900_000), 1_000_000, 0.3);
});

test('a user who changes his ways is followed', () => {
  const of = work({ estimateMs: 1_000_000 });
  const runTimes = learnt(Array(200).fill(900_000), of);
  for (let i = 0; i < 40; i++) runTimes.learn(of, 10_000);
  assert.ok(runTimes.predict(of)!.quantile(0.5) < 20_000);
});

test('those that were not heard of for longest are forgotten', () => {
  const runTimes = learnt(Array(30).fill(1_000), work({ estimateMs: 100_000 }));
  for (let i = 0; i < 3_000; i++) {
    runTimes.learn(work({ tenant: `t${i}`, estimateMs: 50_000 }), 50_000);
  }
  const asked = { name: 'other', estimateMs: 50_000 };
  const ada = runTimes.predict(work(asked))!;
  const nobody = runTimes.predict(work({ ...asked, tenant: 'nobody' }))!;
  assert.equal(ada.quantile(0.5), nobody.quantile(0.5));
});

const span = fc.integer({ min: 1, max: 10_000_000 });
const asked = fc.record({
  estimateMs: fc.option(span, { nil: undefined }),
  limitMs: fc.option(span, { nil: undefined }),
});
const given = ({
  estimateMs,
  limitMs,
}: {
  estimateMs: number | undefined;
  limitMs: number | undefined;
}) => work({ ...(estimateMs && { estimateMs }), ...(limitMs && { limitMs }) });

test('property: never over before now, never beyond its limit, and longer for a larger share', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ took: span, of: asked }), { maxLength: 30 }),
      asked,
      fc.integer({ min: 0, max: 20_000_000 }),
      (before, of, elapsedMs) => {
        const runTimes = new RunTimes();
        for (const one of before) runTimes.learn(given(one.of), one.took);
        const said = runTimes.predict(given(of));
        if (said === undefined) {
          assert.ok(of.estimateMs === undefined && before.length < 3);
          return;
        }
        let least = 0;
        for (const u of [0, 0.01, 0.1, 0.5, 0.9, 0.99, 1]) {
          const ms = said.quantile(u, elapsedMs);
          assert.ok(ms > elapsedMs && ms >= least, `${ms} after ${elapsedMs} and ${least}`);
          if (of.limitMs !== undefined && elapsedMs < of.limitMs) {
            assert.ok(ms <= Math.max(of.limitMs, elapsedMs + 1), `${ms} beyond ${of.limitMs}`);
          }
          least = ms;
        }
      },
    ),
  );
});

test('what is known exactly is, and what outlives it ends at once', () => {
  assert.equal(exactly(100).quantile(0.1), 100);
  assert.equal(exactly(100).quantile(0.9, 99), 100);
  assert.equal(exactly(100).quantile(0.5, 100), 101);
});

/** About normal, mean 0, deviation 1. */
const normal = (prng: Prng): number => {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += prng.next() / 4294967296;
  return sum;
};

test('of work drawn from a law each quantile holds its share, and says more than estimates and the last two', () => {
  const prng = new Prng(7);
  const tenants = Array.from({ length: 10 }, (_, i) => ({
    tenant: `t${i}`,
    share: 0.05 + 0.05 * i,
    spread: 0.2 + 0.1 * (i % 5),
  }));
  const runTimes = new RunTimes();
  const levels = [0.1, 0.25, 0.5, 0.75, 0.9];
  const below = levels.map(() => 0);
  const loss = { said: 0, estimate: 0, lastTwo: 0 };
  const pinball = (u: number, said: number, took: number): number =>
    took >= said ? u * (took - said) : (1 - u) * (said - took);
  const last = new Map<string, number[]>();
  const scored = 4_000;
  for (let i = 0; i < scored + 1_000; i++) {
    const { tenant, share, spread } = prng.pick(tenants);
    const estimateMs = prng.pick([600_000, 3_600_000, 36_000_000]);
    const of = { tenant, name: 'w', estimateMs };
    const took = estimateMs * share * Math.exp(spread * normal(prng));
    const two = last.get(tenant) ?? [estimateMs];
    if (i >= 1_000) {
      const said = runTimes.predict(of)!;
      levels.forEach((u, k) => {
        const ms = said.quantile(u);
        if (took <= ms) below[k]!++;
        loss.said += pinball(u, ms, took);
        loss.estimate += pinball(u, estimateMs, took);
        loss.lastTwo += pinball(u, two.reduce((a, b) => a + b) / two.length, took);
      });
    }
    runTimes.learn(of, took);
    last.set(tenant, [...two, took].slice(-2));
  }
  levels.forEach((u, k) => {
    assert.ok(
      Math.abs(below[k]! / scored - u) < 0.04,
      `${below[k]! / scored} below the ${u} quantile`,
    );
  });
  assert.ok(
    loss.said < 0.3 * loss.estimate && loss.said < 0.3 * loss.lastTwo,
    JSON.stringify(loss),
  );
});
