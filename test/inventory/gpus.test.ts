import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestGpuSet } from '../../src/inventory/gpu-sets.ts';
import { inventoryDocument } from '../../src/inventory/inventory-document.ts';
import { registry } from '../../src/inventory/registry.ts';
import { takeInventory } from '../../src/inventory/take-inventory.ts';
import { toNode } from '../../src/inventory/to-node.ts';
import { linkBetween } from '../../src/inventory/topology-queries.ts';
import type { NodeId } from '../../src/model/ids.ts';
import { memoryHost } from './memory-host.ts';
import { noRecordings, recorded } from './recorded.ts';

const matrix =
  '\tGPU0\tGPU1\tCPU Affinity\tNUMA Affinity\nGPU0\t X \tNV4\t0-3\t0\nGPU1\tNV4\t X \t0-3\t0\n';

test('two GPUs of a driver join the topology, the checks and the node', {
  skip: noRecordings,
}, async () => {
  const xml = recorded('nvidia-smi/dual_2070-v13.xml');
  const ids = [...xml.matchAll(/<gpu id="([^"]+)">/g)].map((m) => m[1]!);
  const uuids = [...xml.matchAll(/<uuid>(GPU-[^<]+)</g)].map((m) => m[1]!);
  const addresses = ids.map((id) => id.slice(4).toLowerCase());
  const rows = ids.map((id, i) => `${i}, ${id}, 7.5, ${uuids[i]}`);
  const pci = (address: string) => `/sys/bus/pci/devices/${address}`;
  const host = memoryHost({
    programs: {
      'nvidia-smi -q -x': xml,
      'nvidia-smi topo -m': matrix,
      'nvidia-smi --query-gpu=index,pci.bus_id,compute_cap,uuid --format=csv': `index, pci.bus_id, compute_cap, uuid\n${rows.join('\n')}\n`,
    },
    files: {
      '/sys/devices/system/cpu/online': '0',
      '/sys/devices/system/cpu/cpu0/topology/core_cpus': '1',
      ...Object.fromEntries(
        addresses.flatMap((address) => [
          [`${pci(address)}/class`, '0x030000\n'],
          [`${pci(address)}/vendor`, '0x10de\n'],
        ]),
      ),
    },
  });
  const inventory = await takeInventory(host, registry);
  const [first, second] = addresses as [string, string];
  assert.deepEqual(linkBetween(inventory.topology!, second, first), {
    between: [first, second],
    kind: 'NV',
    lanes: 4,
  });
  assert.deepEqual(bestGpuSet(inventory.topology!, addresses, 2), addresses);
  const check = inventory.checks.find((c) => c.name.startsWith('GPUs'));
  assert.equal(check?.status, 'agrees');
  const node = toNode(inventory, 'n' as NodeId);
  assert.deepEqual(
    node.gpus.map((g) => g.id),
    uuids,
  );
  assert.ok(node.gpus.every((g) => g.memory > 7e9));
  assert.equal(inventoryDocument(inventory).topology!.gpu_links.length, 1);
});
