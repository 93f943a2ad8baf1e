import { isImportant } from './count-topology.ts';
import { EMPTY_SET, formatIdList, type IdSet, sizeOf, union } from './cpu-set.ts';
import { labelOf } from './label.ts';
import { line, type TextTree } from './text-tree.ts';
import type { Topology, Vertex } from './topology.ts';

/**
 * The topology for people: chains of one are one line, alike neighbours are counted, and of I/O only what
 * work is placed by, below the place that it is near to.
 */
export function topologyLines(topology: Topology): TextTree[] {
  return childLines(topology, topology.vertices[0]!);
}

function childLines(topology: Topology, v: Vertex): TextTree[] {
  const children = v.children.map((place) => topology.vertices[place]!);
  const lines: TextTree[] = [];
  for (const memory of children.filter((c) => c.kind === 'memory')) {
    lines.push(line(`${labelOf(memory)}${distanceText(topology, memory)}`));
  }
  lines.push(...processorLines(topology, children.filter(isProcessor)));
  for (const io of children.filter((c) => !isProcessor(c) && c.kind !== 'memory')) {
    lines.push(...ioLines(topology, io));
  }
  return lines;
}

const IO_KINDS: readonly Vertex['kind'][] = ['memory', 'host-bridge', 'bridge', 'pci', 'os-device'];
const isProcessor = (v: Vertex): boolean => !IO_KINDS.includes(v.kind);

function distanceText(topology: Topology, memory: Vertex): string {
  const nodes = topology.vertices.filter((v) => v.kind === 'memory');
  const row = topology.distances?.[nodes.indexOf(memory)];
  return row === undefined || row.length < 2 ? '' : `, distances ${row.join(' ')}`;
}

function processorLines(topology: Topology, siblings: readonly Vertex[]): TextTree[] {
  const lines: TextTree[] = [];
  for (let i = 0; i < siblings.length; ) {
    const shape = shapeOf(topology, siblings[i]!);
    let end = i + 1;
    while (end < siblings.length && shapeOf(topology, siblings[end]!) === shape) end++;
    const alike = siblings.slice(i, end);
    if (alike.length > 1 && !hasOwnLines(topology, alike[0]!)) {
      const cpus = alike.reduce<IdSet>((all, v) => union(all, v.cpus), EMPTY_SET);
      const chain = chainOf(topology, alike[0]!);
      lines.push(line(`${alike.length} × ${chain.text}: CPUs ${formatIdList(cpus)}`));
    } else {
      lines.push(...alike.map((v) => processorLine(topology, v)));
    }
    i = end;
  }
  return lines;
}

function processorLine(topology: Topology, v: Vertex): TextTree {
  const { text, last } = chainOf(topology, v);
  const cpus = v.kind === 'thread' || isEmptySet(v.cpus) ? '' : `: CPUs ${formatIdList(v.cpus)}`;
  return line(`${text}${cpus}`, last === undefined ? [] : childLines(topology, last));
}

const isEmptySet = (set: IdSet): boolean => sizeOf(set) === 0;

/** `L2 2 MiB + L1d 48 KiB + core with 2 threads`, down to where the tree branches or something else hangs. */
function chainOf(topology: Topology, v: Vertex): { text: string; last: Vertex | undefined } {
  const names: string[] = [];
  let at = v;
  for (;;) {
    const children = at.children.map((place) => topology.vertices[place]!);
    if (at.kind === 'core') {
      const threads = children.filter((c) => c.kind === 'thread').length;
      names.push(threads > 1 ? `core with ${threads} threads` : 'core');
      return { text: names.join(' + '), last: undefined };
    }
    names.push(labelOf(at));
    const next = children[0];
    if (children.length !== 1 || next === undefined || !isProcessor(next)) {
      return { text: names.join(' + '), last: at };
    }
    at = next;
  }
}

/** Does anything below need a line of its own, so that counting would hide it? */
function hasOwnLines(topology: Topology, v: Vertex): boolean {
  const { last } = chainOf(topology, v);
  return last !== undefined && last.children.length > 0;
}

/** Equal for subtrees that look alike: kinds, cache sizes and threads, whatever the numbers. */
function shapeOf(topology: Topology, v: Vertex): string {
  const inner = v.children.map((place) => shapeOf(topology, topology.vertices[place]!)).join(',');
  const own = v.cache === undefined ? v.kind : labelOf(v);
  const isHung = v.kind === 'memory' || v.pci !== undefined || v.device !== undefined;
  return `${isHung ? v.id : own}(${inner})`;
}

function ioLines(topology: Topology, v: Vertex): TextTree[] {
  const below = v.children.map((place) => topology.vertices[place]!);
  const inner = below.flatMap((child) => ioLines(topology, child));
  // Bridges are how a device is reached, not a thing to place work by.
  if (v.kind === 'host-bridge' || v.kind === 'bridge') return inner;
  if (!isImportant(v, inner.length > 0)) return inner;
  const names = below.filter((c) => c.device !== undefined && isImportant(c, false)).map(labelOf);
  const text = names.length === 0 ? labelOf(v) : `${labelOf(v)}: ${names.join(', ')}`;
  return [
    line(
      text,
      inner.filter((t) => !names.includes(t.text)),
    ),
  ];
}
