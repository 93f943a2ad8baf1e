import type { InventoryDocument } from '../../src/api/contract/inventory-documents.ts';

export type Vertex = NonNullable<InventoryDocument['topology']>['root'];
export type Item = Readonly<Record<string, unknown>>;

/** A part of the machine that holds others: what spans the same CPUs is one box with several names. */
export interface Box {
  readonly id: string;
  readonly title: string;
  readonly cpus: string;
  readonly parts: readonly Vertex[];
  readonly memories: readonly Vertex[];
  readonly cells: readonly Cell[];
  readonly boxes: readonly Box[];
  /** Nearest to the CPUs of this box, as far as the machine tells. */
  readonly devices: readonly Device[];
}

/** A core with its threads and the caches that it shares with no other. */
export interface Cell {
  readonly id: string;
  readonly core: Vertex;
  readonly caches: readonly Vertex[];
  readonly threads: readonly number[];
}

export type DeviceKind = 'gpu' | 'disk' | 'network' | 'memory' | 'accelerator';

export interface Device {
  readonly id: string;
  readonly kind: DeviceKind;
  readonly name: string;
  /** The PCI vertex, where it is on PCI. */
  readonly vertex: Vertex | undefined;
  /** What the probes found of it. */
  readonly items: readonly Item[];
}

const IO_KINDS = ['host-bridge', 'bridge', 'pci', 'os-device'];

/** The picture of a machine; nothing where its processors could not be read. */
export function boxesOf(document: InventoryDocument): Box | undefined {
  const root = document.topology?.root;
  if (root === undefined) return undefined;
  const drawn = new Set<string>();
  const box = boxOf(root, (vertices) => devicesOf(document, vertices, drawn));
  const missing = document.gpus.filter(
    (gpu) => gpu.pci_address === null || !drawn.has(gpu.pci_address),
  );
  return missing.reduce(
    (whole, gpu, i) =>
      placed(whole, gpuDevice(document, gpu, i, undefined), gpu.numa_node) ?? whole,
    box,
  );
}

type FindDevices = (vertices: readonly Vertex[]) => readonly Device[];

function boxOf(first: Vertex, find: FindDevices): Box {
  const parts = [first];
  const attached: Vertex[] = [];
  let inner: Vertex[];
  for (let at = first; ; ) {
    attached.push(...at.children.filter((v) => !isProcessor(v)));
    inner = at.children.filter(isProcessor);
    const [only] = inner;
    const deeper = only !== undefined && inner.length === 1 && !isCell(only);
    if (!deeper || only.cpu_list !== first.cpu_list) break;
    parts.push(only);
    at = only;
  }
  return {
    id: first.id,
    title: parts.map((v) => v.label).join(' · '),
    cpus: first.cpu_list,
    parts,
    memories: attached.filter((v) => v.kind === 'memory'),
    cells: inner.filter(isCell).map(cellOf),
    boxes: inner.filter((v) => !isCell(v)).map((v) => boxOf(v, find)),
    devices: sorted(find(attached.filter((v) => v.kind !== 'memory'))),
  };
}

const KIND_ORDER: readonly DeviceKind[] = ['gpu', 'accelerator', 'network', 'disk', 'memory'];

const sorted = (devices: readonly Device[]): readonly Device[] =>
  devices.toSorted((a, b) => KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind));

const isProcessor = (v: Vertex): boolean => v.kind !== 'memory' && !IO_KINDS.includes(v.kind);

/** One core and what only it has; a package stays a box, and so does what memory or devices are near to. */
function isCell(v: Vertex): boolean {
  if (v.kind === 'core' || v.kind === 'thread') return true;
  const [only] = v.children;
  return v.kind !== 'package' && v.children.length === 1 && only !== undefined && isCell(only);
}

function cellOf(v: Vertex): Cell {
  const caches: Vertex[] = [];
  let at = v;
  for (; at.kind !== 'core' && at.children[0] !== undefined; at = at.children[0]) {
    if (at.kind === 'cache') caches.push(at);
  }
  const threads = at.kind === 'thread' ? [at] : at.children.filter((t) => t.kind === 'thread');
  return { id: at.id, core: at, caches, threads: threads.flatMap((t) => t.number ?? []) };
}

function devicesOf(
  document: InventoryDocument,
  vertices: readonly Vertex[],
  drawn: Set<string>,
): Device[] {
  return vertices.flatMap((v): Device[] => {
    const devices = devicesBelow(v);
    const address = v.kind === 'pci' ? v.id.slice('pci:'.length) : undefined;
    const place = document.gpus.findIndex(
      (gpu) => address !== undefined && gpu.pci_address === address,
    );
    if (place >= 0 && address !== undefined) {
      drawn.add(address);
      return [gpuDevice(document, document.gpus[place]!, place, v)];
    }
    const known = devices
      .map((d) => [kindOf(d), d] as const)
      .filter(([kind]) => kind !== undefined);
    if (v.kind === 'pci' || v.kind === 'os-device') {
      const [kind] = known[0] ?? [acceleratorKind(document, address)];
      if (kind === undefined) return [];
      const names = known.map(([, d]) => nameOf(d));
      const items = names.flatMap((name) => itemsNamed(document, name));
      const own = kind === 'accelerator' ? itemsAt(document, address) : [];
      const name = names.join(', ') || String(own[0]?.['model'] ?? own[0]?.['kind'] ?? address);
      return [{ id: v.id, kind, name, vertex: v, items: [...items, ...own] }];
    }
    return devicesOf(document, v.children, drawn);
  });
}

function devicesBelow(v: Vertex): Vertex[] {
  return v.kind === 'os-device' ? [v] : v.children.flatMap(devicesBelow);
}

const nameOf = (v: Vertex): string => v.id.slice(v.id.indexOf(':') + 1);

const KINDS: Readonly<Record<string, DeviceKind>> = {
  block: 'disk',
  net: 'network',
  infiniband: 'network',
  openfabrics: 'network',
  memory: 'memory',
  coprocessor: 'accelerator',
};

const kindOf = (v: Vertex): DeviceKind | undefined => KINDS[v.id.slice(0, v.id.indexOf(':'))];

const acceleratorKind = (document: InventoryDocument, address: string | undefined) =>
  itemsAt(document, address).length > 0 ? ('accelerator' as const) : undefined;

const itemsAt = (document: InventoryDocument, address: string | undefined): Item[] =>
  listOf(document.devices['accelerators']).filter((item) => item['pci_address'] === address);

function itemsNamed({ storage, network }: InventoryDocument, name: string): Item[] {
  return [storage['block_devices'], network['network'], network['infiniband']]
    .flatMap(listOf)
    .filter((item) => item['name'] === name);
}

/** The things in a section of the document that is open to new fields. */
export const listOf = (value: unknown): Item[] =>
  Array.isArray(value) ? value.filter(isItem) : [];

export const isItem = (value: unknown): value is Item =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function gpuName(document: InventoryDocument, place: number): string {
  const index = document.gpus[place]?.details['index'];
  return `GPU ${typeof index === 'number' ? index : place}`;
}

function gpuDevice(
  document: InventoryDocument,
  gpu: InventoryDocument['gpus'][number],
  place: number,
  vertex: Vertex | undefined,
): Device {
  const id = vertex?.id ?? `gpu:${gpu.id ?? gpu.pci_address ?? place}`;
  return { id, kind: 'gpu', name: gpuName(document, place), vertex, items: [gpu] };
}

/** The box with the device beside the NUMA node; in the outermost one when the node is not known. */
function placed(box: Box, device: Device, node: number | null): Box | undefined {
  if (node === null || box.memories.some((memory) => memory.number === node)) {
    return { ...box, devices: sorted([...box.devices, device]) };
  }
  for (const [i, inner] of box.boxes.entries()) {
    const held = placed(inner, device, node);
    if (held !== undefined) return { ...box, boxes: box.boxes.with(i, held) };
  }
  return undefined;
}
