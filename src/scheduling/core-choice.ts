import type { Cpu } from '../model/node.ts';

/**
 * The logical CPUs that a task with exclusive cores gets: of one NUMA node where one has enough, of the fewest
 * otherwise; whole physical cores first, then single hyper-threads where others have the rest of the core already.
 * Of nodes and cores that would do, the one that is left with least, so that large pieces stay large.
 * @param pinned CPUs that others have.
 * @returns ascending; undefined where fewer than `count` are left.
 */
export function chooseCores(
  cpus: readonly Cpu[],
  pinned: ReadonlySet<number>,
  count: number,
): readonly number[] | undefined {
  const free = cpus.filter((cpu) => !pinned.has(cpu.id));
  if (free.length < count) return undefined;
  const chosen: number[] = [];
  const nodes = [...Map.groupBy(free, (cpu) => cpu.numa)].map(([numa, own]) => ({ numa, own }));
  while (chosen.length < count) {
    const left = count - chosen.length;
    const { own } = nextNode(nodes, left);
    chosen.push(...withinNode(cpus, own, Math.min(left, own.length)));
  }
  return chosen.sort((a, b) => a - b);
}

interface NumaCpus {
  readonly numa: number;
  readonly own: readonly Cpu[];
}

/** Takes out the smallest that is enough, else the largest. */
function nextNode(nodes: NumaCpus[], count: number): NumaCpus {
  const best = nodes.reduce((a, b) => {
    const [x, y] = [a.own.length, b.own.length];
    const [aDoes, bDoes] = [x >= count, y >= count];
    if (aDoes !== bDoes) return aDoes ? a : b;
    if (x !== y) return x < y === aDoes ? a : b;
    return a.numa < b.numa ? a : b;
  });
  nodes.splice(nodes.indexOf(best), 1);
  return best;
}

function withinNode(all: readonly Cpu[], free: readonly Cpu[], count: number): readonly number[] {
  const sizes = new Map<number, number>();
  for (const { core } of all) sizes.set(core, (sizes.get(core) ?? 0) + 1);
  const cores = [...Map.groupBy(free, (cpu) => cpu.core)]
    .map(([core, own]) => ({
      core,
      ids: own.map(({ id }) => id).sort((a, b) => a - b),
      size: sizes.get(core)!,
    }))
    .sort((a, b) => a.ids.length - b.ids.length || a.core - b.core);
  const whole = cores.filter(({ ids, size }) => ids.length === size);
  const broken = cores.filter(({ ids, size }) => ids.length < size);
  const chosen: number[] = [];
  // Largest first, where a chip has cores with and without hyper-threads: fewer are touched.
  for (const { ids } of whole.toReversed()) {
    if (ids.length <= count - chosen.length) chosen.push(...ids);
  }
  const rest = [...broken, ...whole.filter(({ ids }) => !chosen.includes(ids[0]!))];
  for (const { ids } of rest) chosen.push(...ids.slice(0, count - chosen.length));
  return chosen;
}
