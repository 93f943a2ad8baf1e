import { type Fact, fact, unknown } from '../fact.ts';
import { pciAddress } from '../gpu.ts';
import type { HostReader } from '../host-reader.ts';
import { ipv4Addresses, ipv6Addresses } from '../parsers/addresses.ts';
import { count, words } from '../parsers/scalars.ts';
import { defineProbe } from '../probe.ts';
import { Attributes, lastPciAddress } from './attributes.ts';

export interface NetworkInterface {
  readonly name: string;
  readonly kind: InterfaceKind;
  /** There is no device behind it. */
  readonly virtual: boolean;
  /** Unknown while the link is down, and for devices that have none (virtio without a speed). */
  readonly speedBitsPerSecond: Fact<number>;
  readonly duplex: Fact<'full' | 'half'>;
  readonly mtuBytes: Fact<number>;
  /** `up`, `down`, `lowerlayerdown`, `dormant`; `unknown` of the kernel is not reported. */
  readonly state: Fact<string>;
  readonly carrier: Fact<boolean>;
  readonly mac: Fact<string>;
  readonly addresses: readonly string[];
  readonly driver: Fact<string>;
  readonly pciAddress: Fact<string>;
  readonly numaNode: Fact<number>;
  readonly receiveQueues: Fact<number>;
  readonly sendQueues: Fact<number>;
  /** Of a bond. */
  readonly bond: Bond | undefined;
  /** The bond or bridge that this interface belongs to. */
  readonly master: Fact<string>;
  /** What a VLAN, macvlan or bond lies on. */
  readonly lower: readonly string[];
}

export interface Bond {
  readonly mode: Fact<string>;
  readonly slaves: readonly string[];
  readonly activeSlave: Fact<string>;
}

export type InterfaceKind =
  | 'ethernet'
  | 'loopback'
  | 'infiniband'
  | 'wireless'
  | 'bond'
  | 'bridge'
  | 'vlan'
  | 'tunnel'
  | 'veth'
  | 'other';

const INTERFACES_MAX = 4096;

export const networkProbe = defineProbe({
  name: 'network',
  cost: 'slow',
  read(host) {
    const listed = host.list('/sys/class/net');
    if (!listed.ok) {
      return listed.problem.kind === 'absent'
        ? { kind: 'absent' }
        : { kind: 'failed', problem: listed.problem };
    }
    const attributes = new Attributes(host);
    const addresses = addressesOf(host);
    const value = listed.value
      .slice(0, INTERFACES_MAX)
      // `bonding_masters` and `bonding` are no interfaces; every interface is a folder with a number.
      .filter((name) => attributes.text(`/sys/class/net/${name}/ifindex`) !== undefined)
      .map((name) => networkInterface(name, addresses(name), attributes));
    if (value.length === 0) return { kind: 'absent' };
    return { kind: 'found', value, problems: attributes.problems };
  },
});

function addressesOf(host: HostReader): (name: string) => readonly string[] {
  const text = (path: string) => {
    const read = host.text(path);
    return read.ok ? read.value : '';
  };
  const four = ipv4Addresses(text('/proc/net/fib_trie'), text('/proc/net/route'));
  const six = ipv6Addresses(text('/proc/net/if_inet6'));
  return (name) => [...(four.get(name) ?? []), ...(six.get(name) ?? [])];
}

/** Megabits in 32 bits: drivers also write "unknown" as all ones, or as 65,535 of 16 bits. */
function speed(found: Fact<number>): Fact<number> {
  if (!found.known) return found;
  if (found.value === 0 || found.value === 65_535 || found.value >= 2 ** 31) {
    return unknown('not-reported');
  }
  return fact(found.value * 1e6, found.source);
}

function networkInterface(
  name: string,
  addresses: readonly string[],
  attributes: Attributes,
): NetworkInterface {
  const at = `/sys/class/net/${name}`;
  const type = attributes.text(`${at}/type`) ?? '';
  const entries = attributes.list(at);
  const device = attributes.linkName(`${at}/device`);
  const path = `${attributes.link(at) ?? ''}/${device ?? ''}`;
  const pci = pciAddress(device ?? '') ?? lastPciAddress(path);
  const hasDevice = device !== undefined || entries.includes('device');
  const queues = attributes.list(`${at}/queues`);
  const kind = kindOf(name, type, entries, attributes.text(`${at}/uevent`) ?? '');
  return {
    name,
    kind,
    virtual: !hasDevice,
    speedBitsPerSecond: speed(attributes.countOrNone(`${at}/speed`)),
    duplex: attributes.fact(`${at}/duplex`, (text) =>
      text === 'full' || text === 'half' ? text : undefined,
    ),
    mtuBytes: attributes.fact(`${at}/mtu`, count),
    state: attributes.fact(`${at}/operstate`, words),
    carrier: attributes.fact(`${at}/carrier`, (text) =>
      text === '1' ? true : text === '0' ? false : undefined,
    ),
    mac: attributes.fact(
      `${at}/address`,
      (text) => /^[0-9a-f]{2}(:[0-9a-f]{2}){5,31}$/i.exec(text)?.[0],
    ),
    addresses,
    driver: linked(attributes.linkName(`${at}/device/driver`), hasDevice),
    pciAddress: linked(pci, hasDevice),
    numaNode: hasDevice ? attributes.numaNode(`${at}/device`, pci) : unknown('absent'),
    receiveQueues: queueCount(queues, 'rx-'),
    sendQueues: queueCount(queues, 'tx-'),
    bond: kind === 'bond' ? bondOf(at, attributes) : undefined,
    master: linked(attributes.linkName(`${at}/master`), false),
    lower: entries.filter((entry) => entry.startsWith('lower_')).map((entry) => entry.slice(6)),
  };
}

/** A link that is missing: not told of a device that must have it, absent of anything else. */
function linked(name: string | undefined, expected: boolean): Fact<string> {
  if (name !== undefined) return fact(name, 'kernel');
  return unknown(expected ? 'not-reported' : 'absent');
}

function queueCount(queues: readonly string[], prefix: string): Fact<number> {
  const n = queues.filter((queue) => queue.startsWith(prefix)).length;
  return n === 0 ? unknown('not-reported') : fact(n, 'kernel');
}

function bondOf(at: string, attributes: Attributes): Bond {
  return {
    // `802.3ad 4`: the name and its number.
    mode: attributes.fact(`${at}/bonding/mode`, (text) => text.split(' ')[0]),
    slaves: (attributes.text(`${at}/bonding/slaves`) ?? '').split(/\s+/).filter((s) => s !== ''),
    activeSlave: attributes.fact(`${at}/bonding/active_slave`, words),
  };
}

/** ARPHRD numbers of include/uapi/linux/if_arp.h, then the folders and the DEVTYPE that tell kinds apart. */
function kindOf(
  name: string,
  type: string,
  entries: readonly string[],
  uevent: string,
): InterfaceKind {
  if (type === '772') return 'loopback';
  if (type === '32') return 'infiniband';
  if (entries.includes('bonding')) return 'bond';
  if (entries.includes('bridge')) return 'bridge';
  if (entries.includes('wireless') || entries.includes('phy80211')) return 'wireless';
  const devtype = /^DEVTYPE=(\w+)$/m.exec(uevent)?.[1];
  if (devtype === 'vlan') return 'vlan';
  if (devtype === 'wlan') return 'wireless';
  if (devtype === 'bond' || devtype === 'bridge') return devtype;
  if (/^(vxlan|geneve|wireguard|gre|ipip|sit)$/.test(devtype ?? '')) return 'tunnel';
  // Of tunnels (768 IPIP, 769 IP6, 776 SIT, 778 GRE) and of devices without a link layer (65534).
  if (/^(768|769|776|778|65534|65535)$/.test(type) || entries.includes('tun_flags'))
    return 'tunnel';
  // veth has no DEVTYPE; its name is a convention of every container runtime.
  if (/^veth/.test(name)) return 'veth';
  return type === '1' ? 'ethernet' : 'other';
}
