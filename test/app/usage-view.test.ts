import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gridOf } from '../../src/app/metric-grid.ts';
import { usageView } from '../../src/app/usage-view.ts';
import { spanMs, timeMs } from '../../src/base/units.ts';
import { openHistory } from '../../src/store/io/history.ts';

const START = 1_800_057_600_000;
const MINUTE = 60_000;

test('usage is told from the series of today, in columns of one grid', () => {
  using history = openHistory({ file: ':memory:', onProblem: (one) => assert.fail(String(one)) });
  for (let second = 0; second < 900; second++) {
    const waiting = (resource: string, value: number) => ({
      name: 'berth_node_pressure_waiting_ratio',
      labels: { resource },
      value,
    });
    history.record(timeMs(START + second * 1000), [
      { name: 'berth_node_cpu_busy_ratio', labels: {}, value: second / 1000 },
      { name: 'berth_node_memory_used_bytes', labels: {}, value: second },
      waiting('cpu', 0.25),
      waiting('io', 0.5),
    ]);
  }
  const now = timeMs(START + 899_500);
  const view = usageView(history, 4_096, now, spanMs(15 * MINUTE));
  assert.equal(view.interval_ms, 4_000);
  assert.equal(view.at.length, 225);
  assert.deepEqual([view.at[0], view.at.at(-1)], [START, START + 896_000]);
  assert.ok(Math.abs(view.cpu_ratio[1]! - 0.0055) < 1e-12);
  assert.equal(view.memory_used_bytes.at(-1), 897.5);
  assert.ok(view.cpu_pressure_ratio.every((value) => value === 0.25));
  assert.ok(view.io_pressure_ratio.every((value) => value === 0.5));
  assert.ok(view.memory_pressure_ratio.every((value) => value === null));
  assert.equal(view.memory_total_bytes, 4_096);
});

const grids: Record<string, readonly [windowMs: number, columns: number, intervalMs: number]> = {
  'a minute is seconds': [MINUTE, 240, 1_000],
  'four hours are minutes': [240 * MINUTE, 240, MINUTE],
  'a little more, too': [241 * MINUTE, 240, 2 * MINUTE],
  'a day is six minutes': [1_440 * MINUTE, 240, 6 * MINUTE],
  'a month is three hours': [30 * 1_440 * MINUTE, 240, 180 * MINUTE],
};
for (const [sentence, [windowMs, columns, intervalMs]] of Object.entries(grids)) {
  test(`columns: ${sentence}`, () => {
    const grid = gridOf(START + 12_345_678, windowMs, columns);
    assert.equal(grid.intervalMs, intervalMs);
    assert.ok(grid.at.length <= columns);
    assert.ok(grid.at.every((at) => at % intervalMs === 0));
    assert.ok(grid.at.at(-1)! <= START + 12_345_678 && grid.query.to > START + 12_345_678);
  });
}
