import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldReadings } from '../../src/app/held-readings.ts';
import type { Reading } from '../../src/telemetry/metric.ts';

const cpu = (value: number): Reading => ({ name: 'cpu', labels: {}, value });
const gpu = (index: string, value: number): Reading => {
  return { name: 'gpu', labels: { index }, value };
};

test('what comes between two ticks that are kept is kept with the next, the newest of each series', () => {
  const held = new HeldReadings();
  assert.deepEqual(held.take([cpu(1)]), [cpu(1)]);
  held.hold([cpu(2), gpu('0', 20)]);
  held.hold([cpu(3), gpu('1', 30)]);
  held.hold([cpu(4), gpu('0', 40)]);
  assert.deepEqual(held.take([cpu(5)]), [cpu(5), gpu('0', 40), gpu('1', 30)]);
  assert.deepEqual(held.take([cpu(6)]), [cpu(6)]);
});
