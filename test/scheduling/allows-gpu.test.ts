import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bytes } from '../../src/base/units.ts';
import type { Gpu } from '../../src/model/node.ts';
import { allowsGpu } from '../../src/scheduling/allows-gpu.ts';

const MIB = 1024 ** 2;
const tesla = { model: 'Tesla V100-SXM2-16GB', memory: 16_160 * MIB };
const radeon = { model: 'Instinct MI210', memory: 65_536 * MIB, vendor: 'amd' as const };

const cases: Record<
  string,
  [
    wanted: string,
    mib: number,
    gpu: { model: string; memory: number; vendor?: 'amd' },
    want: boolean,
  ]
> = {
  'its words, and its vendor, which the driver leaves out': ['nvidia-tesla-v100', 0, tesla, true],
  'another model': ['nvidia-a100', 0, tesla, false],
  'another vendor': ['amd-v100', 0, tesla, false],
  'the vendor that it says': ['amd-mi210', 0, radeon, true],
  'a vendor that it is not of': ['nvidia-mi210', 0, radeon, false],
  'its nominal memory, of which the driver keeps some': ['v100', 16_384, tesla, true],
  'more memory than it has': ['v100', 17_000, tesla, false],
};

for (const [name, [wanted, mib, gpu, want]] of Object.entries(cases)) {
  test(`${name}: ${want}`, () => {
    const constraints = { gpuModels: [wanted], gpuMemory: (mib * MIB) as Bytes, labels: [] };
    assert.equal(allowsGpu(constraints, gpu as Gpu), want);
  });
}
