import { z } from 'zod';
import { bytes, milliCpu } from '../../base/units.ts';
import type { NodeId } from '../../model/ids.ts';
import type { Node } from '../../model/node.ts';
import { readAmount } from './amount.ts';
import { isNodeList, readOpenbNodes } from './openb.ts';
import { isClusterSpec, readClusterSpec } from './tiresias.ts';
import type { TraceSource } from './trace-format.ts';
import { issueAt, type TraceIssue } from './trace-issue.ts';
import { readYaml, schemaIssues } from './yaml-source.ts';

export type ReadNodes =
  | { readonly ok: true; readonly nodes: readonly Node[] }
  | { readonly ok: false; readonly issues: readonly TraceIssue[] };

const NODES_MAX = 100_000;
const GPUS_MAX = 1_024;

/** Machines as Kubernetes has them: what of them may be given out. */
const kubernetesNode = z.object({
  metadata: z.object({
    name: z.string().min(1).max(253),
    labels: z.record(z.string(), z.string()).default({}),
  }),
  status: z.object({ allocatable: z.record(z.string(), z.unknown()) }),
});

function amountOf(noun: string, form: string, perUnit: number) {
  return z.union([z.string(), z.number()]).transform((written, context) => {
    const amount = readAmount(written, perUnit);
    if (amount !== undefined) return amount;
    context.addIssue({ code: 'custom', message: `${noun}: expected ${form}` });
    return z.NEVER;
  });
}
const memory = amountOf('not an amount of bytes', 'a number with a unit such as 64Gi', 1);

const shape = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/),
  count: z.int().min(1).max(NODES_MAX).default(1),
  cpu: amountOf('not an amount of CPU', 'a number of cores such as 64 or 500m', 1000),
  memory,
  gpus: z.int().min(0).max(GPUS_MAX).default(0),
  gpu_model: z.string().min(1).max(100).default('unknown'),
  gpu_memory: memory.optional(),
  labels: z.record(z.string(), z.string()).default({}),
  /** So many of them in turn have the same value of the label `rack`. */
  per_rack: z.int().min(1).max(NODES_MAX).optional(),
});
const shapeList = z.strictObject({ nodes: z.array(shape).min(1).max(10_000) });

/**
 * The nodes of a file: shapes and counts in YAML or JSON (`nodes: [{name, count, cpu, memory, gpus, …}]`), what
 * `kubectl get nodes -o json` prints, the node list of openb, or the cluster of Tiresias.
 */
export function readNodes(source: TraceSource): ReadNodes {
  const head = source.text.slice(0, 500);
  if (isNodeList(head)) return readOpenbNodes(source);
  if (isClusterSpec(head)) return readClusterSpec(source);
  const read = readYaml(source);
  if (!read.ok) return read;
  const { document } = read;
  const items: unknown = Object(document.value).items;
  if (Array.isArray(items)) return fromKubernetes(source, items);
  const parsed = shapeList.safeParse(document.value);
  if (!parsed.success) return { ok: false, issues: schemaIssues(source, document, parsed.error) };
  const shapes = parsed.data.nodes;
  const count = shapes.reduce((sum, each) => sum + each.count, 0);
  if (count > NODES_MAX) return fails(source, `${count} nodes`, `at most ${NODES_MAX}`);
  return unique(source, shapes.flatMap(nodesOf));
}

function nodesOf(shape: z.infer<typeof shapeList>['nodes'][number]): Node[] {
  const { name, count, cpu, memory, gpus, gpu_model, gpu_memory, labels, per_rack } = shape;
  const devices = Array.from({ length: gpus }, (_, i) => ({
    id: String(i),
    model: gpu_model,
    memory: bytes(gpu_memory ?? 0),
  }));
  const width = String(count - 1).length;
  return Array.from({ length: count }, (_, i) => ({
    id: (count === 1 ? name : `${name}-${String(i).padStart(width, '0')}`) as NodeId,
    cpu: milliCpu(cpu),
    memory: bytes(memory),
    gpus: devices,
    custom: [],
    labels:
      per_rack === undefined
        ? labels
        : { ...labels, rack: `${name}-rack-${Math.floor(i / per_rack)}` },
  }));
}

function fromKubernetes(source: TraceSource, items: readonly unknown[]): ReadNodes {
  if (items.length > NODES_MAX) {
    return fails(source, `${items.length} nodes`, `at most ${NODES_MAX}`);
  }
  const nodes: Node[] = [];
  for (const item of items) {
    const parsed = kubernetesNode.safeParse(item);
    if (!parsed.success) continue;
    const { metadata, status } = parsed.data;
    const { allocatable } = status;
    const gpus = Math.min(GPUS_MAX, readAmount(allocatable['nvidia.com/gpu'] ?? 0, 1) ?? 0);
    const { labels } = metadata;
    const model = labels['nvidia.com/gpu.product'] ?? 'unknown';
    const mebibytes = readAmount(labels['nvidia.com/gpu.memory'] ?? 0, 1024 ** 2) ?? 0;
    nodes.push({
      id: metadata.name as NodeId,
      cpu: milliCpu(readAmount(allocatable['cpu'] ?? 0, 1000) ?? 0),
      memory: bytes(readAmount(allocatable['memory'] ?? 0, 1) ?? 0),
      gpus: Array.from({ length: gpus }, (_, i) => ({
        id: String(i),
        model,
        memory: bytes(mebibytes),
      })),
      custom: customOf(allocatable),
      labels,
    });
  }
  if (nodes.length === 0) {
    return fails(source, 'it has no nodes', 'nodes, as `kubectl get nodes -o json` prints them');
  }
  return unique(source, nodes);
}

/** What of the resources of Kubernetes Berth counts as such itself, or not at all. */
const own =
  /^(cpu|memory|pods|ephemeral-storage|nvidia\.com\/gpu|hugepages-.*|attachable-volumes-.*)$/;
const CUSTOM_MAX = 64;

/** Whatever else is counted by whole numbers, sorted by name. */
export function customOf(resources: Readonly<Record<string, unknown>>): [string, number][] {
  return Object.keys(resources)
    .filter((name) => !own.test(name) && name.length <= 253)
    .sort()
    .slice(0, CUSTOM_MAX)
    .flatMap((name): [string, number][] => {
      const amount = readAmount(resources[name], 1);
      return amount === undefined || amount === 0 ? [] : [[name, amount]];
    });
}

function unique(source: TraceSource, nodes: readonly Node[]): ReadNodes {
  const seen = new Set<string>();
  for (const { id } of nodes) {
    if (seen.has(id)) return fails(source, `two nodes are called ${id}`, 'each name once');
    seen.add(id);
  }
  return { ok: true, nodes };
}

function fails(source: TraceSource, message: string, expected: string): ReadNodes {
  return { ok: false, issues: [issueAt(source, { start: 0, end: 1 }, message, expected)] };
}
