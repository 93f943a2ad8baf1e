import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bytes, milliGpu, spanMs } from '../../src/base/units.ts';
import type { AttemptId } from '../../src/model/ids.ts';
import { defaultScheduling } from '../../src/model/scheduling-config.ts';
import { benchWith } from '../builders/engine-bench.ts';
import { GIB, node, resources, step, workload } from '../builders/workload.ts';

const bench = (gpuAbsent?: 'cpu') =>
  benchWith(
    { scheduling: { ...defaultScheduling, ...(gpuAbsent && { gpuAbsent }) } },
    node('n', { cpu: 8_000 }),
  );
const request = { ...resources({ gpu: 500 }), gpuMemory: (4 * GIB) as Bytes };
const constraints = { gpuModels: ['a100'], gpuMemory: GIB as Bytes, labels: [] };
const train = workload('train', step('a', { request, constraints }));
const gpuNode = node('g', { cpu: 8_000, gpus: 1 });

test('without the key, what asks for a GPU is refused where there is none', () => {
  assert.deepEqual(bench().submit(train), ['refused never-fits']);
});

test('with it, it runs on CPU, whatever model it asked for, and the record says what it asked for', () => {
  const b = bench('cpu');
  assert.deepEqual(b.submit(train), ['workload-submitted', 'placed 1.a.0.1 on n']);
  const { task, placement } = b.engine.state.attempt('1.a.0.1' as AttemptId)!;
  assert.deepEqual(
    [placement.held.gpu, placement.held.gpuMemory, placement.gpus],
    [0, undefined, []],
  );
  assert.deepEqual(task.step.spec.inPlaceOf, { gpu: milliGpu(500), gpuMemory: 4 * GIB });
});

test('a lease is refused all the same: it is of a device, or of no use', () => {
  const hold = step('hold', { request, run: { kind: 'held', ttlMs: spanMs(1_000) } });
  assert.deepEqual(bench('cpu').submit({ ...workload('l', hold), kind: 'lease' }), [
    'refused never-fits',
  ]);
});

test('once there is a GPU, it is asked for again: by what comes, and by a run that is repeated', () => {
  const b = bench('cpu');
  const plain = workload('train', step('a', { request }));
  b.submit(plain);
  b.end('1.a.0.1', 'failed');
  b.join(gpuNode);
  const held = (id: string) => {
    const { placement, task } = b.engine.state.attempt(id as AttemptId)!;
    return [placement.node, placement.held.gpu > 0, task.step.spec.inPlaceOf];
  };
  assert.ok(b.retry('1').includes('placed 2.a.0.1 on g'));
  assert.deepEqual(held('2.a.0.1'), ['g', true, undefined]);
  assert.ok(b.submit(plain).includes('placed 3.a.0.1 on g'));
  assert.deepEqual(held('3.a.0.1'), ['g', true, undefined]);
});
