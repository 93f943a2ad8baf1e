import { formatIdList } from './cpu-set.ts';
import type { Inventory } from './inventory.ts';
import { labelOf } from './label.ts';
import { printable } from './text-tree.ts';
import type { Topology, Vertex } from './topology.ts';

/** The topology as a Graphviz graph: parts as boxes, GPU links as dashed edges. */
export function toDot(inventory: Inventory): string {
  const { topology } = inventory;
  const lines = [
    'graph inventory {',
    '  rankdir=TB;',
    '  node [shape=box, fontname="sans-serif"];',
  ];
  for (const v of topology?.vertices ?? []) {
    lines.push(`  ${quoted(v.id)} [label=${quoted(textOf(v))}${styleOf(v)}];`);
    if (v.parent !== undefined) {
      lines.push(`  ${quoted(topology!.vertices[v.parent]!.id)} -- ${quoted(v.id)};`);
    }
  }
  if (topology !== undefined) lines.push(...linkLines(topology));
  return `${lines.join('\n')}\n}\n`;
}

function linkLines(topology: Topology): string[] {
  const byAddress = new Map(topology.vertices.map((v) => [v.pci?.address, v.id]));
  return topology.links.flatMap(({ between: [a, b], kind, lanes }) => {
    const [from, to] = [byAddress.get(a), byAddress.get(b)];
    if (from === undefined || to === undefined) return [];
    const label = kind === 'NV' ? `NV${lanes}` : kind;
    return [
      `  ${quoted(from)} -- ${quoted(to)} [style=dashed, constraint=false, label="${label}"];`,
    ];
  });
}

function textOf(v: Vertex): string {
  const isPart = ['package', 'die', 'group', 'cluster', 'machine'].includes(v.kind);
  return isPart ? `${labelOf(v)}\nCPUs ${formatIdList(v.cpus)}` : labelOf(v);
}

const STYLES: Partial<Record<Vertex['kind'], string>> = {
  memory: ', style=filled, fillcolor="#f5e6c8"',
  cache: ', style=filled, fillcolor="#eeeeee"',
  thread: ', shape=ellipse',
  'os-device': ', style=rounded',
};

const styleOf = (v: Vertex): string => STYLES[v.kind] ?? '';

function quoted(text: string): string {
  const clean = text.split('\n').map(printable).join('\n');
  return `"${clean.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
