import { inventoryDocument } from '../../src/inventory/inventory-document.ts';
import type { InventoryDocument } from '../../src/inventory/inventory-schema.ts';
import { registry } from '../../src/inventory/registry.ts';
import { takeInventory } from '../../src/inventory/take-inventory.ts';
import { memoryHost } from '../inventory/memory-host.ts';

const CPU = '/sys/devices/system/cpu';

/** Two cores, four GiB and one disk, of a kernel that tells little else. */
export async function smallMachine(): Promise<InventoryDocument> {
  const files: Record<string, string> = {
    '/proc/meminfo': 'MemTotal: 4194304 kB\nMemFree: 2097152 kB\nMemAvailable: 3145728 kB\n',
    '/proc/cpuinfo': 'processor : 0\nprocessor : 1\n',
    [`${CPU}/online`]: '0-1\n',
    '/sys/block/vda/size': '67108864\n',
    '/sys/block/vda/dev': '254:0\n',
  };
  for (const id of [0, 1]) {
    files[`${CPU}/cpu${id}/topology/core_cpus`] = `${1 << id}\n`;
    files[`${CPU}/cpu${id}/topology/package_cpus`] = '3\n';
    files[`${CPU}/cpu${id}/topology/core_id`] = `${id}\n`;
    files[`${CPU}/cpu${id}/topology/physical_package_id`] = '0\n';
  }
  return inventoryDocument(await takeInventory(memoryHost({ files }), registry));
}
