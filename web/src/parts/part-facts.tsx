import type { CpuUse, InventoryDocument } from '../../../src/api/contract/inventory-documents.ts';
import { type FactRow, factsOf } from '../facts.ts';
import { percent, UNKNOWN } from '../format.ts';
import {
  type Box,
  type Cell,
  type Device,
  type Item,
  listOf,
  type Vertex,
} from '../topology-boxes.ts';

interface PartFactsProps {
  readonly box: Box;
  readonly document: InventoryDocument;
  readonly chosen: string;
  readonly use: CpuUse | undefined;
}

/** All that is known of the part that is chosen, field by field, with where it is from. */
export function PartFacts({ box, document, chosen, use }: PartFactsProps) {
  const { title, groups } = describe(box, document, chosen, use);
  return (
    <section
      class="topo-facts"
      aria-label="Chosen part"
      aria-live="polite"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it
      tabIndex={0}
    >
      <h3>{title}</h3>
      {groups
        .filter(({ rows }) => rows.length > 0)
        .map(({ name, rows }) => (
          <div key={name}>
            {name !== '' && <h4 class="muted">{name}</h4>}
            <dl class="fact-list">
              {rows.map((row) => (
                <div key={row.name} title={row.source === '' ? undefined : `source: ${row.source}`}>
                  <dt>{row.name}</dt>
                  <dd>{row.text}</dd>
                  <dd class="fact-source">{row.source}</dd>
                </div>
              ))}
            </dl>
          </div>
        ))}
    </section>
  );
}

interface Group {
  readonly name: string;
  readonly rows: readonly FactRow[];
}

interface Described {
  readonly title: string;
  readonly groups: readonly Group[];
}

function describe(
  root: Box,
  document: InventoryDocument,
  chosen: string,
  use: CpuUse | undefined,
): Described {
  const found = find(root, chosen);
  if (found === undefined || found.kind === 'box') {
    return ofBox(found?.box ?? root, document);
  }
  switch (found.kind) {
    case 'memory':
      return ofMemory(found.memory, document);
    case 'cell':
      return ofCell(found.cell, document, use);
    case 'device':
      return ofDevice(found.device, document);
  }
}

type Found =
  | { readonly kind: 'box'; readonly box: Box }
  | { readonly kind: 'memory'; readonly memory: Vertex }
  | { readonly kind: 'cell'; readonly cell: Cell }
  | { readonly kind: 'device'; readonly device: Device };

function find(box: Box, id: string): Found | undefined {
  if (box.id === id) return { kind: 'box', box };
  const memory = box.memories.find((each) => each.id === id);
  if (memory !== undefined) return { kind: 'memory', memory };
  const cell = box.cells.find((each) => each.id === id);
  if (cell !== undefined) return { kind: 'cell', cell };
  const device = box.devices.find((each) => each.id === id);
  if (device !== undefined) return { kind: 'device', device };
  for (const inner of box.boxes) {
    const found = find(inner, id);
    if (found !== undefined) return found;
  }
  return undefined;
}

function ofBox(box: Box, document: InventoryDocument): Described {
  const isMachine = box.parts[0]?.kind === 'machine';
  const own = { cpus: box.cpus };
  const groups: Group[] = [
    { name: '', rows: factsOf(own) },
    ...box.parts.flatMap((v) => cacheGroup(v, document)),
  ];
  if (isMachine) {
    groups.push(
      { name: 'What may be used', rows: factsOf(document.limits, ['cpus']) },
      {
        name: 'Processor',
        rows: factsOf({ ...document.cpu }, ['flags', 'online', 'numa_nodes', 'caches', 'kinds']),
      },
      { name: 'Memory', rows: factsOf({ ...document.memory }, ['huge_pages', 'modules']) },
      { name: 'System', rows: factsOf(document.host, ['boot_id', 'kernel_version']) },
    );
  }
  return { title: box.title, groups };
}

function ofMemory(memory: Vertex, document: InventoryDocument): Described {
  const node = document.cpu?.numa_nodes.find(({ id }) => id === memory.number);
  const rows = factsOf({ ...node }, ['id', 'distances', 'nearest_cpus']);
  const others = document.cpu?.numa_nodes ?? [];
  const distances = (node?.distances ?? []).map((distance, i) => ({
    name: `to NUMA ${others[i]?.id ?? UNKNOWN}`,
    text: String(distance),
    source: 'kernel',
  }));
  return {
    title: `NUMA node ${memory.number}`,
    groups: [
      { name: '', rows },
      ...(distances.length > 1 ? [{ name: 'Distance (10 is local)', rows: distances }] : []),
    ],
  };
}

function ofCell(cell: Cell, document: InventoryDocument, use: CpuUse | undefined): Described {
  const busy = cell.threads.map((id): FactRow => {
    const share = use?.cpus.find((cpu) => cpu.id === id)?.busy_ratio;
    return {
      name: `CPU ${id} busy`,
      text: percent(share),
      source: share === undefined ? '' : 'measured',
    };
  });
  const kind = document.cpu?.kinds.find(({ cpus }) => cpus.includes(cell.threads[0] ?? -1));
  return {
    title: cell.core.label,
    groups: [
      { name: '', rows: busy },
      ...cell.caches.flatMap((v) => cacheGroup(v, document)),
      ...(kind === undefined ? [] : [{ name: 'Kind of core', rows: factsOf(kind, ['cpus']) }]),
    ],
  };
}

/** A cache of the tree is that of the list with the same CPUs, level and kind. */
function cacheGroup(v: Vertex, document: InventoryDocument): Group[] {
  if (v.kind !== 'cache') return [];
  const [, level, letter] = /^l(\d)([di]?):/.exec(v.id) ?? [];
  const kind = letter === 'd' ? 'data' : letter === 'i' ? 'instruction' : 'unified';
  const first = v.cpu_list.split(/[-,]/, 1)[0];
  const cache = document.cpu?.caches.find(
    (each) =>
      each.level === Number(level) && each.kind === kind && String(each.shared_by[0]) === first,
  );
  if (cache === undefined) return [];
  return [{ name: v.label, rows: factsOf(cache, ['level', 'kind', 'shared_by']) }];
}

function ofDevice({ kind, name, vertex, items }: Device, document: InventoryDocument): Described {
  const address = vertex?.kind === 'pci' ? vertex.id.slice('pci:'.length) : undefined;
  const pci = listOf(document.devices['pci']).find((item) => item['address'] === address);
  const groups = items.map((item): Group => groupOf(kind, item));
  return {
    title: `${kind === 'gpu' ? '' : `${kind} `}${name}`,
    groups: [
      ...groups,
      ...(pci === undefined
        ? []
        : [{ name: 'PCI', rows: factsOf(pci, ['place', 'local_cpus', 'class']) }]),
    ],
  };
}

function groupOf(kind: Device['kind'], item: Item): Group {
  if (kind !== 'gpu') return { name: String(item['name'] ?? ''), rows: factsOf(item, ['name']) };
  return { name: '', rows: factsOf(item, ['mig', 'vendor']) };
}
