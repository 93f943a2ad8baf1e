import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UseWindow } from '../../src/autoscaling/use-window.ts';

const WINDOW_MS = 15_000;
const after = (...readings: readonly [s: number, cpuMs: number][]): number | undefined => {
  const window = new UseWindow();
  for (const [s, cpuMs] of readings) {
    window.note({ atMs: s * 1_000, cpuUs: cpuMs * 1_000 }, WINDOW_MS);
  }
  return window.milliCpu(WINDOW_MS);
};

const cases: Record<string, { readings: [number, number][]; want: number | undefined }> = {
  'nothing was read': { readings: [], want: undefined },
  'the window is not full': {
    readings: [
      [0, 0],
      [14, 7_000],
    ],
    want: undefined,
  },
  'half a CPU': {
    readings: [
      [0, 1_000],
      [5, 3_500],
      [10, 6_000],
      [15, 8_500],
    ],
    want: 500,
  },
  'what is older than the window is forgotten': {
    readings: [
      [0, 0],
      [5, 5_000],
      [10, 10_000],
      [15, 10_000],
      [20, 10_000],
      [25, 10_000],
    ],
    want: 0,
  },
  'a counter that went back begins anew': {
    readings: [
      [0, 9_000],
      [5, 9_500],
      [20, 100],
    ],
    want: undefined,
  },
  'and is known again after a window': {
    readings: [
      [0, 9_000],
      [5, 100],
      [20, 3_100],
    ],
    want: 200,
  },
  'a reading of the same moment adds nothing': {
    readings: [
      [0, 0],
      [0, 500],
      [15, 1_500],
    ],
    want: 100,
  },
  'a long silence is averaged': {
    readings: [
      [0, 0],
      [60, 30_000],
    ],
    want: 500,
  },
};
for (const [name, { readings, want }] of Object.entries(cases)) {
  test(name, () => assert.equal(after(...readings), want));
}
