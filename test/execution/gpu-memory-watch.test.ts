import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes } from '../../src/base/units.ts';
import {
  lookAtShares,
  parseComputeApps,
  type ShareHolder,
} from '../../src/execution/gpu-memory-watch.ts';
import { id, MIB } from './rig.ts';

/** As recorded of an H100 under load with driver 590.48.01. */
const recorded = `timestamp, gpu_name, gpu_bus_id, gpu_serial, gpu_uuid, pid, process_name, used_gpu_memory [MiB]
2026/07/14 08:12:53.500, NVIDIA H100 80GB HBM3, 00000000:00:09.0, 0000000000000, GPU-00000000-0000-0000-0000-000000000000, 11327, /root/tools/memhog, 2566 MiB
2026/07/14 08:12:53.500, NVIDIA H100 80GB HBM3, 00000000:00:09.0, 0000000000000, GPU-00000000-0000-0000-0000-000000000000, 11328, /root/tools/memhog, 1542 MiB
2026/07/14 08:12:53.500, NVIDIA H100 80GB HBM3, 00000000:00:09.0, 0000000000000, GPU-00000000-0000-0000-0000-000000000000, 11345, ./gpu_burn, 15690 MiB
`;
const gpu = 'GPU-00000000-0000-0000-0000-000000000000';

test('what each process holds of a GPU is read from a recorded answer', () => {
  assert.deepEqual(
    parseComputeApps(recorded)?.map(({ pid, memory }) => [pid, memory / MIB]),
    [
      [11327, 2566],
      [11328, 1542],
      [11345, 15690],
    ],
  );
});

test('nobody on the GPU is nobody, unknown is left out, and another text is no answer', () => {
  const head = 'gpu_uuid, pid, used_gpu_memory [MiB]\n';
  assert.deepEqual(parseComputeApps(head), []);
  assert.deepEqual(parseComputeApps(`${head}${gpu}, 12, [N/A]\n`), []);
  assert.equal(parseComputeApps('No devices were found\n'), undefined);
});

const holder = (n: number, share: number, pids: number[]): ShareHolder => ({
  attempt: id(n),
  gpu,
  share: bytes(share * MIB),
  pids: new Set(pids),
});

test('a tree over its share is stopped at the second look, with the figures', () => {
  const uses = parseComputeApps(recorded)!;
  const holders = [holder(1, 4000, [11327, 11328]), holder(2, 16_000, [11345])];
  const first = lookAtShares(uses, holders, new Set());
  assert.deepEqual([[...first.over], first.stop], [[id(1)], []]);
  const second = lookAtShares(uses, holders, first.over);
  assert.deepEqual(second.stop, [
    {
      attempt: id(1),
      note: `gpu-memory: it used 4108 MiB of ${gpu}, and its share is 4000 MiB`,
    },
  ]);
});

test('a share that is just used up, or used on another GPU, is not too much', () => {
  const uses = parseComputeApps(recorded)!;
  const just = holder(1, 4108, [11327, 11328]);
  const elsewhere = { ...holder(2, 1, [11345]), gpu: 'GPU-1' };
  const look = lookAtShares(uses, [just, elsewhere], new Set([id(1), id(2)]));
  assert.deepEqual([[...look.over], look.stop], [[], []]);
});
