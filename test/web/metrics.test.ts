import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  cpuScale,
  historyPath,
  scaleOf,
  seriesNames,
  valuesAt,
  windowReaching,
} from '../../web/src/metrics.ts';

test('numbers carry the unit of their metric, and what is unknown is a dash', () => {
  const table = [
    ['berth_node_load1', 'none', 3.217, '3.22'],
    ['berth_node_context_switches_per_second', 'none', 12_345, '12.3 k/s'],
    ['berth_node_cpu_busy_ratio', 'ratio', 0.713, '71%'],
    ['berth_task_memory_bytes', 'bytes', 1_073_741_824, '1.0 GiB'],
    ['berth_task_read_bytes_per_second', 'bytes', 20 * 1_048_576, '20.0 MiB/s'],
    ['berth_sampler_duration_seconds', 'seconds', 0.0123, '12.3 ms'],
    ['berth_sampler_duration_seconds', 'seconds', 0.9996, '1.0s'],
    ['berth_sampler_duration_seconds', 'seconds', 75, '1m 15s'],
    ['berth_node_cpu_frequency_hertz', 'hertz', 3.4e9, '3.4 GHz'],
    ['berth_gpu_temperature_celsius', 'celsius', 61.25, '61.3 °C'],
    ['berth_gpu_power_watts', 'watts', 412, '412 W'],
  ] as const;
  for (const [name, unit, value, text] of table) {
    const scale = scaleOf({ name, unit });
    assert.equal(scale.format(value), text, name);
    assert.equal(scale.format(null), '—', name);
    assert.equal(scale.format(undefined), '—', name);
  }
  assert.equal(cpuScale.format(0.5), '0.50');
  assert.equal(cpuScale.format(null), '—');
});

test('a history is asked for by name, labels and window', () => {
  const path = historyPath({
    name: 'berth_task_memory_bytes',
    labels: { workload: '12', resource: 'a=b&c' },
    windowMs: 900_000,
    points: 240,
  });
  assert.equal(
    path,
    '/api/v1/metrics/history?name=berth_task_memory_bytes&label=workload%3D12&label=resource%3Da%3Db%26c&window=900s&points=240',
  );
});

test('a window covers what it reaches back to, as long as there is one', () => {
  assert.equal(windowReaching(1), 900_000);
  assert.equal(windowReaching(900_001), 3_600_000);
  assert.equal(windowReaching(Number.MAX_SAFE_INTEGER), 129_600 * 60_000);
});

test('values of other moments are taken from the nearest one within reach, as a plain search finds it', () => {
  const times = fc
    .uniqueArray(fc.nat(500), { maxLength: 20 })
    .map((list) => list.toSorted((a, b) => a - b));
  fc.assert(
    fc.property(times, times, fc.integer({ min: 1, max: 60 }), (at, from, reach) => {
      const values = from.map((t) => (t % 7 === 0 ? null : t));
      const slow = at.map((moment) => {
        const distances = from.map((t) => Math.abs(t - moment));
        const best = Math.min(...distances);
        // Of two that are equally near the later one.
        return best > reach ? null : (values[distances.lastIndexOf(best)] ?? null);
      });
      assert.deepEqual(valuesAt(at, from, values, reach), slow);
    }),
  );
});

test('series are named by what tells them apart', () => {
  const of = (...labels: Record<string, string>[]) =>
    seriesNames(labels.map((one) => ({ labels: one })));
  assert.deepEqual(of({ cpu: '0', node: 'a' }, { cpu: '1', node: 'a' }), ['0', '1']);
  assert.deepEqual(of({ cpu: '0', mode: 'x' }, { cpu: '1', mode: 'y' }), [
    'cpu 0, mode x',
    'cpu 1, mode y',
  ]);
  assert.deepEqual(of({ device: 'sda' }), ['sda']);
  assert.deepEqual(of({}), ['']);
});
