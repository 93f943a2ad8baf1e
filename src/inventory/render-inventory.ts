import { countTopology } from './count-topology.ts';
import { formatIdList } from './cpu-set.ts';
import type { Fact } from './fact.ts';
import type { Gpu } from './gpu.ts';
import { found, type Inventory } from './inventory.ts';
import { bytesOr, formatBytes } from './label.ts';
import { topologyLines } from './render-topology.ts';
import { drawTree, line, type TextTree } from './text-tree.ts';

/** The inventory as a tree for people. What is not known is said to be unknown. */
export function renderInventory(inventory: Inventory): string {
  return drawTree(
    line(titleOf(inventory), [
      processors(inventory),
      memory(inventory),
      gpus(inventory),
      storage(inventory),
      network(inventory),
      limits(inventory),
      ...checks(inventory),
      ...failures(inventory),
      line(confidence(inventory)),
    ]),
  );
}

const textOf = (f: Fact<string> | undefined, otherwise = 'unknown'): string =>
  f?.known ? f.value : otherwise;

function titleOf({ outcomes }: Inventory): string {
  const kernel = found(outcomes.kernel);
  if (kernel === undefined) return 'Host';
  const parts = [
    textOf(kernel.hostName, 'Host'),
    textOf(kernel.osName, ''),
    kernel.kernelRelease.known ? `Linux ${kernel.kernelRelease.value}` : '',
    kernel.hypervisor.known && kernel.hypervisor.value !== 'none'
      ? `virtual machine (${kernel.hypervisor.value})`
      : '',
    kernel.container.known && kernel.container.value !== 'none'
      ? `container (${kernel.container.value})`
      : '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;

function processors({ outcomes, topology }: Inventory): TextTree {
  const cpu = found(outcomes.cpu);
  if (cpu === undefined || topology === undefined) return line('CPU: unknown');
  const counts = countTopology(topology);
  const parts = [
    plural(counts.packages, 'package'),
    plural(counts.cores, 'core'),
    plural(counts.threads, 'thread'),
    plural(counts.numaNodes, 'NUMA node'),
    textOf(cpu.isaLevel, ''),
  ].filter((part) => part !== '');
  const lines = topologyLines(topology);
  if (cpu.kinds.length > 1) {
    const kinds = cpu.kinds.map((k) => line(`${k.name}: CPUs ${formatIdList(k.cpus)}`));
    lines.unshift(line('Kinds of core, slowest first', kinds));
  }
  if (cpu.offline.known && cpu.offline.value !== 0n) {
    lines.push(line(`Offline: CPUs ${formatIdList(cpu.offline.value)}`));
  }
  return line(`CPU: ${textOf(cpu.model, textOf(cpu.vendor))} · ${parts.join(', ')}`, lines);
}

function memory({ outcomes }: Inventory): TextTree {
  const facts = found(outcomes.memory);
  if (facts === undefined) return line('Memory: unknown');
  const pages = found(outcomes.hugepages);
  const pools = (pages?.pools ?? []).map((pool) => {
    const total = pool.total.known ? `${pool.total.value}` : 'unknown';
    return line(`Huge pages of ${formatBytes(pool.pageBytes)}: ${total}`);
  });
  const thp = pages?.transparent.known
    ? [line(`Transparent huge pages: ${pages.transparent.value}`)]
    : [];
  const modules = found(outcomes.dimm);
  const slots =
    modules === undefined
      ? []
      : [line(`${modules.populated} of ${plural(modules.slots, 'slot')} with a module`)];
  const swap = facts.swapTotalBytes.known ? `, swap ${bytesOr(facts.swapTotalBytes)}` : '';
  return line(`Memory: ${bytesOr(facts.totalBytes)}${swap}`, [...slots, ...pools, ...thp]);
}

function gpus(inventory: Inventory): TextTree {
  if (inventory.gpus.length === 0) return line('GPUs: none that a driver tells');
  return line(`GPUs: ${inventory.gpus.length}`, inventory.gpus.map(gpuLine));
}

function gpuLine(gpu: Gpu): TextTree {
  const place = gpu.pciAddress.known ? ` at ${gpu.pciAddress.value}` : '';
  const instances = gpu.mig.devices.map((d) =>
    line(`MIG ${textOf(d.profile)}: ${bytesOr(d.memory.totalBytes)}`),
  );
  return line(`${textOf(gpu.model)}: ${bytesOr(gpu.memory.totalBytes)}${place}`, instances);
}

function storage({ outcomes }: Inventory): TextTree {
  const disks = (found(outcomes['block-devices']) ?? []).filter((d) => d.kind === 'disk');
  const lines = disks.map((d) => {
    const model = d.model.known ? ` · ${d.model.value}` : '';
    return line(`${d.name}: ${bytesOr(d.sizeBytes)} ${textOf(d.medium)}${model}`);
  });
  return line(`Storage: ${plural(disks.length, 'disk')}`, lines);
}

function network({ outcomes }: Inventory): TextTree {
  const cards = (found(outcomes.network) ?? []).filter((i) => !i.virtual);
  const lines = cards.map((i) => {
    const speed = i.speedBitsPerSecond.known
      ? `${i.speedBitsPerSecond.value / 1e9} Gbit/s`
      : 'speed unknown';
    const mtu = i.mtuBytes.known ? `, MTU ${i.mtuBytes.value}` : '';
    return line(`${i.name}: ${i.kind}, ${speed}${mtu}`);
  });
  return line(`Network: ${plural(cards.length, 'interface')}`, lines);
}

function limits({ limits: l, outcomes }: Inventory): TextTree {
  const cgroup = found(outcomes.cgroup);
  const cpus = l.cpuMilli.known ? `${l.cpuMilli.value / 1000} CPUs` : 'CPUs unknown';
  const version = cgroup?.version.known ? `cgroup ${cgroup.version.value}` : 'cgroup unknown';
  return line(`Usable: ${cpus}, ${bytesOr(l.memoryBytes)} · ${version}`, [
    ...(l.cpuBoundBy === 'host' ? [] : [line(`CPUs bound by ${l.cpuBoundBy}`)]),
    ...(l.memoryBoundBy === 'host' ? [] : [line(`Memory bound by ${l.memoryBoundBy}`)]),
  ]);
}

function checks(inventory: Inventory): TextTree[] {
  const wrong = inventory.checks.filter((check) => check.status === 'disagrees');
  if (wrong.length === 0) return [];
  return [
    line(
      'Sources disagree',
      wrong.map((c) => line(`${c.name}: ${c.detail}`)),
    ),
  ];
}

function failures({ outcomes }: Inventory): TextTree[] {
  const lines = Object.entries(outcomes).flatMap(([name, outcome]) =>
    outcome?.kind === 'failed' ? [line(`${name}: ${outcome.problem.detail}`)] : [],
  );
  return lines.length === 0 ? [] : [line('Could not be read', lines)];
}

function confidence({ confidence: c }: Inventory): string {
  const percent = (c.knownBp / 100).toFixed(1);
  return `Known: ${percent} % of ${c.measured + c.told + c.estimated + c.unknown} fields (${c.measured} measured, ${c.told} told, ${c.estimated} estimated, ${c.unknown} unknown)`;
}
