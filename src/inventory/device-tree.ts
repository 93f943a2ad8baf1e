import { EMPTY_SET, type IdSet, intersection, isEmpty } from './cpu-set.ts';
import { type Branch, branch, findByCpus } from './cpu-tree.ts';
import type { OsDevice } from './probes/os-devices.ts';
import type { PciDevice } from './probes/pci.ts';

/** Hangs the PCI tree and the kernel's devices on the CPUs that are nearest to them. */
export function attachDevices(
  root: Branch,
  pci: readonly PciDevice[],
  devices: readonly OsDevice[],
): void {
  const byAddress = new Map<string, Branch>();
  for (const device of pci) {
    if (device.isUnnumberedBridge) continue;
    const kind = device.bridge === undefined ? 'pci' : 'bridge';
    const cpus = intersection(cpusOf(root, device), root.cpus);
    byAddress.set(device.address, branch({ kind, number: undefined, cpus, pci: device }));
  }
  const hosts = new Map<string, Branch>();
  for (const added of byAddress.values()) {
    const device = added.pci!;
    const above = device.parent === undefined ? undefined : byAddress.get(device.parent);
    (above ?? hostBridge(root, hosts, added)).attached.push(added);
  }
  for (const device of devices) {
    const behind = device.pci === undefined ? undefined : byAddress.get(device.pci);
    const at = behind ?? nearNode(root, device.numaNode);
    at.attached.push(branch({ kind: 'os-device', number: undefined, cpus: at.cpus, device }));
  }
}

function hostBridge(root: Branch, hosts: Map<string, Branch>, first: Branch): Branch {
  const { domain, bus } = first.pci!.place;
  const key = `${domain}:${bus}`;
  const known = hosts.get(key);
  if (known !== undefined) return known;
  const made = branch({ kind: 'host-bridge', number: domain * 256 + bus, cpus: first.cpus });
  hosts.set(key, made);
  findByCpus(root, first.cpus).at.attached.push(made);
  return made;
}

/** The CPUs that the firmware names; where it names none, those of the NUMA node; else none in particular. */
function cpusOf(root: Branch, device: PciDevice): IdSet {
  if (!isEmpty(device.localCpus)) return device.localCpus;
  if (!device.numaNode.known) return root.cpus;
  return findNode(root, device.numaNode.value)?.cpus ?? root.cpus;
}

function findNode(at: Branch, id: number): Branch | undefined {
  const own = at.attached.find((b) => b.kind === 'memory' && b.number === id);
  if (own !== undefined) return own;
  for (const child of at.children) {
    const found = findNode(child, id);
    if (found !== undefined) return found;
  }
  return undefined;
}

function nearNode(root: Branch, id: number | undefined): Branch {
  const node = id === undefined ? undefined : findNode(root, id);
  return node === undefined ? root : findByCpus(root, node.cpus ?? EMPTY_SET).at;
}
