import type { HostReader } from '../host-reader.ts';
import { parsePciAddress } from '../parsers/pci.ts';
import { defineProbe } from '../probe.ts';
import { sysfsInteger } from '../sysfs.ts';

export type OsDeviceKind =
  | 'block'
  | 'memory'
  | 'net'
  | 'infiniband'
  | 'gpu'
  | 'dma'
  | 'coprocessor';

/** A device as the kernel names it, and where it hangs. Purely virtual ones (loop, bridges, lo) are left out. */
export interface OsDevice {
  readonly kind: OsDeviceKind;
  readonly name: string;
  /** The PCI function behind it; undefined for a platform device. */
  readonly pci: string | undefined;
  readonly numaNode: number | undefined;
  readonly isUsb: boolean;
  /** As /sys/devices has it, for whoever needs more of it. */
  readonly path: string;
}

interface DeviceClass {
  readonly kind: OsDeviceKind;
  readonly folder: string;
  /** A bus lists the device itself; a class lists a view whose `device` link leads to it. */
  readonly isBus?: true;
  keeps?(host: HostReader, folder: string, name: string): boolean;
}

/** A partition is no device, and neither is the fake InfiniBand port of an old coprocessor driver. */
const CLASSES: readonly DeviceClass[] = [
  {
    kind: 'block',
    folder: '/sys/class/block',
    keeps: (host, folder, name) => !host.exists(`${folder}/${name}/partition`),
  },
  {
    kind: 'memory',
    folder: '/sys/bus/dax/devices',
    isBus: true,
    // Those given to the kmem driver are NUMA nodes of their own.
    keeps: (host, _folder, name) => !host.exists(`/sys/bus/dax/drivers/kmem/${name}`),
  },
  { kind: 'net', folder: '/sys/class/net' },
  {
    kind: 'infiniband',
    folder: '/sys/class/infiniband',
    keeps: (_host, _folder, name) => !name.startsWith('scif'),
  },
  { kind: 'coprocessor', folder: '/sys/class/ve' },
  { kind: 'net', folder: '/sys/class/bxi' },
  { kind: 'net', folder: '/sys/class/cxi' },
  {
    kind: 'memory',
    folder: '/sys/bus/cxl/devices',
    isBus: true,
    keeps: (_host, _folder, name) => name.startsWith('mem'),
  },
  {
    kind: 'gpu',
    folder: '/sys/class/drm',
    // Connectors (`card0-DP-1`) have no device number.
    keeps: (host, folder, name) => host.exists(`${folder}/${name}/dev`),
  },
  { kind: 'dma', folder: '/sys/class/dma' },
];

const NAMES_MAX = 65_536;

export const osDevicesProbe = defineProbe<'os-devices', readonly OsDevice[]>({
  name: 'os-devices',
  cost: 'slow',
  read(host) {
    const found: OsDevice[] = [];
    for (const deviceClass of CLASSES) {
      const listing = host.list(deviceClass.folder);
      for (const name of listing.ok ? listing.value.slice(0, NAMES_MAX) : []) {
        const device = readDevice(host, deviceClass, name);
        if (device !== undefined) found.push(device);
      }
    }
    return found.length === 0 ? { kind: 'absent' } : { kind: 'found', value: found, problems: [] };
  },
});

function readDevice(host: HostReader, of: DeviceClass, name: string): OsDevice | undefined {
  const folder = `${of.folder}/${name}`;
  // Around Linux 2.6.18 the class entry was a folder, and only its `device` a link.
  const target = host.link(folder);
  const path = target.ok ? target : host.link(`${folder}/device`);
  if (!path.ok || path.value.includes('/virtual/')) return undefined;
  if (of.keeps !== undefined && !of.keeps(host, of.folder, name)) return undefined;
  const above = path.value.includes('/pci') ? path.value.split('/') : [];
  return {
    kind: of.kind,
    name,
    pci: above.findLast((part) => parsePciAddress(part) !== undefined),
    numaNode: readNumaNode(host, folder, of.isBus === true),
    isUsb: path.value.includes('/usb'),
    path: path.value,
  };
}

function readNumaNode(host: HostReader, folder: string, isBus: boolean): number | undefined {
  const files = isBus ? ['numa_node', '../numa_node'] : ['device/numa_node'];
  for (const file of files) {
    const node = sysfsInteger(host, `${folder}/${file}`);
    if (node !== undefined && node >= 0) return node;
  }
  return undefined;
}
