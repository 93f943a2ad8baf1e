import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuUse, parseTicksByCpu } from '../../src/telemetry/cpu-use.ts';

const stat = (...cpus: string[]) => `cpu  9 9 9 9 9 9 9 9\n${cpus.join('\n')}\nintr 5\n`;

const cases: Record<string, { before: string; after: string; want: [number, number][] }> = {
  'a quarter busy': {
    before: stat('cpu0 10 0 0 100 0 0 0 0'),
    after: stat('cpu0 35 0 0 175 0 0 0 0'),
    want: [[0, 0.25]],
  },
  'stolen time is time, and not busy': {
    before: stat('cpu3 0 0 0 0 0 0 0 0'),
    after: stat('cpu3 50 0 0 25 0 0 0 25'),
    want: [[3, 0.5]],
  },
  'a CPU that came online meanwhile is not known yet': {
    before: stat('cpu0 0 0 0 0 0 0 0 0'),
    after: stat('cpu0 1 0 0 1 0 0 0 0', 'cpu1 5 0 0 5 0 0 0 0'),
    want: [[0, 0.5]],
  },
  'counters that went back tell nothing': {
    before: stat('cpu0 10 0 0 10 0 0 0 0'),
    after: stat('cpu0 5 0 0 20 0 0 0 0'),
    want: [],
  },
  'no time has passed': {
    before: stat('cpu0 10 0 0 10 0 0 0 0'),
    after: stat('cpu0 10 0 0 10 0 0 0 0'),
    want: [],
  },
  garbage: { before: 'cpu0 x\ncpu1', after: '\0cpu0 1 -1 NaN\n', want: [] },
};
for (const [name, { before, after, want }] of Object.entries(cases)) {
  test(`use of CPUs: ${name}`, () => {
    const use = cpuUse(parseTicksByCpu(before), parseTicksByCpu(after));
    assert.deepEqual(
      use.map(({ id, busyRatio }) => [id, busyRatio]),
      want,
    );
  });
}
