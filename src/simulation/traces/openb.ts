import { bytes, milliCpu, milliGpu } from '../../base/units.ts';
import { type Constraints, noConstraints } from '../../model/constraints.ts';
import type { NodeId } from '../../model/ids.ts';
import type { Gpu, Node } from '../../model/node.ts';
import type { Resources } from '../../model/resources.ts';
import { readTable } from './csv-rows.ts';
import { JobTable } from './job-table.ts';
import { RowBook } from './row-book.ts';
import {
  type ReadOptions,
  type ReadTrace,
  type TraceFormat,
  type TraceSource,
  traceName,
} from './trace-format.ts';
import { onlyNodes, type TraceIssue } from './trace-issue.ts';
import { plainShape } from './trace-spec.ts';

const MIB = 1024 ** 2;
const WHOLE_GPU = 1000;
/** Of one node, and of one pod. */
const GPUS_MAX = 1_024;
const SECONDS_MAX = 1e12;

const NODE_COLUMNS = ['sn', 'cpu_milli', 'memory_mib', 'gpu', 'model'];
const POD_COLUMNS = ['name', 'cpu_milli', 'memory_mib', 'num_gpu', 'gpu_milli', 'gpu_spec'];
const TIME_COLUMNS = ['creation_time', 'deletion_time', 'scheduled_time'];

/** A pod as the trace has it, whether it ever ran or not. */
export interface OpenbPod {
  readonly name: string;
  readonly request: Resources;
  /** Absent: any node will do. */
  readonly constraints?: Constraints;
  readonly qos: string;
  readonly phase: string;
  /** In seconds since the trace began; NaN where there is none. */
  readonly createdS: number;
  readonly scheduledS: number;
  readonly deletedS: number;
  readonly line: number;
}

type Read<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly issues: readonly TraceIssue[] };

/**
 * The GPU cluster of Alibaba (openb, 2023): pods with times, and nodes. A pod holds what it asks for from when it was
 * scheduled until it was deleted, or until the trace ends; one that never was scheduled has no run time. It asks for
 * whole GPUs, or for a share of one; `gpu_spec` names the models that it takes.
 */
export const openb: TraceFormat = {
  name: 'openb',
  what: "Alibaba's GPU cluster trace of 2023: a pod list, and a node list where there is one (.csv)",
  recognises: (_file, head) =>
    isNodeList(head) ||
    POD_COLUMNS.every((name) =>
      head
        .slice(0, 500)
        .split(/[\r\n]/)[0]!
        .split(',')
        .includes(name),
    ),
  read(sources, options) {
    const nodeList = sources.find(({ text }) => isNodeList(text.slice(0, 500)));
    const podList = sources.find((source) => source !== nodeList);
    if (podList === undefined) return onlyNodes(nodeList, POD_COLUMNS);
    const nodes = nodeList === undefined ? undefined : readOpenbNodes(nodeList);
    if (nodes?.ok === false) return nodes;
    return read(podList, nodes?.nodes, options);
  },
};

export const isNodeList = (head: string): boolean => /^\ufeff?sn,cpu_milli,/.test(head);

function read(
  source: TraceSource,
  told: readonly Node[] | undefined,
  options: ReadOptions,
): ReadTrace {
  const book = new RowBook();
  const pods = podsOf(source, [...POD_COLUMNS, ...TIME_COLUMNS], book);
  if (!pods.ok) return pods;
  const table = new JobTable();
  for (const pod of pods.pods) {
    const { scheduledS, createdS, deletedS } = pod;
    if (!isTime(createdS)) book.skip('no creation time', pod.line);
    else if (!isTime(scheduledS)) book.skip('never scheduled', pod.line);
    else if (!isTime(deletedS) || !(deletedS > scheduledS)) book.skip('no run time', pod.line);
    else {
      table.add({
        id: pod.name,
        at: Math.round(createdS * 1000),
        tenant: 'openb',
        shape: plainShape(pod.request, {
          labels: { qos: pod.qos },
          ...(pod.constraints !== undefined && { constraints: pod.constraints }),
        }),
        runMs: Math.round((deletedS - scheduledS) * 1000),
        failed: pod.phase === 'Failed',
      });
    }
  }
  const verdict = book.verdict(table.count, source, `rows of ${POD_COLUMNS.join(', ')} …`);
  if (verdict !== undefined) return verdict;
  const { jobs, count } = table.jobs(options.limit);
  const nodes = options.nodes ?? told;
  const trace = { name: traceName(source.file), format: openb.name, jobs, count };
  return { ok: true, trace: { ...trace, ...(nodes && { nodes }), skipped: book.rows } };
}

const isTime = (seconds: number): boolean => seconds >= 0 && seconds <= SECONDS_MAX;

/** All pods of a list, in its order, with those that never ran. */
export function readOpenbPods(source: TraceSource): Read<{ pods: readonly OpenbPod[] }> {
  const book = new RowBook();
  const read = podsOf(source, POD_COLUMNS, book);
  if (!read.ok) return read;
  const pods = [...read.pods];
  const verdict = book.verdict(pods.length, source, `rows of ${POD_COLUMNS.join(', ')} …`);
  return verdict === undefined || verdict.ok ? { ok: true, pods } : verdict;
}

function podsOf(
  source: TraceSource,
  columns: readonly string[],
  book: RowBook,
): Read<{ pods: Iterable<OpenbPod> }> {
  const table = readTable(source, columns);
  if (!table.ok) return table;
  const { rows } = table;
  const pods = {
    *[Symbol.iterator](): Generator<OpenbPod> {
      for (const row of rows) {
        const cpu = row.number('cpu_milli');
        const memory = row.number('memory_mib');
        const devices = row.number('num_gpu');
        const share = row.number('gpu_milli');
        const gpu = devices === 1 ? share : devices * WHOLE_GPU;
        const isWhole = isAmount(cpu) && isAmount(memory) && isAmount(devices) && isAmount(gpu);
        if (!isWhole || devices > GPUS_MAX || (devices === 1 && share > WHOLE_GPU)) {
          book.malformed(source, row, 'not what a pod asks for', 'whole numbers of its amounts');
          continue;
        }
        const models = row
          .get('gpu_spec')
          .split('|')
          .filter((model) => model !== '');
        yield {
          name: row.get('name'),
          request: {
            cpu: milliCpu(cpu),
            memory: bytes(memory * MIB),
            gpu: milliGpu(gpu),
            custom: [],
          },
          ...(models.length > 0 && { constraints: { ...noConstraints, gpuModels: models } }),
          qos: row.get('qos'),
          phase: row.get('pod_phase'),
          createdS: row.number('creation_time'),
          scheduledS: row.number('scheduled_time'),
          deletedS: row.number('deletion_time'),
          line: row.line,
        };
      }
    },
  };
  return { ok: true, pods };
}

const isAmount = (n: number): boolean => Number.isSafeInteger(n) && n >= 0 && n <= 1e9;

/** The nodes of a list, by name; those without GPUs, too. */
export function readOpenbNodes(source: TraceSource): Read<{ nodes: readonly Node[] }> {
  const table = readTable(source, NODE_COLUMNS);
  if (!table.ok) return table;
  const book = new RowBook();
  const nodes: Node[] = [];
  const models = new Map<string, readonly Gpu[]>();
  const names = new Set<string>();
  for (const row of table.rows) {
    const cpu = row.number('cpu_milli');
    const memory = row.number('memory_mib');
    const count = row.number('gpu');
    const id = row.get('sn');
    const isNode = isAmount(cpu) && isAmount(memory) && isAmount(count) && count <= GPUS_MAX;
    if (!isNode || id === '') {
      book.malformed(source, row, 'not what a node has', `${NODE_COLUMNS.join(', ')}`);
      continue;
    }
    if (names.has(id)) {
      book.skip('a node of that name came before', row.line);
      continue;
    }
    names.add(id);
    const model = row.get('model');
    const key = `${count}/${model}`;
    const gpus = models.get(key) ?? Array.from({ length: count }, (_, i) => device(i, model));
    models.set(key, gpus);
    nodes.push({
      id: id as NodeId,
      cpu: milliCpu(cpu),
      memory: bytes(memory * MIB),
      gpus,
      custom: [],
      labels: {},
    });
  }
  const verdict = book.verdict(nodes.length, source, `rows of ${NODE_COLUMNS.join(', ')}`);
  if (verdict !== undefined && !verdict.ok) return verdict;
  nodes.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { ok: true, nodes };
}

const device = (i: number, model: string): Gpu => ({ id: String(i), model, memory: bytes(0) });
