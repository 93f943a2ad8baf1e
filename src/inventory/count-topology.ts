import { sizeOf } from './cpu-set.ts';
import type { CacheCount, Topology, TopologyCounts, Vertex } from './topology.ts';

export function countTopology(topology: Topology): TopologyCounts {
  const of = (kind: Vertex['kind']) => topology.vertices.filter((v) => v.kind === kind).length;
  const caches = new Map<string, CacheCount>();
  for (const { cache, cpus } of topology.vertices) {
    if (cache === undefined) continue;
    const sizeBytes = cache.sizeBytes.known ? cache.sizeBytes.value : undefined;
    const sharedBy = sizeOf(cpus);
    const key = `${cache.level}/${cache.kind}/${sizeBytes}/${sharedBy}`;
    const count = (caches.get(key)?.count ?? 0) + 1;
    caches.set(key, { level: cache.level, kind: cache.kind, sizeBytes, sharedBy, count });
  }
  return {
    packages: of('package'),
    numaNodes: of('memory'),
    cores: of('core'),
    threads: of('thread'),
    caches: [...caches.values()].sort(
      (a, b) => a.level - b.level || order(a) - order(b) || (a.sizeBytes ?? 0) - (b.sizeBytes ?? 0),
    ),
  };
}

const order = (c: CacheCount) => ['data', 'instruction', 'unified'].indexOf(c.kind);

export interface IoCounts {
  readonly bridges: number;
  readonly pciDevices: number;
  readonly osDevices: number;
}

/**
 * `important` leaves out what nobody places work by, as lstopo does unless it is told `--whole-io`:
 * other PCI classes than below, DRM and DMA devices, USB, and bridges with nothing left behind them.
 */
export function countIo(topology: Topology, which: 'all' | 'important'): IoCounts {
  const counts = { bridges: 0, pciDevices: 0, osDevices: 0 };
  const kept = new Array<boolean>(topology.vertices.length).fill(false);
  // Children come after their parents, so from the end a vertex knows what is left below it.
  for (let i = topology.vertices.length - 1; i >= 0; i--) {
    const v = topology.vertices[i]!;
    const hasChildren = v.children.some((child) => kept[child]);
    kept[i] = which === 'all' || isImportant(v, hasChildren);
    if (!kept[i]) continue;
    if (v.kind === 'host-bridge' || v.kind === 'bridge') counts.bridges++;
    if (v.kind === 'pci') counts.pciDevices++;
    if (v.kind === 'os-device') counts.osDevices++;
  }
  return counts;
}

/** Is it worth a line to whoever places work? Asked with what is left below it. */
export function isImportant(v: Vertex, hasChildren: boolean): boolean {
  if (v.kind === 'host-bridge' || v.kind === 'bridge') return hasChildren;
  if (v.device !== undefined) {
    return v.device.kind !== 'gpu' && v.device.kind !== 'dma' && !v.device.isUsb;
  }
  if (v.pci === undefined) return true;
  const id = v.pci.class.known ? v.pci.class.value >> 8 : 0;
  return isImportantClass(id) || (id >> 8 === 0x06 && hasChildren);
}

/** Storage, network, display, processors and accelerators, unclassified (BXI), fibre channel, InfiniBand, CXL memory. */
function isImportantClass(id: number): boolean {
  const base = id >> 8;
  return (
    [0x00, 0x01, 0x02, 0x03, 0x0b, 0x12].includes(base) || [0x0c04, 0x0c06, 0x0502].includes(id)
  );
}
