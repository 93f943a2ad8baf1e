import { join } from 'node:path';
import { inventoryDocument } from '../../src/inventory/inventory-document.ts';
import type { InventoryDocument } from '../../src/inventory/inventory-schema.ts';
import { openHostReader } from '../../src/inventory/io/host-reader.ts';
import { registry } from '../../src/inventory/registry.ts';
import { takeInventory } from '../../src/inventory/take-inventory.ts';
import { dataFolder, unpackTree, writeTree } from '../inventory/fixtures.ts';
import { memoryHost } from '../inventory/memory-host.ts';
import { captureSections, recorded } from '../inventory/recorded.ts';

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

/** Why recorded machines cannot be shown here, or false. */
export const noMachines: string | false =
  dataFolder('hosts/hwloc') === undefined && 'no recorded hosts';

/** A tree of data/hosts/hwloc, as the probes read it; with what programs of drivers printed elsewhere. */
async function recordedMachine(
  archive: string,
  files: Readonly<Record<string, string>> = {},
): Promise<InventoryDocument> {
  const tree = unpackTree(join(dataFolder('hosts/hwloc')!, `${archive}.tar.gz`));
  writeTree(tree, files);
  return inventoryDocument(await takeInventory(openHostReader({ sysroot: tree }), registry));
}

const QUERY = 'nvidia-smi --query-gpu=index,pci.bus_id,compute_cap,uuid --format=csv';
const hex = (n: number): string => n.toString(16).padStart(2, '0');
const uuid = (n: number): string => `GPU-${hex(n).repeat(4)}-0000-0000-0000-000000000000`;
const bus = (n: number): string => `0000:${hex(0xa0 + n)}:00.0`;

/** Two sockets with the report of one recorded H100, eight times, and a recorded NVLink matrix. */
function eightGpus(): Promise<InventoryDocument> {
  const capture = recorded('nvidia-smi/linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01.txt');
  const report = captureSections(capture).get('load :: query (-q)')!;
  const at = report.search(/^GPU [0-9A-F]{8}:/m);
  const gpus = Array.from({ length: 8 }, (_, i) =>
    report
      .slice(at)
      .replace(/^GPU \S+/, `GPU 0000${bus(i)}`)
      .replace(/(GPU UUID +: ).*/, `$1${uuid(i)}`)
      .replace(/(Bus Id +: ).*/, `$10000${bus(i)}`),
  );
  const rows = gpus.map((_, i) => `${i}, 0000${bus(i)}, 9.0, ${uuid(i)}`);
  const nodes = gpus.map((_, i) => [
    `sys/bus/pci/devices/${bus(i)}/numa_node`,
    `${i < 4 ? 0 : 1}\n`,
  ]);
  return recordedMachine('32em64t-2n8c+dax+nvme+mic+dimms', {
    '.berth-commands/nvidia-smi -q -x': `${report.slice(0, at)}${gpus.join('\n')}`,
    '.berth-commands/nvidia-smi topo -m': recorded('nvidia-smi/topo/h100-8gpu-nvswitch-12nic.txt'),
    [`.berth-commands/${QUERY}`]: `index, pci.bus_id, compute_cap, uuid\n${rows.join('\n')}\n`,
    ...Object.fromEntries(nodes),
  });
}

function migServer(): Promise<InventoryDocument> {
  return recordedMachine('16em64t-4s2c2t-offlines', {
    '.berth-commands/nvidia-smi -q -x': recorded('nvidia-smi/a100-sxm4-v12.xml'),
  });
}

/** By what they show. */
export const machines = {
  'eight-gpus': eightGpus,
  mig: migServer,
  'four-sockets': () => recordedMachine('64amd64-4s2n4ca2co'),
  'dgx-gb10': () => recordedMachine('nvidia-dgx-gb10'),
  hybrid: () => recordedMachine('20em64t-hybrid-1p6c2t+2ca4co1t'),
} satisfies Record<string, () => Promise<InventoryDocument>>;
