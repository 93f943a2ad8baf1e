import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffInventory } from '../../src/inventory/diff-inventory.ts';
import { inventoryDocument } from '../../src/inventory/inventory-document.ts';
import type { InventoryDocument } from '../../src/inventory/inventory-schema.ts';
import { registry } from '../../src/inventory/registry.ts';
import { takeInventory } from '../../src/inventory/take-inventory.ts';
import { memoryHost } from './memory-host.ts';

const empty = inventoryDocument(await takeInventory(memoryHost({}), registry));

type Gpu = InventoryDocument['gpus'][number];
const gpu = (id: string, details: Record<string, unknown> = {}, more: Partial<Gpu> = {}): Gpu => ({
  id,
  vendor: 'nvidia',
  model: 'A100',
  memory_bytes: 80e9,
  pci_address: '0000:01:00.0',
  numa_node: 0,
  compute_capability: null,
  mig_enabled: false,
  mig: [],
  details,
  ...more,
});
const pci = (fields: Record<string, unknown>): Partial<InventoryDocument> => ({
  devices: { pci: [{ address: '0000:01:00.0', vendor_id: 1, device_id: 2, ...fields }] },
});
const smart = (fields: Record<string, unknown>): Partial<InventoryDocument> => ({
  storage: { smart: [{ serial: 'S1', device: '/dev/sda', ...fields }] },
});

const cases: Record<
  string,
  { before: Partial<InventoryDocument>; after: Partial<InventoryDocument>; want: readonly string[] }
> = {
  nothing: { before: {}, after: {}, want: [] },
  'a GPU appears': {
    before: {},
    after: { gpus: [gpu('G1')] },
    want: ['appeared gpu G1  null null'],
  },
  'a GPU vanishes': {
    before: { gpus: [gpu('G1')] },
    after: {},
    want: ['vanished gpu G1  null null'],
  },
  'a GPU in another slot is the same GPU': {
    before: { gpus: [gpu('G1')] },
    after: { gpus: [gpu('G1', {}, { pci_address: '0000:02:00.0' })] },
    want: [],
  },
  'errors that ECC could not correct': {
    before: { gpus: [gpu('G1', { ecc: { uncorrected_aggregate: 0 } })] },
    after: { gpus: [gpu('G1', { ecc: { uncorrected_aggregate: 2 } })] },
    want: ['degraded gpu G1 details.ecc.uncorrected_aggregate 0 2'],
  },
  'ECC switched off and on': {
    before: {
      gpus: [gpu('G1', { ecc: { enabled: false } }), gpu('G2', { ecc: { enabled: true } })],
    },
    after: {
      gpus: [gpu('G1', { ecc: { enabled: true } }), gpu('G2', { ecc: { enabled: false } })],
    },
    want: [
      'recovered gpu G1 details.ecc.enabled false true',
      'degraded gpu G2 details.ecc.enabled true false',
    ],
  },
  'a link with fewer lanes': {
    before: pci({ link: { speed: 16e9, width: 16 } }),
    after: pci({ link: { speed: 2.5e9, width: 8 } }),
    want: ['degraded pci 0000:01:00.0 link.width 16 8'],
  },
  'a link that only slows down, to save power': {
    before: pci({ link: { speed: 16e9, width: 16 } }),
    after: pci({ link: { speed: 2.5e9, width: 16 } }),
    want: [],
  },
  'another card in the slot': {
    before: pci({}),
    after: pci({ device_id: 3 }),
    want: ['vanished pci 0000:01:00.0  null null', 'appeared pci 0000:01:00.0  null null'],
  },
  'what became unknown says nothing': {
    before: pci({ link: { width: 16 } }),
    after: pci({ link: null }),
    want: [],
  },
  'a drive that is failing': {
    before: smart({ healthy: true, reallocated: 0 }),
    after: smart({ healthy: false, reallocated: 8 }),
    want: ['degraded smart S1 healthy true false', 'degraded smart S1 reallocated 0 8'],
  },
  'a disk is followed by its serial number, and disks only': {
    before: {
      storage: {
        block_devices: [
          { kind: 'disk', serial: 'X', name: 'sda', size_bytes: 9 },
          { kind: 'loop', name: 'loop0' },
        ],
      },
    },
    after: {
      storage: { block_devices: [{ kind: 'disk', serial: 'X', name: 'sdb', size_bytes: 9 }] },
    },
    want: [],
  },
  'an interface that lost speed': {
    before: {
      network: { network: [{ name: 'eth0', speed_bits_per_second: 1e10, carrier: true }] },
    },
    after: { network: { network: [{ name: 'eth0', speed_bits_per_second: 1e9, carrier: true }] } },
    want: ['degraded network eth0 speed_bits_per_second 10000000000 1000000000'],
  },
  'sections of another form are passed over': {
    before: { storage: { smart: 'none' }, devices: { pci: [null, 3, { address: null }] } },
    after: { storage: {}, devices: {} },
    want: [],
  },
};
for (const [name, tc] of Object.entries(cases)) {
  test(`what changed: ${name}`, () => {
    const changes = diffInventory({ ...empty, ...tc.before }, { ...empty, ...tc.after });
    const lines = changes.map(
      (c) => `${c.kind} ${c.what} ${c.id} ${c.field} ${c.before} ${c.after}`,
    );
    assert.deepEqual(lines, tc.want);
  });
}

test('CPUs that go offline and memory that is taken away', async () => {
  const files = (online: string, kibibytes: number) => ({
    '/proc/meminfo': `MemTotal: ${kibibytes} kB\n`,
    '/sys/devices/system/cpu/online': online,
    ...Object.fromEntries(
      [0, 1].map((n) => [`/sys/devices/system/cpu/cpu${n}/topology/core_cpus`, `${1 << n}`]),
    ),
  });
  const document = async (online: string, kibibytes: number) =>
    inventoryDocument(
      await takeInventory(memoryHost({ files: files(online, kibibytes) }), registry),
    );
  const changes = diffInventory(await document('0-1', 2048), await document('0', 1024));
  assert.deepEqual(
    changes.map((c) => `${c.kind} ${c.what} ${c.id} ${c.field}`),
    ['vanished cpu 1 ', 'degraded numa-node 0 memory_bytes', 'degraded memory total total_bytes'],
  );
});
