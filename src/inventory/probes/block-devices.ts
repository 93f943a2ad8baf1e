import { type Fact, fact, unknown } from '../fact.ts';
import { count, words, yesNo } from '../parsers/scalars.ts';
import { defineProbe } from '../probe.ts';
import { Attributes, lastPciAddress } from './attributes.ts';

export type BlockKind = 'disk' | 'loop' | 'dm' | 'md' | 'optical' | 'zram' | 'floppy';
export type Medium = 'ssd' | 'hdd' | 'nvme' | 'virtual';

export interface BlockDevice {
  readonly name: string;
  readonly kind: BlockKind;
  /** `8:0`. */
  readonly device: Fact<string>;
  readonly sizeBytes: Fact<number>;
  /** What the data lies on. Of a stacked device: what all its parts lie on, unknown when they differ. */
  readonly medium: Fact<Medium>;
  readonly interface: Fact<string>;
  /** As the kernel says, and unknown for a virtual disk: hypervisors leave the flag at any value. */
  readonly rotational: Fact<boolean>;
  readonly removable: Fact<boolean>;
  readonly readOnly: Fact<boolean>;
  readonly vendor: Fact<string>;
  readonly model: Fact<string>;
  readonly serial: Fact<string>;
  readonly scheduler: Fact<string>;
  readonly schedulers: Fact<readonly string[]>;
  /** Requests that may wait in the queue of the block layer. */
  readonly queueRequests: Fact<number>;
  readonly readAheadBytes: Fact<number>;
  readonly logicalBlockBytes: Fact<number>;
  readonly physicalBlockBytes: Fact<number>;
  readonly writeCache: Fact<string>;
  readonly numaNode: Fact<number>;
  readonly pciAddress: Fact<string>;
  /** Of a dm or md device: its own name, and what makes it (`LVM`, `CRYPT`, `mpath`, `raid1`). */
  readonly stackName: Fact<string>;
  readonly stackType: Fact<string>;
  /** What this device is made of, and what is made of it. */
  readonly slaves: readonly string[];
  readonly holders: readonly string[];
  readonly partitions: readonly Partition[];
}

export interface Partition {
  readonly name: string;
  readonly number: Fact<number>;
  readonly device: Fact<string>;
  readonly startBytes: Fact<number>;
  readonly sizeBytes: Fact<number>;
  readonly holders: readonly string[];
}

const DEVICES_MAX = 4096;

/** Disks, partitions and what is stacked on them, from /sys/block. */
export const blockDevicesProbe = defineProbe({
  name: 'block-devices',
  cost: 'slow',
  read(host) {
    const listed = host.list('/sys/block');
    if (!listed.ok) {
      return listed.problem.kind === 'absent'
        ? { kind: 'absent' }
        : { kind: 'failed', problem: listed.problem };
    }
    const attributes = new Attributes(host);
    const devices = listed.value
      .slice(0, DEVICES_MAX)
      .filter((name) => !isUnused(name, attributes))
      .map((name) => blockDevice(name, attributes));
    if (devices.length === 0) return { kind: 'absent' };
    return { kind: 'found', value: withStackMedia(devices), problems: attributes.problems };
  },
});

/** Ram disks and loops without a file are made ahead of use by the hundred; lsblk leaves them out, too. */
function isUnused(name: string, attributes: Attributes): boolean {
  if (/^ram\d+$/.test(name)) return true;
  return /^loop\d+$/.test(name) && attributes.text(`/sys/block/${name}/size`) === '0';
}

const sectors = (text: string) => {
  const n = count(text);
  return n === undefined || n > 2 ** 44 ? undefined : n * 512;
};
const kibibytes = (text: string) => {
  const n = count(text);
  return n === undefined || n > 2 ** 42 ? undefined : n * 1024;
};
const majorMinor = (text: string) => /^\d{1,6}:\d{1,8}$/.exec(text)?.[0];

function blockDevice(name: string, attributes: Attributes): BlockDevice {
  const at = `/sys/block/${name}`;
  const real = attributes.link(at) ?? '';
  const pci = lastPciAddress(real);
  const kind = kindOf(name);
  const bus = busOf(name, real);
  const vendor = attributes.fact(`${at}/device/vendor`, words, 'firmware');
  const model = attributes.fact(`${at}/device/model`, words, 'firmware');
  const virtual = kind === 'disk' && isVirtual(bus, vendor, model);
  const rotational = attributes.fact(`${at}/queue/rotational`, yesNo);
  const schedulers = attributes.text(`${at}/queue/scheduler`);
  const chosen = /\[([\w-]+)\]/.exec(schedulers ?? '')?.[1];
  return {
    name,
    kind,
    device: attributes.fact(`${at}/dev`, majorMinor),
    sizeBytes: attributes.fact(`${at}/size`, sectors),
    medium: mediumOf(kind, bus, virtual, rotational),
    interface: bus === undefined ? unknown('not-reported') : fact(bus, 'kernel'),
    rotational: virtual ? unknown('not-reported') : rotational,
    removable: attributes.fact(`${at}/removable`, yesNo),
    readOnly: attributes.fact(`${at}/ro`, yesNo),
    // A virtio disk has the number of its PCI vendor there, which names nobody.
    vendor: vendor.known && /^0x/.test(vendor.value) ? unknown('not-reported') : vendor,
    model,
    serial: serialOf(at, attributes),
    scheduler: chosen === undefined ? unknown('not-reported') : fact(chosen, 'kernel'),
    schedulers:
      schedulers === undefined || schedulers === ''
        ? unknown('not-reported')
        : fact(schedulers.replaceAll(/[[\]]/g, '').split(/\s+/), 'kernel'),
    queueRequests: attributes.fact(`${at}/queue/nr_requests`, count),
    readAheadBytes: attributes.fact(`${at}/queue/read_ahead_kb`, kibibytes),
    logicalBlockBytes: attributes.fact(`${at}/queue/logical_block_size`, count),
    physicalBlockBytes: attributes.fact(`${at}/queue/physical_block_size`, count),
    writeCache: attributes.fact(`${at}/queue/write_cache`, words),
    numaNode: attributes.numaNode(`${at}/device`, pci),
    pciAddress: pci === undefined ? unknown('not-reported') : fact(pci, 'kernel'),
    ...stackOf(at, kind, attributes),
    slaves: attributes.list(`${at}/slaves`),
    holders: attributes.list(`${at}/holders`),
    partitions: attributes
      .list(at)
      .filter((entry) => entry.startsWith(name) && /^p?\d+$/.test(entry.slice(name.length)))
      .map((entry) => partition(at, entry, attributes)),
  };
}

function kindOf(name: string): BlockKind {
  if (name.startsWith('loop')) return 'loop';
  if (name.startsWith('dm-')) return 'dm';
  if (/^md/.test(name)) return 'md';
  if (/^sr\d/.test(name)) return 'optical';
  if (name.startsWith('zram')) return 'zram';
  return /^fd\d/.test(name) ? 'floppy' : 'disk';
}

/** The nearest bus on the way to the device, from its path under /sys/devices, else from its name. */
function busOf(name: string, real: string): string | undefined {
  if (name.startsWith('nvme')) return 'nvme';
  if (/\/virtio\d+\//.test(real) || /^vd[a-z]/.test(name)) return 'virtio';
  if (/\/vbd-\d/.test(real) || /^xvd[a-z]/.test(name)) return 'xen';
  if (/\/usb\d+\//.test(real)) return 'usb';
  if (/\/ata\d+\//.test(real)) return 'sata';
  if (/\/end_device-/.test(real)) return 'sas';
  if (/\/mmc_host\//.test(real) || name.startsWith('mmcblk')) return 'mmc';
  if (/\/rport-/.test(real)) return 'fibre-channel';
  if (/\/session\d+\//.test(real)) return 'iscsi';
  return /^(sd|sr)[a-z\d]/.test(name) ? 'scsi' : undefined;
}

/** Vendors and models by which hypervisors and clouds name the disks that they emulate. */
const emulated =
  /^(QEMU|VMware|VBOX|Msft|Virtual|Google|Amazon|XEN|Nutanix|OracleBlockVolume)|Virtual[ _-]?Disk|Elastic Block Store|nvme_card-pd|PersistentDisk|QEMU NVMe/i;

function isVirtual(bus: string | undefined, vendor: Fact<string>, model: Fact<string>): boolean {
  if (bus === 'virtio' || bus === 'xen') return true;
  return [vendor, model].some((f) => f.known && emulated.test(f.value));
}

function mediumOf(
  kind: BlockKind,
  bus: string | undefined,
  virtual: boolean,
  rotational: Fact<boolean>,
): Fact<Medium> {
  if (kind === 'loop' || kind === 'zram' || virtual) return fact('virtual', 'kernel');
  if (kind !== 'disk') return unknown('not-reported');
  if (bus === 'nvme') return fact('nvme', 'kernel');
  if (bus === 'mmc') return fact('ssd', 'kernel');
  return rotational.known ? fact(rotational.value ? 'hdd' : 'ssd', 'kernel') : rotational;
}

function serialOf(at: string, attributes: Attributes): Fact<string> {
  const own = attributes.fact(`${at}/serial`, words, 'firmware');
  return own.known ? own : attributes.fact(`${at}/device/serial`, words, 'firmware');
}

function stackOf(
  at: string,
  kind: BlockKind,
  attributes: Attributes,
): Pick<BlockDevice, 'stackName' | 'stackType'> {
  if (kind === 'dm') {
    return {
      stackName: attributes.fact(`${at}/dm/name`, words),
      stackType: attributes.fact(`${at}/dm/uuid`, (uuid) => /^[A-Za-z]+/.exec(uuid)?.[0]),
    };
  }
  if (kind === 'md') {
    return {
      stackName: unknown('not-reported'),
      stackType: attributes.fact(`${at}/md/level`, words),
    };
  }
  return { stackName: unknown('absent'), stackType: unknown('absent') };
}

function partition(at: string, name: string, attributes: Attributes): Partition {
  return {
    name,
    number: attributes.fact(`${at}/${name}/partition`, count),
    device: attributes.fact(`${at}/${name}/dev`, majorMinor),
    startBytes: attributes.fact(`${at}/${name}/start`, sectors),
    sizeBytes: attributes.fact(`${at}/${name}/size`, sectors),
    holders: attributes.list(`${at}/${name}/holders`),
  };
}

/** Gives dm and md devices the medium that all their parts share. Stacks of stacks settle in turn. */
function withStackMedia(devices: readonly BlockDevice[]): readonly BlockDevice[] {
  const byName = new Map<string, BlockDevice>();
  for (const device of devices) {
    byName.set(device.name, device);
    for (const part of device.partitions) byName.set(part.name, device);
  }
  const mediumBelow = (device: BlockDevice, depth: number): Fact<Medium> => {
    if (device.kind !== 'dm' && device.kind !== 'md') return device.medium;
    if (depth === 0 || device.slaves.length === 0) return unknown('not-reported');
    const media = device.slaves.map((name) => {
      const below = byName.get(name);
      return below === undefined ? unknown('not-reported') : mediumBelow(below, depth - 1);
    });
    const first = media[0]!;
    return first.known && media.every((m) => m.known && m.value === first.value)
      ? first
      : unknown('not-reported');
  };
  // Eight layers is more than any stack has; a loop of slaves ends there too.
  return devices.map((device) => ({ ...device, medium: mediumBelow(device, 8) }));
}
