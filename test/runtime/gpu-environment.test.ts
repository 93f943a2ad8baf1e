import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes } from '../../src/base/units.ts';
import type { Gpu } from '../../src/model/node.ts';
import { gpuEnvironment } from '../../src/runtime/gpu-environment.ts';
import { resources } from '../builders/workload.ts';

const GIB = 1024 ** 3;
const gpu = (id: string, more: Partial<Gpu> = {}): Gpu => ({
  id,
  model: 'm',
  memory: bytes(40 * GIB),
  ...more,
});
const amd = (id: string) => gpu(id, { vendor: 'amd' });
const nothing = { CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'void' };

const cases: Record<
  string,
  { gpus: readonly string[]; held?: number; devices: readonly Gpu[]; want: Record<string, string> }
> = {
  'no GPU: none is seen': { gpus: [], devices: [gpu('GPU-1')], want: nothing },
  'no GPU, and neither AMD’s': {
    gpus: [],
    devices: [gpu('GPU-1'), amd('0xAB')],
    want: { ...nothing, ROCR_VISIBLE_DEVICES: '', HIP_VISIBLE_DEVICES: '-1' },
  },
  'two whole ones': {
    gpus: ['GPU-1', 'GPU-3'],
    held: 2000,
    devices: [gpu('GPU-1'), gpu('GPU-2'), gpu('GPU-3')],
    want: { CUDA_VISIBLE_DEVICES: 'GPU-1,GPU-3', NVIDIA_VISIBLE_DEVICES: 'GPU-1,GPU-3' },
  },
  'an instance of MIG by its UUID': {
    gpus: ['MIG-7'],
    held: 142,
    devices: [gpu('MIG-7', { mig: { kind: 'instance', profile: '1g.5gb' } })],
    want: { CUDA_VISIBLE_DEVICES: 'MIG-7', NVIDIA_VISIBLE_DEVICES: 'MIG-7' },
  },
  'AMD’s by what ROCr calls them, and then from 0': {
    gpus: ['0xADFE1234', '1'],
    held: 2000,
    devices: [amd('0xADFE1234'), amd('1'), gpu('GPU-1')],
    want: {
      ...nothing,
      ROCR_VISIBLE_DEVICES: 'GPU-00000000adfe1234,1',
      HIP_VISIBLE_DEVICES: '0,1',
    },
  },
  'a share is told its memory': {
    gpus: ['GPU-1'],
    held: 250,
    devices: [gpu('GPU-1')],
    want: {
      CUDA_VISIBLE_DEVICES: 'GPU-1',
      NVIDIA_VISIBLE_DEVICES: 'GPU-1',
      BERTH_GPU_MEMORY_BYTES: String(10 * GIB),
    },
  },
  'a share under MPS is held to its part of the compute and the memory': {
    gpus: ['GPU-1'],
    held: 251,
    devices: [gpu('GPU-1', { sharing: { kind: 'mps' } })],
    want: {
      CUDA_VISIBLE_DEVICES: 'GPU-1',
      NVIDIA_VISIBLE_DEVICES: 'GPU-1',
      BERTH_GPU_MEMORY_BYTES: String(Math.floor(0.251 * 40 * GIB)),
      CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '26',
      CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: '0=10280M',
    },
  },
  'a device that has left meanwhile is still named': {
    gpus: ['GPU-9'],
    held: 500,
    devices: [],
    want: { CUDA_VISIBLE_DEVICES: 'GPU-9', NVIDIA_VISIBLE_DEVICES: 'GPU-9' },
  },
};
for (const [name, { gpus, held = 0, devices, want }] of Object.entries(cases)) {
  test(`devices of a task: ${name}`, () => {
    const placement = {
      node: 'n' as never,
      held: resources({ gpu: held }),
      gpus,
      memoryLimit: bytes(0),
    };
    assert.deepEqual(gpuEnvironment(placement, devices), want);
  });
}
