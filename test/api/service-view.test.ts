import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceDocument } from '../../src/api/views/service.ts';
import { timeMs } from '../../src/base/units.ts';
import { specOf } from '../builders/document-site.ts';
import { ServiceBench } from '../engine/service-bench.ts';

const decision = {
  at: timeMs(5_000),
  replicas: 1,
  to: 1,
  proposals: [{ kind: 'asks', replicas: 3, value: 90_000 }],
  reason: 'cpu at 90 % of 70 % asks 3',
} as const;

test('what was decided of other metrics, before an update, is told of none', () => {
  const viewOf = (metrics: string) => {
    const text = `run: x\nservice: {}\nautoscaling: {metrics: [${metrics}]}\n`;
    const { service } = new ServiceBench(specOf(text));
    return serviceDocument(service, decision)!.autoscaling!.metrics.map(({ asks }) => asks);
  };
  assert.deepEqual(viewOf('{type: cpu, target: 70}'), [3]);
  assert.deepEqual(viewOf('{type: memory, target: 70}, {type: cpu, target: 70}'), [null, null]);
});
