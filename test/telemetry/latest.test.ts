import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeMs } from '../../src/base/units.ts';
import { SERIES_PER_NAME_MAX } from '../../src/telemetry/latest.ts';
import { historyName } from '../../src/telemetry/metric.ts';
import { rateOf } from '../../src/telemetry/rates.ts';
import { byKey, latestAt } from './readings.ts';

const BYTES = 'berth_node_network_received_bytes_total';
const RATE = historyName({ name: BYTES, kind: 'counter' });
const LOAD = 'berth_node_load1';
const SOURCE = { name: 'network', everyMs: 1_000 };
const eth = { device: 'eth0' };

/** Readings of one counter at seconds; what the rate is after each. */
function rates(points: readonly (readonly [atMs: number, value: number])[]) {
  const { live, clock } = latestAt();
  return points.map(([ms, value]) => {
    clock.ms = ms;
    const moment = { at: timeMs(ms), monotonicMs: ms };
    live.record(SOURCE, moment, [{ name: BYTES, labels: eth, value }]);
    return live.latest(RATE)[0]?.value;
  });
}

const tables: Record<string, { points: [number, number][]; want: (number | undefined)[] }> = {
  'a rate is over the time that passed': {
    points: [
      [0, 100],
      [1_000, 300],
      [3_000, 400],
    ],
    want: [undefined, 200, 50],
  },
  'a counter that begins anew: unknown, and known again after the next': {
    points: [
      [0, 1e12],
      [1_000, 500],
      [2_000, 700],
    ],
    want: [undefined, undefined, 200],
  },
  'two readings at nearly the same moment: the next rate spans both': {
    points: [
      [0, 0],
      [1_000, 100],
      [1_010, 150],
      [2_000, 200],
    ],
    want: [undefined, 100, 100, 100],
  },
};
for (const [name, { points, want }] of Object.entries(tables)) {
  test(`rates: ${name}`, () => assert.deepEqual(rates(points), want));
}

test('a rate is never negative, and never more than all that was ever counted in an interval', () => {
  const step = fc.record({ ms: fc.integer({ min: -50, max: 5_000 }), value: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 20 }), (steps) => {
      let atMs = 10_000;
      let before = { value: 0, atMs };
      for (const { ms, value } of steps) {
        atMs += ms;
        const rate = rateOf(BYTES, before, { value, atMs }, 1_000);
        if (rate.kind === 'too-soon') continue;
        if (rate.kind === 'known') {
          assert.ok(rate.perSecond >= 0 && rate.perSecond <= (value * 1_000) / 250);
          const passed = (atMs - before.atMs) / 1_000;
          assert.ok(Math.abs(rate.perSecond * passed - (value - before.value)) < 1e-3);
        } else assert.ok(value < before.value || atMs < before.atMs);
        before = { value, atMs };
      }
    }),
  );
});

test('the wall clock that jumps changes no rate, and no freshness', () => {
  const { live, clock } = latestAt();
  for (const [i, at] of [1_700_000_000_000, 1_700_000_001_000, 1_600_000_000_000].entries()) {
    clock.ms = i * 1_000;
    const moment = { at: timeMs(at), monotonicMs: clock.ms };
    live.record(SOURCE, moment, [{ name: BYTES, labels: eth, value: i * 70 }]);
  }
  assert.deepEqual(live.latest(RATE), [
    { name: RATE, labels: eth, value: 70, at: timeMs(1_600_000_000_000) },
  ]);
  assert.equal(live.quality(), 1);
});

test('a device that disappears is gone after three intervals, and may come back', () => {
  const { live, clock } = latestAt();
  const tell = (ms: number, devices: Record<string, number>) => {
    clock.ms = ms;
    const readings = Object.entries(devices).map(([device, value]) => {
      return { name: BYTES, labels: { device }, value };
    });
    live.record(SOURCE, { at: timeMs(ms), monotonicMs: ms }, readings);
    live.sweep();
  };
  const there = () => live.latest(BYTES).map(({ labels }) => labels['device']);
  tell(0, { eth0: 1, veth7: 1 });
  tell(1_000, { eth0: 2 });
  assert.deepEqual(there(), ['eth0', 'veth7']);
  assert.equal(live.quality(), 0.5);
  for (const ms of [2_000, 3_000, 4_000]) tell(ms, { eth0: ms });
  assert.deepEqual(there(), ['eth0']);
  assert.equal(live.size, 1);
  assert.equal(live.quality(), 1);
  tell(5_000, { eth0: 9_000, veth7: 40 });
  // Its counter is that of another device: no rate out of the two.
  assert.equal(byKey(live.latest(RATE))[`${RATE}{device="veth7"}`], undefined);
});

test('a label flood fills one metric, is counted, and makes room again', () => {
  const { live, clock } = latestAt();
  const flood = Array.from({ length: SERIES_PER_NAME_MAX + 500 }, (_, i) => ({
    name: BYTES,
    labels: { device: `veth${i}` },
    value: i,
  }));
  live.record(SOURCE, { at: timeMs(0), monotonicMs: 0 }, flood);
  live.record({ name: 'load', everyMs: 1_000 }, { at: timeMs(0), monotonicMs: 0 }, [
    { name: LOAD, labels: {}, value: 1 },
  ]);
  assert.equal(live.latest(BYTES).length, SERIES_PER_NAME_MAX);
  assert.equal(live.latest(LOAD).length, 1);
  assert.deepEqual(live.refused(), [
    { name: 'berth_series_refused_total', labels: { metric: BYTES }, value: 500 },
  ]);
  clock.ms = 10_000;
  live.sweep();
  assert.equal(live.size, 0);
  live.record(SOURCE, { at: timeMs(0), monotonicMs: 10_000 }, flood.slice(-10));
  assert.equal(live.latest(BYTES).length, 10);
});

test('of a task that ended nothing is left, and nobody misses it', () => {
  const { live } = latestAt();
  const labels = { tenant: 'a', workload: '1', step: 's', attempt: '1.s.0.1' };
  const moment = { at: timeMs(0), monotonicMs: 0 };
  const readings = [
    { name: 'berth_task_memory_bytes', labels, value: 1 },
    { name: 'berth_task_processes', labels, value: 1 },
    { name: LOAD, labels: {}, value: 1 },
  ];
  live.record(SOURCE, moment, readings);
  live.forget(labels);
  live.record(SOURCE, moment, readings.slice(2));
  assert.deepEqual(
    live.latest().map(({ name }) => name),
    [LOAD],
  );
  assert.equal(live.size, 1);
  assert.equal(live.quality(), 1);
});

test('quality falls with age, with what is missing, and with who never answered', () => {
  const { live, clock } = latestAt();
  assert.equal(live.quality(), undefined);
  live.record(SOURCE, { at: timeMs(0), monotonicMs: 0 }, [{ name: LOAD, labels: {}, value: 1 }]);
  const after = (ms: number) => {
    clock.ms = ms;
    return live.quality();
  };
  assert.deepEqual([0, 1_500, 2_250, 3_000, 60_000].map(after), [1, 1, 0.5, 0, 0]);
  live.record(SOURCE, { at: timeMs(0), monotonicMs: 60_000 }, [
    { name: LOAD, labels: {}, value: 1 },
  ]);
  live.miss({ name: 'temperature', everyMs: 10_000 });
  assert.equal(live.quality(), 0.5);
  live.dismiss('temperature');
  assert.equal(live.quality(), 1);
});

test('what has no name that was agreed on, or is no number, is not taken', () => {
  const { live } = latestAt();
  const kept = live.record(SOURCE, { at: timeMs(0), monotonicMs: 0 }, [
    { name: 'made_up', labels: {}, value: 1 },
    { name: LOAD, labels: {}, value: Number.NaN },
    { name: LOAD, labels: {}, value: Number.POSITIVE_INFINITY },
  ]);
  assert.deepEqual([kept, live.latest(), live.families()], [[], [], []]);
});
