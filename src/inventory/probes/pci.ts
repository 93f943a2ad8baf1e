import { EMPTY_SET, type IdSet } from '../cpu-set.ts';
import { type Fact, fact, unknown } from '../fact.ts';
import type { HostReader } from '../host-reader.ts';
import { readSystemNames } from '../machine-name.ts';
import {
  type BridgeBuses,
  bridgeBuses,
  checkedBuses,
  expressLink,
  type PciAddress,
  type PciLink,
  parseHex,
  parsePciAddress,
} from '../parsers/pci.ts';
import { parseTransferRate } from '../parsers/sizes.ts';
import { defineProbe } from '../probe.ts';
import { parseInteger, sysfsFact, sysfsInteger, sysfsMask, sysfsText } from '../sysfs.ts';

const PCI_FOLDER = '/sys/bus/pci/devices';

export interface PciDevice {
  /** `0000:3b:00.0` */
  readonly address: string;
  readonly place: PciAddress;
  /** Base class, subclass and programming interface: 0x030200 is a 3D controller. */
  readonly class: Fact<number>;
  readonly vendorId: Fact<number>;
  readonly deviceId: Fact<number>;
  readonly subsystemVendorId: Fact<number>;
  readonly subsystemDeviceId: Fact<number>;
  readonly driver: Fact<string>;
  /** The bridge that it hangs on; undefined at a root bus. */
  readonly parent: string | undefined;
  /** Set when this is a PCI-to-PCI bridge with numbered buses. */
  readonly bridge: BridgeBuses | undefined;
  /** A bridge whose buses firmware left unnumbered: nothing can hang on it. */
  readonly isUnnumberedBridge: boolean;
  readonly numaNode: Fact<number>;
  readonly localCpus: IdSet;
  readonly link: Fact<PciLink>;
  readonly maxLink: Fact<PciLink>;
  /** The physical function of a virtual one (SR-IOV). */
  readonly physicalFunction: string | undefined;
  readonly virtualFunctions: Fact<number>;
}

const BRIDGE_CLASS = 0x0604;
const CONFIG_BYTES_MAX = 4096;
const DEVICES_MAX = 65_536;

export const pciProbe = defineProbe<'pci', readonly PciDevice[]>({
  name: 'pci',
  cost: 'slow',
  read(host) {
    const listing = host.list(PCI_FOLDER);
    if (!listing.ok) {
      return listing.problem.kind === 'absent'
        ? { kind: 'absent' }
        : { kind: 'failed', problem: listing.problem };
    }
    const devices: PciDevice[] = [];
    const needsConfig = isBefore413(readSystemNames(host).release);
    for (const address of listing.value.slice(0, DEVICES_MAX)) {
      const place = parsePciAddress(address);
      if (place !== undefined) devices.push(readDevice(host, address, place, needsConfig));
    }
    if (devices.length === 0) return { kind: 'absent' };
    return { kind: 'found', value: withParents(host, devices), problems: [] };
  },
});

function readDevice(
  host: HostReader,
  address: string,
  place: PciAddress,
  needsConfig: boolean,
): PciDevice {
  const folder = `${PCI_FOLDER}/${address}`;
  const hex = (file: string) => sysfsFact(host, `${folder}/${file}`, parseHex);
  const deviceClass = hex('class');
  const isBridge = deviceClass.known && deviceClass.value >> 8 === BRIDGE_CLASS;
  const config = needsConfig ? readConfig(host, folder) : undefined;
  const header = isBridge ? bridgeHeader(host, folder, place.bus, config) : undefined;
  return {
    address,
    place,
    class: deviceClass,
    vendorId: hex('vendor'),
    deviceId: hex('device'),
    subsystemVendorId: hex('subsystem_vendor'),
    subsystemDeviceId: hex('subsystem_device'),
    driver: driverOf(host, folder),
    parent: undefined,
    bridge: header === 'unnumbered' ? undefined : header,
    isUnnumberedBridge: header === 'unnumbered',
    numaNode: sysfsFact(host, `${folder}/numa_node`, notNegative),
    localCpus: sysfsMask(host, `${folder}/local_cpus`) ?? EMPTY_SET,
    ...links(host, folder, config),
    physicalFunction: nameOfLink(host, `${folder}/physfn`),
    virtualFunctions: sysfsFact(host, `${folder}/sriov_numvfs`, notNegative),
  };
}

/**
 * Since Linux 4.13 a bridge's buses and a link's speed have files of their own. Before, they are in the
 * configuration space; reading that reaches the device and takes milliseconds, so it is done only there,
 * and where a tree was recorded without the name of its kernel.
 */
function isBefore413(release: string | undefined): boolean {
  const [major, minor] = (release ?? '').split('.').map(Number);
  if (major === undefined || minor === undefined || Number.isNaN(major + minor)) return true;
  return major < 4 || (major === 4 && minor < 13);
}

function readConfig(host: HostReader, folder: string): Uint8Array | undefined {
  const read = host.bytes(`${folder}/config`, CONFIG_BYTES_MAX);
  return read.ok ? read.value : undefined;
}

function bridgeHeader(
  host: HostReader,
  folder: string,
  bus: number,
  config: Uint8Array | undefined,
): BridgeBuses | 'unnumbered' | undefined {
  const secondary = sysfsInteger(host, `${folder}/secondary_bus_number`);
  const subordinate = sysfsInteger(host, `${folder}/subordinate_bus_number`);
  if (secondary !== undefined && subordinate !== undefined) {
    return checkedBuses(secondary, subordinate, bus) ?? 'unnumbered';
  }
  if (config === undefined || config.length < 0x1b || (config[0x0e]! & 0x7f) !== 1)
    return undefined;
  return bridgeBuses(config, bus) ?? 'unnumbered';
}

function links(host: HostReader, folder: string, config: Uint8Array | undefined) {
  const told = (which: string): Fact<PciLink> => {
    const speed = parseTransferRate(sysfsText(host, `${folder}/${which}_link_speed`) ?? '');
    const width = sysfsInteger(host, `${folder}/${which}_link_width`);
    const isUp = speed !== undefined && width !== undefined && width > 0 && width <= 32;
    return isUp ? fact({ speed, width }, 'kernel') : unknown('not-reported');
  };
  const express = config === undefined ? undefined : expressLink(config);
  const or = (known: Fact<PciLink>, found: PciLink | undefined): Fact<PciLink> =>
    known.known || found === undefined ? known : fact(found, 'firmware');
  return {
    link: or(told('current'), express?.current),
    maxLink: or(told('max'), express?.max),
  };
}

function driverOf(host: HostReader, folder: string): Fact<string> {
  const name = nameOfLink(host, `${folder}/driver`);
  return name === undefined ? unknown('absent') : fact(name, 'kernel');
}

function nameOfLink(host: HostReader, path: string): string | undefined {
  const target = host.link(path);
  return target.ok ? target.value.split('/').at(-1) : undefined;
}

const notNegative = (text: string): number | undefined => {
  const n = parseInteger(text);
  return n === undefined || n < 0 ? undefined : n;
};

/** By the path in /sys/devices; where the tree keeps no links, by the buses behind each bridge. */
function withParents(host: HostReader, devices: readonly PciDevice[]): PciDevice[] {
  const known = new Set(devices.map((d) => d.address));
  return devices.map((device) => {
    const target = host.link(`${PCI_FOLDER}/${device.address}`);
    const above = target.ok ? target.value.split('/').at(-2) : undefined;
    if (above !== undefined) {
      return { ...device, parent: known.has(above) ? above : undefined };
    }
    return { ...device, parent: narrowestBridge(devices, device)?.address };
  });
}

function narrowestBridge(devices: readonly PciDevice[], below: PciDevice): PciDevice | undefined {
  let best: PciDevice | undefined;
  for (const device of devices) {
    if (device.bridge === undefined || device.place.domain !== below.place.domain) continue;
    const { secondary, subordinate } = device.bridge;
    if (below.place.bus < secondary || below.place.bus > subordinate) continue;
    if (best?.bridge === undefined || secondary > best.bridge.secondary) best = device;
  }
  return best;
}
