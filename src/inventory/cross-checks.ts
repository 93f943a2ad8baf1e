import { EMPTY_SET, formatIdList, type IdSet, includes, setOf, sizeOf, union } from './cpu-set.ts';
import type { Gpu } from './gpu.ts';
import { found } from './inventory.ts';
import type { HugePagePool } from './probes/hugepages.ts';
import type { Outcomes } from './registry.ts';
import type { Topology } from './topology.ts';

/** Two sources that should say the same. `not-checked` when one of them says nothing. */
export interface CrossCheck {
  readonly name: string;
  readonly status: 'agrees' | 'disagrees' | 'not-checked';
  /** What each side says, for people. */
  readonly detail: string;
}

/** Old kernels count in a node what they reserved, and not in the whole: 2 % on machines seen. */
const MEMORY_TOLERANCE = 0.05;

export function crossCheck(
  outcomes: Outcomes,
  topology: Topology | undefined,
  gpus: readonly Gpu[],
): readonly CrossCheck[] {
  return [
    memoryOfNodes(outcomes),
    cpusOfCpuinfo(outcomes),
    cpusOfNodes(outcomes),
    hugePagesOfNodes(outcomes),
    cpusetWithinOnline(outcomes),
    nodeDistances(outcomes),
    gpusOnPci(outcomes, gpus),
    topologyIsSound(topology),
  ];
}

const compared = (name: string, agrees: boolean, detail: string): CrossCheck => ({
  name,
  status: agrees ? 'agrees' : 'disagrees',
  detail,
});

const notChecked = (name: string, detail: string): CrossCheck => ({
  name,
  status: 'not-checked',
  detail,
});

function memoryOfNodes(outcomes: Outcomes): CrossCheck {
  const name = 'memory of all NUMA nodes = total memory';
  const nodes = found(outcomes.numa);
  const total = found(outcomes.memory)?.totalBytes;
  if (nodes === undefined || !total?.known) return notChecked(name, 'one of them is not told');
  let sum = 0;
  for (const { id, totalBytes } of nodes) {
    if (!totalBytes.known) return notChecked(name, `the memory of node ${id} is not told`);
    sum += totalBytes.value;
  }
  const agrees = Math.abs(sum - total.value) <= total.value * MEMORY_TOLERANCE;
  return compared(name, agrees, `nodes ${sum} bytes, total ${total.value} bytes`);
}

function cpusOfCpuinfo(outcomes: Outcomes): CrossCheck {
  const name = 'online CPUs in /sys = processors in /proc/cpuinfo';
  const cpu = found(outcomes.cpu);
  if (!cpu?.cpuinfoProcessors.known) return notChecked(name, 'no list of processors');
  const listed = cpu.cpuinfoProcessors.value;
  const detail = `/sys ${cpu.threads.length}, /proc/cpuinfo ${listed}`;
  return compared(name, cpu.threads.length === listed, detail);
}

function cpusOfNodes(outcomes: Outcomes): CrossCheck {
  const name = 'CPUs of all NUMA nodes = online CPUs';
  const cpu = found(outcomes.cpu);
  const nodes = found(outcomes.numa);
  if (cpu === undefined || nodes === undefined) return notChecked(name, 'no NUMA nodes told');
  const online = setOf(cpu.threads.map((t) => t.id));
  const ofNodes = nodes.reduce((all, node) => union(all, node.cpus), EMPTY_SET);
  const detail = `nodes ${formatIdList(ofNodes)}, online ${formatIdList(online)}`;
  // A node may keep the CPUs that are offline now.
  return compared(name, includes(ofNodes, online), detail);
}

function hugePagesOfNodes(outcomes: Outcomes): CrossCheck {
  const name = 'huge pages of all NUMA nodes = huge pages';
  const pages = found(outcomes.hugepages);
  if (pages === undefined || pages.byNode.every((n) => n.pools.length === 0)) {
    return notChecked(name, 'not told by node');
  }
  const totals = (pools: readonly HugePagePool[], size: number) =>
    pools.filter((p) => p.pageBytes === size).map((p) => (p.total.known ? p.total.value : 0));
  const differing = pages.pools.filter(({ pageBytes, total }) => {
    const sum = pages.byNode.flatMap((n) => totals(n.pools, pageBytes)).reduce((a, b) => a + b, 0);
    return total.known && sum !== total.value;
  });
  const sizes = differing.map((p) => `${p.pageBytes} bytes`).join(', ');
  return compared(name, differing.length === 0, sizes === '' ? 'every size' : `pages of ${sizes}`);
}

function cpusetWithinOnline(outcomes: Outcomes): CrossCheck {
  const name = 'the cpuset holds online CPUs only';
  const cpu = found(outcomes.cpu);
  const cgroup = found(outcomes.cgroup);
  if (cpu === undefined || !cgroup?.cpus.known) return notChecked(name, 'no cpuset');
  const online: IdSet = setOf(cpu.threads.map((t) => t.id));
  const detail = `cpuset ${formatIdList(cgroup.cpus.value)}, online ${formatIdList(online)}`;
  return compared(name, includes(online, cgroup.cpus.value), detail);
}

function nodeDistances(outcomes: Outcomes): CrossCheck {
  const name = 'a NUMA node is nearest to itself';
  const nodes = found(outcomes.numa);
  if (nodes === undefined) return notChecked(name, 'no NUMA nodes told');
  const rows = nodes.map((n) => (n.distances.known ? n.distances.value : undefined));
  if (rows.some((row) => row === undefined)) return notChecked(name, 'distances are not told');
  const wrong = nodes.filter((_, i) => rows[i]!.some((d, j) => j !== i && d < rows[i]![i]!));
  const detail =
    wrong.length === 0 ? 'every node' : `not node ${wrong.map((n) => n.id).join(', ')}`;
  return compared(name, wrong.length === 0, detail);
}

const GPU_VENDORS: Readonly<Record<Gpu['vendor'], number>> = {
  nvidia: 0x10de,
  amd: 0x1002,
  intel: 0x8086,
};

/** Of vendors whose driver answered: as many GPUs as PCI display and accelerator functions. */
function gpusOnPci(outcomes: Outcomes, gpus: readonly Gpu[]): CrossCheck {
  const name = 'GPUs that drivers tell = GPUs on PCI';
  const pci = found(outcomes.pci);
  if (pci === undefined) return notChecked(name, 'no PCI devices told');
  if (gpus.length === 0) return notChecked(name, 'no driver tells of a GPU');
  const differing: string[] = [];
  for (const vendor of new Set(gpus.map((g) => g.vendor))) {
    const told = gpus.filter((g) => g.vendor === vendor).length;
    const seen = pci.filter(
      (d) =>
        d.vendorId.known &&
        d.vendorId.value === GPU_VENDORS[vendor] &&
        d.class.known &&
        [0x0300, 0x0302, 0x0380, 0x1200].includes(d.class.value >> 8) &&
        d.physicalFunction === undefined,
    ).length;
    if (told !== seen) differing.push(`${vendor}: driver ${told}, PCI ${seen}`);
  }
  return compared(name, differing.length === 0, differing.join('; ') || `${gpus.length}`);
}

function topologyIsSound(topology: Topology | undefined): CrossCheck {
  const name = 'CPU sets of packages, cores and caches nest';
  if (topology === undefined) return notChecked(name, 'no topology');
  const threads = topology.vertices.filter((v) => v.kind === 'thread');
  const detail = topology.problems.join('; ') || `${sizeOf(topology.vertices[0]!.cpus)} CPUs`;
  return compared(name, topology.problems.length === 0 && threads.length > 0, detail);
}
