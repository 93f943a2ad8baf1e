import { EMPTY_SET, type IdSet, idsOf, intersects, isEmpty, union } from '../cpu-set.ts';
import { type Fact, fact, unknown } from '../fact.ts';
import type { HostReader, ReadProblem } from '../host-reader.ts';
import { parseColonLines, parseMeminfo } from '../parsers/key-value.ts';
import { parseKernelSize } from '../parsers/sizes.ts';
import { defineProbe } from '../probe.ts';
import {
  numberedNames,
  parseInteger,
  sysfsFact,
  sysfsList,
  sysfsMask,
  sysfsText,
} from '../sysfs.ts';

const NODE_FOLDER = '/sys/devices/system/node';

export interface NumaNode {
  /** As the kernel numbers it; numbers have gaps. */
  readonly id: number;
  /** CPUs of the node itself; empty for a node that is memory only. */
  readonly cpus: IdSet;
  /** CPUs that reach it fastest: its own, or those that firmware or the distances name. */
  readonly nearestCpus: IdSet;
  readonly totalBytes: Fact<number>;
  readonly freeBytes: Fact<number>;
  /** `gpu`: the memory of a GPU that the driver has put online. `memory`: no CPUs (CXL, HBM, persistent memory). */
  readonly kind: 'cpu' | 'memory' | 'gpu';
  /** PCI address of the GPU whose memory this is. */
  readonly gpu: string | undefined;
  /** Relative latency to each node of the list, itself included; 10 is local (ACPI SLIT). */
  readonly distances: Fact<readonly number[]>;
  readonly memorySideCaches: readonly MemorySideCache[];
}

export interface MemorySideCache {
  readonly level: number;
  readonly sizeBytes: Fact<number>;
  readonly lineBytes: Fact<number>;
}

export const numaProbe = defineProbe<'numa', readonly NumaNode[]>({
  name: 'numa',
  cost: 'fast',
  read(host) {
    const ids = listNodes(host);
    if (ids.length === 0) return { kind: 'absent' };
    const problems: ReadProblem[] = [];
    const gpus = gpuMemoryNodes(host);
    const nodes: NumaNode[] = [];
    let taken = EMPTY_SET;
    for (const id of ids) {
      const cpus =
        sysfsMask(host, `${NODE_FOLDER}/node${id}/cpumap`) ??
        sysfsList(host, `${NODE_FOLDER}/node${id}/cpulist`);
      if (cpus === undefined || intersects(cpus, taken)) {
        const why = cpus === undefined ? 'its CPUs cannot be read' : 'it shares CPUs with another';
        problems.push({ kind: 'failed', detail: `NUMA node ${id} is left out: ${why}` });
        continue;
      }
      taken = union(taken, cpus);
      nodes.push(readNode(host, id, cpus, gpus.get(id)));
    }
    const complete = nodes.length === ids.length;
    const measured = nodes.map((node, i) => ({
      ...node,
      distances: complete ? readDistances(host, ids[i]!, ids.length) : unknown('not-reported'),
    }));
    const value = measured.map((node, i) => ({
      ...node,
      nearestCpus: isEmpty(node.cpus) ? nearestCpus(host, i, measured) : node.cpus,
    }));
    return { kind: 'found', value, problems };
  },
});

function listNodes(host: HostReader): number[] {
  const online = sysfsList(host, `${NODE_FOLDER}/online`);
  if (online !== undefined) return idsOf(online);
  const listing = host.list(NODE_FOLDER);
  return listing.ok ? numberedNames(listing.value, 'node') : [];
}

function readNode(host: HostReader, id: number, cpus: IdSet, gpu: string | undefined): NumaNode {
  const meminfo = parseMeminfo(sysfsText(host, `${NODE_FOLDER}/node${id}/meminfo`) ?? '');
  const amount = (name: string): Fact<number> => {
    const value = meminfo.get(name);
    return value === undefined ? unknown('not-reported') : fact(value, 'kernel');
  };
  return {
    id,
    cpus,
    nearestCpus: cpus,
    totalBytes: amount('MemTotal'),
    freeBytes: amount('MemFree'),
    kind: gpu !== undefined ? 'gpu' : isEmpty(cpus) ? 'memory' : 'cpu',
    gpu,
    distances: unknown('not-reported'),
    memorySideCaches: readMemorySideCaches(host, id),
  };
}

/** Nodes that are the memory of an NVIDIA GPU, by node number. */
function gpuMemoryNodes(host: HostReader): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  const folder = '/proc/driver/nvidia/gpus';
  const listing = host.list(folder);
  for (const busId of listing.ok ? listing.value : []) {
    const status = sysfsText(host, `${folder}/${busId}/numa_status`);
    const node = parseInteger(parseColonLines(status ?? '').get('Node'));
    if (node !== undefined && node >= 0) found.set(node, busId);
  }
  return found;
}

function readMemorySideCaches(host: HostReader, id: number): MemorySideCache[] {
  const folder = `${NODE_FOLDER}/node${id}/memory_side_cache`;
  const listing = host.list(folder);
  return numberedNames(listing.ok ? listing.value : [], 'index').map((level) => ({
    level,
    sizeBytes: sysfsFact(host, `${folder}/index${level}/size`, parseKernelSize),
    lineBytes: sysfsFact(host, `${folder}/index${level}/line_size`, parseInteger),
  }));
}

function readDistances(host: HostReader, id: number, count: number): Fact<readonly number[]> {
  return sysfsFact(host, `${NODE_FOLDER}/node${id}/distance`, (text) => {
    const row = text.split(/\s+/).map(parseInteger);
    return row.length === count && row.every((d) => d !== undefined && d >= 0)
      ? row.filter((d) => d !== undefined)
      : undefined;
  });
}

/**
 * For a node without CPUs: those of the initiators that firmware names (HMAT; `access1` counts CPUs only),
 * else of the nodes at the least distance, unless all are equally far.
 */
function nearestCpus(host: HostReader, index: number, nodes: readonly NumaNode[]): IdSet {
  const node = nodes[index]!;
  const cpusOf = (ids: readonly number[]): IdSet =>
    nodes.filter((n) => ids.includes(n.id)).reduce((all, n) => union(all, n.cpus), EMPTY_SET);
  for (const access of ['access1', 'access0']) {
    const listing = host.list(`${NODE_FOLDER}/node${node.id}/${access}/initiators`);
    if (!listing.ok) continue;
    const initiators = cpusOf(numberedNames(listing.value, 'node').filter((id) => id !== node.id));
    if (!isEmpty(initiators)) return initiators;
    break;
  }
  if (node.kind === 'gpu') {
    const local = sysfsMask(host, `/sys/bus/pci/devices/${node.gpu}/local_cpus`);
    if (local !== undefined && !isEmpty(local)) return local;
  }
  if (!node.distances.known) return EMPTY_SET;
  const others = nodes.map((n, i) => ({ id: n.id, i })).filter(({ i }) => i !== index);
  const least = Math.min(
    ...others.map(({ i }) => (node.distances.known ? node.distances.value[i]! : 0)),
  );
  const near = others.filter(({ i }) => node.distances.known && node.distances.value[i] === least);
  return near.length === others.length ? EMPTY_SET : cpusOf(near.map(({ id }) => id));
}
