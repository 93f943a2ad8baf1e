import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReached, parseThreshold } from '../../src/model/eviction-threshold.ts';
import type { AttemptId } from '../../src/model/ids.ts';
import { preemptionPriorities, qosOf } from '../../src/model/qos.ts';
import {
  type Consumer,
  evictDown,
  evictionOrder,
  overcommitted,
} from '../../src/scheduling/qos.ts';
import { node, resources } from '../builders/workload.ts';

const limits = (cpu: number, memory: number) => ({ cpu, memory }) as never;

test('classes as Kubernetes tells them apart', () => {
  const asks = resources({ cpu: 1000, memory: 5 });
  assert.equal(qosOf(asks, limits(1000, 5)), 'guaranteed');
  assert.equal(qosOf(asks, limits(2000, 5)), 'burstable');
  assert.equal(qosOf(resources({ cpu: 0, memory: 0 }), limits(1000, 5)), 'best-effort');
});

test('CPU and memory may be promised more than once, devices never', () => {
  const one = node('n', { cpu: 1000, memory: 1000, gpus: 2 });
  const more = overcommitted(one, 15_000 as never, 10_000 as never);
  assert.deepEqual([more.cpu, more.memory, more.gpus.length], [1500, 1000, 2]);
});

const consumer = (attempt: string, changes: Partial<Consumer>): Consumer => ({
  attempt: attempt as AttemptId,
  qos: 'burstable',
  priority: 0,
  requested: 100,
  used: 100,
  classPriority: preemptionPriorities[changes.qos ?? 'burstable'],
  ...changes,
});

test('best-effort goes first, then who uses most beyond its request; guaranteed last', () => {
  const order = evictionOrder([
    consumer('guaranteed', { qos: 'guaranteed', priority: -5 }),
    consumer('within', { used: 50 }),
    consumer('a little over', { used: 110 }),
    consumer('far over', { used: 900 }),
    consumer('over, but important', { used: 950, priority: 5 }),
    consumer('best-effort', { qos: 'best-effort', requested: 0, used: 1, priority: 9 }),
    consumer('unmeasured', { used: undefined }),
  ]);
  assert.deepEqual(
    order.map(({ attempt }) => attempt),
    [
      'best-effort',
      'far over',
      'a little over',
      'over, but important',
      'unmeasured',
      'within',
      'guaranteed',
    ],
  );
  const chosen = evictDown(order, 3000, 2150);
  assert.deepEqual(
    chosen.map(({ attempt }) => attempt),
    ['best-effort', 'far over'],
  );
  assert.deepEqual(evictDown(order, 100, 200), []);
});

const reached: Record<string, [Record<string, number>, boolean | undefined]> = {
  'memory > 90%': [{ memory: 9_001 }, true],
  'memory>90%': [{ memory: 9_000 }, false],
  'memory >= 90%': [{ memory: 9_000 }, true],
  'memory > 90% or disk >= 95%': [{ memory: 1, disk: 9_500 }, true],
  'memory > 90% and disk > 95%': [{ memory: 9_900, disk: 9_500 }, false],
  'memory > 90% or disk > 95% and cpu > 99.5%': [{ memory: 1, disk: 9_900, cpu: 9_951 }, true],
  'disk > 80%': [{ memory: 9_900 }, undefined],
  'disk > 80% or memory > 90%': [{ memory: 9_900 }, true],
};
for (const [text, [measured, want]] of Object.entries(reached)) {
  test(`${text} at ${JSON.stringify(measured)}: ${want ?? 'unknown'}`, () => {
    const parsed = parseThreshold(text);
    assert.ok(parsed.ok);
    assert.equal(isReached(parsed.threshold, measured), want);
  });
}

const errors: Record<string, [at: number, message: RegExp]> = {
  '': [0, /too early/],
  memory: [6, /no comparison/],
  'memory > 90': [9, /not understood/],
  'memry > 90%': [0, /'memry' is not measured/],
  'memory > 101%': [9, /no percentage/],
  'memory > 90% disk > 5%': [13, /one too many/],
  'memory < 5%': [7, /not understood/],
  'memory > 90% or': [15, /too early/],
};
for (const [text, [at, message]] of Object.entries(errors)) {
  test(`'${text}' is wrong at ${at}`, () => {
    const parsed = parseThreshold(text);
    assert.ok(!parsed.ok);
    assert.equal(parsed.at, at);
    assert.match(parsed.message, message);
  });
}
