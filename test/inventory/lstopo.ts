import { execFileSync } from 'node:child_process';
import { countIo, countTopology } from '../../src/inventory/count-topology.ts';

import { openHostReader } from '../../src/inventory/io/host-reader.ts';
import { registry } from '../../src/inventory/registry.ts';
import { takeInventory } from '../../src/inventory/take-inventory.ts';
import type { Topology } from '../../src/inventory/topology.ts';

/** What lstopo and we must count alike. Caches as `L2 unified 1048576 / 2 threads`, with how many there are. */
export interface Counts {
  packages: number;
  cores: number;
  threads: readonly number[];
  numaNodes: readonly number[];
  caches: Readonly<Record<string, number>>;
  bridges: number;
  pci: readonly string[];
  osDevices: readonly string[];
}

interface Read {
  readonly type: string;
  readonly attributes: string;
  readonly depth: number;
  cpus: number;
}

const order = (a: number, b: number) => a - b;

function tally(objects: readonly Read[]): Counts {
  const of = (type: string) => objects.filter((o) => o.type === type);
  const numbers = (type: string) =>
    of(type)
      .map((o) => Number(/(?:os_index="|P#)(\d+)/.exec(o.attributes)![1]))
      .sort(order);
  const caches: Record<string, number> = {};
  for (const o of objects) {
    const match = /^L(\d)([di]?)Cache$/.exec(o.type);
    if (match === null) continue;
    const key = `L${match[1]} ${cacheKind(match[2]!, o.attributes)} ${sizeOfCache(o.attributes)} / ${o.cpus} threads`;
    caches[key] = (caches[key] ?? 0) + 1;
  }
  return {
    packages: of('Package').length,
    cores: of('Core').length,
    threads: numbers('PU'),
    numaNodes: numbers('NUMANode'),
    caches: Object.fromEntries(Object.entries(caches).sort()),
    bridges: of('Bridge').length,
    pci: of('PCIDev')
      .map((o) => /busid="?=?"?([0-9a-f:.]+)/.exec(o.attributes)![1]!)
      .sort(),
    osDevices: of('OSDev')
      .map((o) => /name="([^"]+)"/.exec(o.attributes)?.[1] ?? o.attributes)
      .sort(),
  };
}

function cacheKind(letter: string, attributes: string): string {
  const type = /cache_type="(\d)"/.exec(attributes)?.[1];
  if (type !== undefined) return ['unified', 'data', 'instruction'][Number(type)]!;
  return { d: 'data', i: 'instruction', '': 'unified' }[letter]!;
}

function sizeOfCache(attributes: string): number {
  const bytes = /cache_size="(\d+)"/.exec(attributes)?.[1];
  if (bytes !== undefined) return Number(bytes);
  const [, amount, unit] = /[( ]size=(\d+)(KiB|MiB|GiB)/.exec(attributes)!;
  return Number(amount) * { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[unit!]!;
}

/** `lstopo --of xml` of hwloc 2 and 3. */
export function countsOfXml(xml: string): Counts {
  const objects: Read[] = [];
  for (const [, attributes] of xml.matchAll(/<object ([^>]*)>/g)) {
    const cpuset = /(?:^| )cpuset="([^"]*)"/.exec(attributes!)?.[1] ?? '';
    const bits = cpuset.split(',').reduce((n, word) => n + bitsIn(word), 0);
    const type = /type="(\w+)"/.exec(attributes!)![1]!;
    objects.push({ type, attributes: attributes!, depth: 0, cpus: bits });
  }
  return tally(objects);
}

const bitsIn = (word: string): number =>
  word === '' ? 0 : BigInt(word).toString(2).replaceAll('0', '').length;

/** `lstopo -v`: an indented tree, then a summary. */
export function countsOfConsole(text: string): Counts {
  const objects: Read[] = [];
  const path: Read[] = [];
  for (const line of text.split('\n')) {
    if (/^depth 0:/.test(line)) break;
    const match = /^( *)(\w+)(?: L#\d+)?(?: \((.*)\))?/.exec(line);
    if (match === null) continue;
    const names: Record<string, string> = {
      HostBridge: 'Bridge',
      PCIBridge: 'Bridge',
      PCI: 'PCIDev',
    };
    const isOs = / L#\d+ \(?"|^ *(Block|Net|Network|OpenFabrics|GPU|DMA|CoProc)/.test(line);
    const type = names[match[2]!] ?? (isOs ? 'OSDev' : match[2]!);
    const object: Read = { type, attributes: line, depth: match[1]!.length, cpus: 0 };
    while (path.length > 0 && path.at(-1)!.depth >= object.depth) path.pop();
    if (type === 'PU') for (const above of path) above.cpus++;
    path.push(object);
    objects.push(object);
  }
  return tally(objects);
}

/** What we make of the tree at `root`. */
export async function countsOfTree(root: string, io: 'all' | 'important'): Promise<Counts> {
  const { topology } = await takeInventory(openHostReader({ sysroot: root }), registry);
  if (topology === undefined) throw new Error(`${root}: no topology`);
  return countsOf(topology, io);
}

function countsOf(topology: Topology, io: 'all' | 'important'): Counts {
  const counts = countTopology(topology);
  const kept = keptIo(topology, io);
  const numbers = (kind: string) =>
    topology.vertices
      .filter((v) => v.kind === kind)
      .map((v) => v.number!)
      .sort(order);
  const caches = counts.caches.map(
    (c) => [`L${c.level} ${c.kind} ${c.sizeBytes ?? 0} / ${c.sharedBy} threads`, c.count] as const,
  );
  return {
    packages: counts.packages,
    cores: counts.cores,
    threads: numbers('thread'),
    numaNodes: numbers('memory'),
    caches: Object.fromEntries(caches.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    bridges: countIo(topology, io).bridges,
    ...kept,
  };
}

function keptIo(topology: Topology, io: 'all' | 'important') {
  const io_ = countIo(topology, io);
  const pci = topology.vertices.filter((v) => v.kind === 'pci').map((v) => v.pci!);
  const devices = topology.vertices.filter((v) => v.kind === 'os-device').map((v) => v.device!);
  const shown =
    io === 'all'
      ? devices
      : devices.filter((d) => d.kind !== 'gpu' && d.kind !== 'dma' && !d.isUsb);
  const classes = /^(00|01|02|03|0b|12|0c04|0c06|0502)/;
  const listed =
    io === 'all'
      ? pci
      : pci.filter(
          (d) => d.class.known && classes.test((d.class.value >> 8).toString(16).padStart(4, '0')),
        );
  // The lists are made here from the vertices, apart from the counts, so that one checks the other.
  if (listed.length !== io_.pciDevices || shown.length !== io_.osDevices) {
    throw new Error(`counted ${JSON.stringify(io_)}, listed ${listed.length} and ${shown.length}`);
  }
  return {
    pci: listed.map((d) => d.address).sort(),
    osDevices: shown.map((d) => d.name).sort(),
  };
}

/** The oracle on this machine; undefined where hwloc is not installed. */
export function lstopoVersion(): string | undefined {
  try {
    const [command, ...args] = [LSTOPO, '--version'];
    return execFileSync(command!, args, { encoding: 'utf8', timeout: 10_000 }).trim();
  } catch {
    return undefined;
  }
}

const LSTOPO = 'lstopo-no-graphics';

export function countsOfLstopo(root: string, io: 'all' | 'important'): Counts {
  const options = io === 'all' ? ['--whole-io'] : [];
  const xml = execFileSync(LSTOPO, [...options, '--of', 'xml', '-'], {
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 64 * 2 ** 20,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      HWLOC_FSROOT: root,
      HWLOC_COMPONENTS: 'linux,stop',
      HWLOC_THISSYSTEM: '0',
      HWLOC_HIDE_ERRORS: '2',
    },
  });
  return countsOfXml(xml);
}
