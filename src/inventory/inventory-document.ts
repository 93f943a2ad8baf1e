import type { AnyFact } from './confidence.ts';
import { countTopology } from './count-topology.ts';
import { formatIdList, type IdSet, idsOf, isEmpty } from './cpu-set.ts';
import type { Fact } from './fact.ts';
import type { Gpu, MigDevice } from './gpu.ts';
import { found, type Inventory } from './inventory.ts';
import type { InventoryDocument } from './inventory-schema.ts';
import { labelOf } from './label.ts';
import { type Json, plain, provenance } from './plain-document.ts';
import { poolsOf } from './pools.ts';
import type { CpuCache } from './probes/cache.ts';
import type { NumaNode } from './probes/numa.ts';
import type { Topology, Vertex } from './topology.ts';

type Open = Record<string, unknown>;

/** The `--json` document: `inventorySchema` is its schema. */
export function inventoryDocument(inventory: Inventory): InventoryDocument {
  const { outcomes } = inventory;
  return {
    host: openOf(plain(found(outcomes.kernel) ?? {})),
    limits: limitsDocument(inventory),
    cpu: cpuDocument(inventory),
    memory: memoryDocument(inventory),
    storage: sectionOf(inventory, 'storage'),
    network: sectionOf(inventory, 'network'),
    gpus: inventory.gpus.map(gpuDocument),
    devices: sectionOf(inventory, 'devices'),
    topology: topologyDocument(inventory.topology),
    pools: poolsOf(inventory).map((pool) => openOf(plain(pool))),
    confidence: confidenceDocument(inventory),
    probes: probesDocument(inventory),
  };
}

/** Where a probe's value stands as it is. Those that are not here have parts of the document of their own. */
const SECTIONS: Readonly<Record<string, 'storage' | 'network' | 'devices'>> = {
  'block-devices': 'storage',
  'file-systems': 'storage',
  nvme: 'storage',
  raid: 'storage',
  smart: 'storage',
  network: 'network',
  infiniband: 'network',
  pci: 'devices',
  'os-devices': 'devices',
  cpufreq: 'devices',
  cpuidle: 'devices',
  resctrl: 'devices',
  accelerators: 'devices',
  power: 'devices',
  thermal: 'devices',
};

function sectionOf({ outcomes }: Inventory, section: string): Open {
  const document: Open = {};
  for (const [name, outcome] of Object.entries(outcomes)) {
    if (SECTIONS[name] !== section || outcome?.kind !== 'found') continue;
    document[name.replaceAll('-', '_')] = plain(outcome.value);
  }
  return document;
}

const openOf = (json: Json): Open =>
  typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json } : {};

const orNull = <T>(f: Fact<T> | undefined): T | null => (f?.known ? f.value : null);
const idsIn = (f: Fact<IdSet> | undefined): number[] | null => (f?.known ? idsOf(f.value) : null);

function limitsDocument({ limits, outcomes }: Inventory): InventoryDocument['limits'] {
  const cgroup = found(outcomes.cgroup);
  return {
    cpus: idsIn(limits.cpus),
    cpu_milli: orNull(limits.cpuMilli),
    cpu_bound_by: limits.cpuBoundBy,
    memory_bytes: orNull(limits.memoryBytes),
    memory_bound_by: limits.memoryBoundBy,
    cgroup_version: orNull(cgroup?.version),
    processes: orNull(cgroup?.processes),
    open_files: orNull(found(outcomes.rlimits)?.openFiles),
  };
}

function cpuDocument({ outcomes, topology }: Inventory): InventoryDocument['cpu'] {
  const cpu = found(outcomes.cpu);
  if (cpu === undefined || topology === undefined) return null;
  const counts = countTopology(topology);
  const facts = {
    architecture: cpu.architecture,
    vendor: cpu.vendor,
    model: cpu.model,
    isa_level: cpu.isaLevel,
    instruction_sets: cpu.instructionSets,
    flags: cpu.flags,
    smt_active: cpu.smtActive,
    smt_control: cpu.smtControl,
    thermal_design_watts: cpu.thermalDesignWatts,
    offline: cpu.offline,
    isolated: cpu.isolated,
  } satisfies Record<string, AnyFact>;
  const memories = topology.vertices.filter((v) => v.memory !== undefined);
  return {
    packages: counts.packages,
    cores: counts.cores,
    threads: counts.threads,
    architecture: orNull(cpu.architecture),
    vendor: orNull(cpu.vendor),
    model: orNull(cpu.model),
    isa_level: orNull(cpu.isaLevel),
    instruction_sets: list(cpu.instructionSets),
    flags: list(cpu.flags),
    smt_active: orNull(cpu.smtActive),
    smt_control: orNull(cpu.smtControl),
    thermal_design_watts: orNull(cpu.thermalDesignWatts),
    online: cpu.threads.map((t) => t.id),
    offline: idsIn(cpu.offline),
    isolated: idsIn(cpu.isolated),
    kinds: cpu.kinds.map((kind) => ({
      name: kind.name,
      cpus: idsOf(kind.cpus),
      capacity: orNull(kind.capacity),
      max_hertz: orNull(kind.maxHertz),
      base_hertz: orNull(kind.baseHertz),
      ...provenance([
        ['capacity', kind.capacity],
        ['max_hertz', kind.maxHertz],
        ['base_hertz', kind.baseHertz],
      ]),
    })),
    numa_nodes: memories.map((v, i) => nodeDocument(v, v.memory!, topology.distances?.[i])),
    caches: topology.vertices.flatMap((v) => (v.cache ? [cacheDocument(v, v.cache)] : [])),
    ...provenance(Object.entries(facts)),
  };
}

const list = (f: Fact<readonly string[]>): string[] | null => (f.known ? [...f.value] : null);

function nodeDocument(v: Vertex, node: NumaNode, distances: readonly number[] | undefined) {
  return {
    id: node.id,
    cpus: isEmpty(node.cpus) ? [] : idsOf(v.cpus),
    memory_bytes: orNull(node.totalBytes),
    free_bytes: orNull(node.freeBytes),
    kind: node.kind,
    nearest_cpus: idsOf(v.cpus),
    distances: distances === undefined ? null : [...distances],
    ...provenance([
      ['memory_bytes', node.totalBytes],
      ['free_bytes', node.freeBytes],
      ['distances', node.distances],
    ]),
  };
}

function cacheDocument(v: Vertex, cache: CpuCache) {
  return {
    level: cache.level,
    kind: cache.kind,
    size_bytes: orNull(cache.sizeBytes),
    line_bytes: orNull(cache.lineBytes),
    ways: orNull(cache.ways),
    shared_by: idsOf(v.cpus),
    ...provenance([
      ['size_bytes', cache.sizeBytes],
      ['line_bytes', cache.lineBytes],
      ['ways', cache.ways],
    ]),
  };
}

function memoryDocument({ outcomes }: Inventory): InventoryDocument['memory'] {
  const memory = found(outcomes.memory);
  if (memory === undefined) return null;
  const pages = found(outcomes.hugepages);
  const modules = found(outcomes.dimm);
  const facts: [string, AnyFact][] = [
    ['total_bytes', memory.totalBytes],
    ['available_bytes', memory.availableBytes],
    ['free_bytes', memory.freeBytes],
    ['swap_total_bytes', memory.swapTotalBytes],
    ['swap_free_bytes', memory.swapFreeBytes],
    ['huge_total_bytes', memory.hugeTotalBytes],
  ];
  return {
    total_bytes: orNull(memory.totalBytes),
    available_bytes: orNull(memory.availableBytes),
    free_bytes: orNull(memory.freeBytes),
    swap_total_bytes: orNull(memory.swapTotalBytes),
    swap_free_bytes: orNull(memory.swapFreeBytes),
    huge_total_bytes: orNull(memory.hugeTotalBytes),
    huge_pages: pages === undefined ? null : openOf(plain(pages)),
    modules: modules === undefined ? null : modules.modules.map((m) => openOf(plain(m))),
    ...provenance(facts),
  };
}

function gpuDocument(gpu: Gpu): InventoryDocument['gpus'][number] {
  return {
    id: orNull(gpu.uuid),
    vendor: gpu.vendor,
    model: orNull(gpu.model),
    memory_bytes: orNull(gpu.memory.totalBytes),
    pci_address: orNull(gpu.pciAddress),
    numa_node: orNull(gpu.numaNode),
    compute_capability: orNull(gpu.computeCapability),
    mig_enabled: orNull(gpu.mig.enabled),
    mig: gpu.mig.devices.map(migDocument),
    details: openOf(plain(gpu)),
    ...provenance([
      ['id', gpu.uuid],
      ['model', gpu.model],
      ['memory_bytes', gpu.memory.totalBytes],
      ['pci_address', gpu.pciAddress],
      ['numa_node', gpu.numaNode],
      ['compute_capability', gpu.computeCapability],
      ['mig_enabled', gpu.mig.enabled],
    ]),
  };
}

function migDocument(device: MigDevice) {
  return {
    id: orNull(device.uuid),
    profile: orNull(device.profile),
    memory_bytes: orNull(device.memory.totalBytes),
    gpu_instance: orNull(device.gpuInstance),
    compute_instance: orNull(device.computeInstance),
    placement: orNull(device.placement),
  };
}

function topologyDocument(topology: Topology | undefined): InventoryDocument['topology'] {
  if (topology === undefined) return null;
  type TopologyVertex = NonNullable<InventoryDocument['topology']>['root'];
  const documentOf = (place: number): TopologyVertex => {
    const v = topology.vertices[place]!;
    return {
      kind: v.kind,
      id: v.id,
      number: v.number ?? null,
      cpu_list: formatIdList(v.cpus),
      label: labelOf(v),
      children: v.children.map(documentOf),
    };
  };
  return {
    root: documentOf(0),
    numa_distances: topology.distances?.map((row) => [...row]) ?? null,
    gpu_links: topology.links.map(({ between: [a, b], kind, lanes }) => ({
      between: [a, b],
      kind,
      lanes,
    })),
    problems: [...topology.problems],
  };
}

function confidenceDocument({ confidence: c, checks }: Inventory): InventoryDocument['confidence'] {
  return {
    measured: c.measured,
    told: c.told,
    estimated: c.estimated,
    unknown: c.unknown,
    absent: c.absent,
    known_ratio: c.knownBp / 10_000,
    failed_probes: [...c.failedProbes],
    checks: checks.map((check) => ({ ...check })),
  };
}

function probesDocument({ outcomes }: Inventory): InventoryDocument['probes'] {
  return Object.entries(outcomes).flatMap(([name, outcome]) => {
    if (outcome === undefined) return [];
    const problems =
      outcome.kind === 'found'
        ? outcome.problems
        : outcome.kind === 'failed'
          ? [outcome.problem]
          : [];
    const told = problems.map(({ kind, detail }) => ({ kind, detail }));
    return [{ name, outcome: outcome.kind, problems: told }];
  });
}
