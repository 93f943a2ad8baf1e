import type { Prng } from '../../src/base/prng.ts';
import { formatIdList, idsOf, setOf } from '../../src/inventory/cpu-set.ts';

/** A recorded tree of a machine that nobody built, with the oddities that real ones have had. */
export interface FakeMachine {
  readonly files: Readonly<Record<string, string>>;
  readonly text: string;
}

interface Shape {
  readonly packages: number;
  readonly dies: number;
  readonly cores: number;
  readonly threads: number;
  readonly nodesPerPackage: number;
  readonly oldNames: boolean;
  readonly interleaved: boolean;
  readonly l2Cores: number;
  readonly l3PerDie: boolean;
  readonly instruction: boolean;
}

const CPU = 'sys/devices/system/cpu';
const NODE = 'sys/devices/system/node';

export function drawMachine(prng: Prng): FakeMachine {
  const shape: Shape = {
    packages: prng.between(1, 4),
    dies: prng.pick([1, 1, 2]),
    cores: prng.pick([1, 2, 4]),
    threads: prng.pick([1, 1, 2, 4]),
    nodesPerPackage: prng.pick([0, 1, 1, 2]),
    oldNames: prng.chance(40),
    interleaved: prng.chance(50),
    l2Cores: prng.pick([1, 2]),
    l3PerDie: prng.chance(50),
    instruction: prng.chance(70),
  };
  const files: Record<string, string> = {
    'proc/meminfo': `MemTotal:       ${prng.between(1, 64) * 1024 * 1024} kB\n`,
  };
  const cpus = placeCpus(shape);
  const offline = new Set(cpus.filter(() => prng.chance(15)).map((c) => c.id));
  offline.delete(prng.pick(cpus).id);
  const online = cpus.filter((c) => !offline.has(c.id));
  // lstopo gives up on a kernel that has CPU 0 offline and no list of those online; no kernel is like that.
  if (prng.chance(70) || offline.has(0))
    files[`${CPU}/online`] = `${formatIdList(setOf(online.map((c) => c.id)))}\n`;
  for (const cpu of cpus) {
    files[`${CPU}/cpu${cpu.id}/online`] = offline.has(cpu.id) ? '0\n' : '1\n';
    if (!offline.has(cpu.id)) writeCpu(files, prng, shape, cpu, online, cpus.length);
  }
  if (shape.nodesPerPackage > 0) writeNodes(files, prng, shape, cpus, offline);
  if (prng.chance(30)) restrict(files, prng, cpus, prng.pick(online));
  return { files, text: JSON.stringify(shape) };
}

interface Cpu {
  readonly id: number;
  readonly package: number;
  readonly die: number;
  readonly core: number;
  readonly node: number;
}

function placeCpus(shape: Shape): Cpu[] {
  const cpus: Cpu[] = [];
  const cores = shape.packages * shape.dies * shape.cores;
  for (let core = 0; core < cores; core++) {
    const die = Math.floor(core / shape.cores);
    const inPackage = Math.floor(core / (shape.cores * shape.dies));
    const perNode = Math.max(1, (shape.cores * shape.dies) / Math.max(1, shape.nodesPerPackage));
    const node = Math.floor(core / perNode);
    for (let thread = 0; thread < shape.threads; thread++) {
      const id = shape.interleaved ? thread * cores + core : core * shape.threads + thread;
      cpus.push({ id, package: inPackage, die, core, node });
    }
  }
  return cpus.sort((a, b) => a.id - b.id);
}

function mask(ids: readonly number[], width: number): string {
  const words = Math.max(1, Math.ceil(width / 32));
  const digits = setOf(ids)
    .toString(16)
    .padStart(words * 8, '0');
  return `${digits.match(/.{8}/g)!.join(',')}\n`;
}

function writeCpu(
  files: Record<string, string>,
  prng: Prng,
  shape: Shape,
  cpu: Cpu,
  online: readonly Cpu[],
  width: number,
): void {
  const at = `${CPU}/cpu${cpu.id}`;
  const sharing = (same: (other: Cpu) => boolean) =>
    mask(
      online.filter(same).map((c) => c.id),
      width,
    );
  const [core, pkg] = shape.oldNames
    ? ['thread_siblings', 'core_siblings']
    : ['core_cpus', 'package_cpus'];
  files[`${at}/topology/${core}`] = sharing((c) => c.core === cpu.core);
  files[`${at}/topology/${pkg}`] = sharing((c) => c.package === cpu.package);
  files[`${at}/topology/core_id`] = `${cpu.core}\n`;
  files[`${at}/topology/physical_package_id`] = prng.chance(90) ? `${cpu.package}\n` : '-1\n';
  if (!shape.oldNames) files[`${at}/topology/die_cpus`] = sharing((c) => c.die === cpu.die);
  const caches: [number, string, number, string][] = [
    [1, 'Data', 32, sharing((c) => c.core === cpu.core)],
    [2, 'Unified', 512, sharing((c) => group(c, shape) === group(cpu, shape))],
    [
      3,
      'Unified',
      8192,
      sharing((c) => (shape.l3PerDie ? c.die === cpu.die : c.package === cpu.package)),
    ],
  ];
  if (shape.instruction) caches.splice(1, 0, [1, 'Instruction', 32, caches[0]![3]]);
  for (const [index, [level, type, kibibytes, shared]] of caches.entries()) {
    const folder = `${at}/cache/index${index}`;
    files[`${folder}/level`] = `${level}\n`;
    files[`${folder}/type`] = `${type}\n`;
    files[`${folder}/size`] = `${kibibytes}K\n`;
    files[`${folder}/shared_cpu_map`] = shared;
  }
}

const group = (cpu: Cpu, shape: Shape): string =>
  `${cpu.die}/${Math.floor((cpu.core % shape.cores) / shape.l2Cores)}`;

/** Node numbers have gaps now and then, and there may be one without CPUs. */
function writeNodes(
  files: Record<string, string>,
  prng: Prng,
  shape: Shape,
  cpus: readonly Cpu[],
  offline: ReadonlySet<number>,
): void {
  const step = prng.pick([1, 1, 8]);
  const used = [...new Set(cpus.map((c) => c.node))].sort((a, b) => a - b);
  const nodes: { id: number; cpus: number[] }[] = used.map((node) => ({
    id: node * step,
    cpus: cpus.filter((c) => c.node === node && !offline.has(c.id)).map((c) => c.id),
  }));
  if (prng.chance(30)) nodes.push({ id: used.length * step + 3, cpus: [] });
  if (prng.chance(80)) files[`${NODE}/online`] = `${formatIdList(setOf(nodes.map((n) => n.id)))}\n`;
  for (const [i, node] of nodes.entries()) {
    const at = `${NODE}/node${node.id}`;
    files[`${at}/cpumap`] = mask(node.cpus, cpus.length);
    files[`${at}/meminfo`] = `Node ${node.id} MemTotal:       ${prng.between(1, 32)}000000 kB\n`;
    const distances = nodes.map((_, j) => (i === j ? 10 : 20 + ((i ^ j) & shape.packages)));
    files[`${at}/distance`] = `${distances.join(' ')}\n`;
  }
}

/** A cgroup that leaves some of the CPUs, one that is online among them. */
function restrict(
  files: Record<string, string>,
  prng: Prng,
  cpus: readonly Cpu[],
  keeper: Cpu,
): void {
  const kept = setOf(cpus.filter(() => prng.chance(60)).map((c) => c.id));
  const list = formatIdList(setOf([...idsOf(kept), keeper.id]));
  const isNew = prng.chance(50);
  files['proc/mounts'] = isNew
    ? 'none /mnt/unified cgroup2 rw 0 0\n'
    : 'none /dev/cpuset cpuset rw 0 0\n';
  files['proc/self/cpuset'] = '/job/step\n';
  if (isNew) {
    files['mnt/unified/cgroup.controllers'] = 'cpu cpuset memory\n';
    files['proc/self/cgroup'] = '0::/job/step\n';
    files['mnt/unified/job/step/cpuset.cpus.effective'] = `${list}\n`;
    return;
  }
  files['dev/cpuset/job/step/cpus'] = `${list}\n`;
}
