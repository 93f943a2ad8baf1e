import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { callLatency } from '../../src/analysis/call-latency.ts';
import { timeMs } from '../../src/base/units.ts';
import { requestBounds } from '../../src/telemetry/counting.ts';
import { ToldMetrics } from '../../src/telemetry/told-metrics.ts';
import { ArrayHistory } from '../builders/metric-history.ts';

const MINUTE = 60_000;
const begin = 1_700_000_040_000;
const window = { from: timeMs(begin), to: timeMs(begin + 60 * MINUTE), only: undefined };

/** Calls as tasks tell them, and history keeps them. */
function historyOf(told: readonly (readonly [tenant: string, seconds: number])[]): ArrayHistory {
  const metrics = new ToldMetrics();
  for (const [tenant, seconds] of told) {
    const by = { tenant, workload: '1', step: 's' };
    assert.equal(
      metrics.tell(by, `inference_latency_seconds ${seconds}`, timeMs(begin)),
      undefined,
    );
  }
  return new ArrayHistory(
    metrics
      .take()
      .map(({ name, labels, value }) => ({ name, labels, at: [begin], values: [value] })),
  );
}

test('nobody timed a call: unknown', () => {
  assert.equal(callLatency(historyOf([]), window), undefined);
});

test('of 1,000 calls the 990th is within its bucket', () => {
  const calls = [
    ...Array.from({ length: 980 }, () => ['a', 0.004] as const),
    ...Array.from({ length: 20 }, () => ['b', 0.08] as const),
  ];
  const found = callLatency(historyOf(calls), window);
  // 10 of the 20 calls between 50 and 100 ms.
  assert.deepEqual(found, { value: 75, low: 50, high: 100, samples: 1_000 });
  assert.deepEqual(callLatency(historyOf(calls), { ...window, only: 'b' })?.samples, 20);
  assert.equal(callLatency(historyOf(calls), { ...window, only: 'nobody' }), undefined);
});

test('beyond the last bound nothing is known but that it is beyond', () => {
  const found = callLatency(
    historyOf(Array.from({ length: 300 }, () => ['a', 60] as const)),
    window,
  );
  assert.deepEqual(found, { value: undefined, low: 10_000, high: undefined, samples: 300 });
});

test('of few calls no upper end is known', () => {
  const found = callLatency(historyOf([['a', 0.02]]), window);
  assert.equal(found?.high, undefined);
  assert.equal(found?.samples, 1);
});

test('whatever is told: in the bucket of the nearest rank, and within its own interval', () => {
  const calls = fc.array(fc.double({ min: 0, max: 9.9, noNaN: true }), {
    minLength: 1,
    maxLength: 400,
  });
  fc.assert(
    fc.property(calls, (seconds) => {
      const found = callLatency(historyOf(seconds.map((one) => ['a', one])), window)!;
      const sorted = [...seconds].sort((x, y) => x - y);
      const exact = sorted[Math.ceil(0.99 * sorted.length) - 1]!;
      const high = requestBounds.find((bound) => exact <= bound)! * 1_000;
      const low = (requestBounds[requestBounds.indexOf(high / 1_000) - 1] ?? 0) * 1_000;
      assert.equal(found.samples, seconds.length);
      assert.ok(found.value! >= low - 1e-9 && found.value! <= high + 1e-9);
      assert.ok((found.low ?? 0) <= found.value! + 1e-9);
      assert.ok((found.high ?? Infinity) >= found.value! - 1e-9);
    }),
  );
});
