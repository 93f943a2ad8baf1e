import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  byteHitRatioBp,
  combinedHitRatioBp,
  hitRatioBp,
  kneeDepth,
  meanAccessNs,
  memoryBandwidthUtilizationBp,
  mixedThroughput,
  operationsAtDepth,
  storageEfficiencyBp,
  theoreticalMemoryBytesPerSecond,
  timeSharedThroughput,
  workingSetBytes,
} from '../../src/inventory/formulas.ts';

const near = (got: number | undefined, want: number) =>
  assert.ok(got !== undefined && Math.abs(got - want) < want * 1e-9, `${got} is not ${want}`);

test('a working set is what is touched, what it grows by, and a margin on both', () => {
  const need = {
    referencedBytes: 1000,
    growthBytesPerSecond: 10,
    horizonSeconds: 60,
    marginBp: 1500,
  };
  assert.equal(workingSetBytes(need), 1840);
  // A task that shrinks gets no negative buffer.
  assert.equal(workingSetBytes({ ...need, growthBytesPerSecond: -10 }), 1150);
});

test('ratios of hits', () => {
  assert.equal(hitRatioBp(3, 1), 7500);
  assert.equal(hitRatioBp(0, 0), undefined);
  // Three small hits and one large miss: most accesses hit, most bytes miss.
  assert.equal(byteHitRatioBp(3 * 4096, 4 * 2 ** 20), 29);
  // 90 % of all, then half of the rest.
  assert.equal(combinedHitRatioBp([{ localBp: 9000 }, { localBp: 5000 }]), 9500);
  assert.equal(
    Math.round(
      meanAccessNs(
        [
          { localBp: 9000, costNs: 1 },
          { localBp: 5000, costNs: 10 },
        ],
        100,
      ),
    ),
    7,
  );
});

test('memory bandwidth is told of the measured peak', () => {
  assert.equal(theoreticalMemoryBytesPerSecond(8, 3200), 204_800_000_000);
  assert.equal(memoryBandwidthUtilizationBp(80e9, 160e9), 5000);
  assert.equal(memoryBandwidthUtilizationBp(80e9, 0), undefined);
});

test('a mix by bytes is the harmonic mean, a mix by time the arithmetic one', () => {
  // Half the bytes at 500 MB/s, half at 50: 2 / (1/500 + 1/50). The seed's sum gives 275.
  near(mixedThroughput(500, 50, 5000), 1000 / 11);
  near(timeSharedThroughput(500, 50, 5000), 275);
  assert.equal(mixedThroughput(500, 0, 10_000), 500);
  assert.equal(mixedThroughput(500, 0, 9000), undefined);
});

test('moving every byte by its own rate takes the time that the harmonic mean says', () => {
  const rate = fc.integer({ min: 1, max: 1_000_000 });
  fc.assert(
    fc.property(rate, rate, fc.nat(10_000), (sequential, random, share) => {
      const bytes = 1e9;
      const seconds =
        (bytes * share) / 10_000 / sequential + (bytes * (10_000 - share)) / 10_000 / random;
      near(mixedThroughput(sequential, random, share), bytes / seconds);
    }),
    { seed: 1 },
  );
});

test('depth buys operations up to the knee', () => {
  // 100 µs of latency: 10,000 at depth 1, and 400,000 is reached at depth 40.
  assert.equal(operationsAtDepth(1, 100_000, 400_000), 10_000);
  assert.equal(operationsAtDepth(32, 100_000, 400_000), 320_000);
  assert.equal(operationsAtDepth(256, 100_000, 400_000), 400_000);
  assert.equal(kneeDepth(100_000, 400_000), 40);
  // A drive at depth 1 that does 9,000 is 90 % efficient, though it does 2 % of its maximum.
  assert.equal(storageEfficiencyBp(9000, 1, 100_000, 400_000), 9000);
});
