import type { Fact } from './fact.ts';
import type { PciDevice } from './probes/pci.ts';
import type { Vertex } from './topology.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `31 GiB`, `1.5 MiB`: three digits at most, for people. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = value >= 10 || Number.isInteger(value) ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

export const bytesOr = (f: Fact<number>): string =>
  f.known ? formatBytes(f.value) : 'size unknown';

/** What one vertex is, in a few words. */
export function labelOf(v: Vertex): string {
  const number = v.number === undefined ? '' : ` ${v.number}`;
  switch (v.kind) {
    case 'memory':
      return `NUMA node ${v.number}: ${bytesOr(v.memory!.totalBytes)}${memoryWord(v)}`;
    case 'cache': {
      const letter = { data: 'd', instruction: 'i', unified: '' }[v.cache!.kind];
      return `L${v.cache!.level}${letter} ${bytesOr(v.cache!.sizeBytes)}`;
    }
    case 'thread':
      return `CPU ${v.number}`;
    case 'host-bridge':
      return `PCI bus ${hostBus(v)}`;
    case 'bridge':
    case 'pci':
      return pciLabel(v.pci!);
    case 'os-device':
      return `${v.device!.kind} ${v.device!.name}`;
    case 'machine':
      return 'Machine';
    default:
      return `${v.kind[0]!.toUpperCase()}${v.kind.slice(1)}${number}`;
  }
}

function memoryWord(v: Vertex): string {
  if (v.memory!.kind === 'gpu') return ` (memory of GPU ${v.memory!.gpu})`;
  return v.memory!.kind === 'memory' ? ' (no CPUs)' : '';
}

const hex = (n: number, width: number) => n.toString(16).padStart(width, '0');

const hostBus = (v: Vertex) =>
  v.number === undefined ? '' : `${hex(Math.floor(v.number / 256), 4)}:${hex(v.number % 256, 2)}`;

/** PCI class names of the PCI-SIG, of the classes that matter to whoever places work. */
const CLASS_NAMES: ReadonlyMap<number, string> = new Map([
  [0x0100, 'SCSI'],
  [0x0101, 'IDE'],
  [0x0104, 'RAID'],
  [0x0106, 'SATA'],
  [0x0107, 'SAS'],
  [0x0108, 'NVMe'],
  [0x0200, 'Ethernet'],
  [0x0207, 'InfiniBand'],
  [0x0280, 'network'],
  [0x0300, 'VGA'],
  [0x0302, '3D controller'],
  [0x0380, 'display'],
  [0x0502, 'CXL memory'],
  [0x0600, 'host bridge'],
  [0x0601, 'ISA bridge'],
  [0x0604, 'PCI bridge'],
  [0x0b40, 'coprocessor'],
  [0x0c03, 'USB'],
  [0x0c04, 'fibre channel'],
  [0x0c06, 'InfiniBand'],
  [0x1200, 'accelerator'],
]);

function pciLabel(device: PciDevice): string {
  const id = device.class.known ? device.class.value >> 8 : undefined;
  const name = id === undefined ? 'PCI' : (CLASS_NAMES.get(id) ?? `class ${hex(id, 4)}`);
  const { vendorId, deviceId, link } = device;
  const ids =
    vendorId.known && deviceId.known ? ` ${hex(vendorId.value, 4)}:${hex(deviceId.value, 4)}` : '';
  const speed = link.known ? `, ${link.value.speed / 1e9} GT/s ×${link.value.width}` : '';
  return `${device.address} ${name}${ids}${speed}`;
}
