import { bytes, milliCpu, milliGpu } from '../../base/units.ts';
import type { NodeId } from '../../model/ids.ts';
import type { Node } from '../../model/node.ts';
import { readTable } from './csv-rows.ts';
import { JobTable } from './job-table.ts';
import { splitProcessors } from './machine.ts';
import { RowBook } from './row-book.ts';
import {
  type ReadOptions,
  type ReadTrace,
  type TraceFormat,
  type TraceSource,
  traceName,
} from './trace-format.ts';
import { issueAt, onlyNodes, type TraceIssue } from './trace-issue.ts';
import { plainShape } from './trace-spec.ts';

const GIB = 1024 ** 3;
const JOB_COLUMNS = ['job_id', 'num_gpu', 'submit_time', 'duration'];
const CLUSTER_COLUMNS = [
  'num_switch',
  'num_node_p_switch',
  'num_gpu_p_node',
  'num_cpu_p_node',
  'mem_p_node',
];
const NODES_MAX = 100_000;
const GPUS_PER_NODE_MAX = 1_024;
const SECONDS_MAX = 1e12;
/** Of either cluster of that paper; for who gives none. */
const GPUS_PER_NODE = 4;

/**
 * Deep-learning jobs of Tiresias (Gu et al., NSDI 2019) and of simulators after it: GPUs, times and the model that is
 * trained. They say nothing of CPU and memory, and ask for none. What no one node has is a gang over several.
 */
export const tiresias: TraceFormat = {
  name: 'tiresias',
  what: 'deep-learning jobs of Tiresias, and its cluster where there is one (.csv)',
  recognises: (_file, head) =>
    isClusterSpec(head) ||
    JOB_COLUMNS.every((name) =>
      head
        .slice(0, 500)
        .split(/[\r\n]/)[0]!
        .split(',')
        .includes(name),
    ),
  read(sources, options) {
    const cluster = sources.find(({ text }) => isClusterSpec(text.slice(0, 500)));
    const jobs = sources.find((source) => source !== cluster);
    if (jobs === undefined) return onlyNodes(cluster, JOB_COLUMNS);
    const read = cluster === undefined ? undefined : readClusterSpec(cluster);
    if (read?.ok === false) return read;
    return readJobs(jobs, options.nodes ?? read?.nodes, options);
  },
};

export const isClusterSpec = (head: string): boolean => /^\ufeff?num_switch,/.test(head);

function readJobs(
  source: TraceSource,
  nodes: readonly Node[] | undefined,
  options: ReadOptions,
): ReadTrace {
  const rows = readTable(source, JOB_COLUMNS);
  if (!rows.ok) return rows;
  const book = new RowBook();
  const table = new JobTable();
  const perNode = nodes?.reduce((most, node) => Math.max(most, node.gpus.length), 0);
  const all = nodes?.reduce((sum, node) => sum + node.gpus.length, 0);
  for (const row of rows.rows) {
    const gpus = row.number('num_gpu');
    const submit = row.number('submit_time');
    const duration = row.number('duration');
    const isJob = Number.isSafeInteger(gpus) && gpus >= 0 && gpus <= 1e6 && isTime(submit);
    if (!isJob || Number.isNaN(duration)) {
      book.malformed(source, row, 'not a job', `numbers of ${JOB_COLUMNS.join(', ')}`);
    } else if (!(duration > 0 && isTime(duration))) book.skip('no run time', row.line);
    else if (gpus > (all ?? gpus)) book.skip('larger than the machine', row.line);
    else {
      const { tasks, each } = splitProcessors(Math.max(1, gpus), perNode ?? GPUS_PER_NODE);
      const gpu = milliGpu(gpus === 0 ? 0 : each * 1000);
      const request = { cpu: milliCpu(0), memory: bytes(0), gpu, custom: [] };
      const id = row.get('job_id');
      table.add({
        id: /^\d{1,15}$/.test(id) ? Number(id) : id,
        at: Math.round(submit * 1000),
        tenant: row.get('user') || 'tiresias',
        shape: plainShape(request, { tasks, name: row.get('model_name') || 'job' }),
        runMs: Math.round(duration * 1000),
      });
    }
  }
  const verdict = book.verdict(table.count, source, `rows of ${JOB_COLUMNS.join(', ')}`);
  if (verdict !== undefined) return verdict;
  const { jobs, count } = table.jobs(options.limit);
  const trace = { name: traceName(source.file), format: tiresias.name, jobs, count };
  return { ok: true, trace: { ...trace, ...(nodes && { nodes }), skipped: book.rows } };
}

const isTime = (seconds: number): boolean => seconds >= 0 && seconds <= SECONDS_MAX;

/** The nodes of a cluster; those of one switch have the same label `switch`. Its memory is in GiB. */
export function readClusterSpec(
  source: TraceSource,
):
  | { readonly ok: true; readonly nodes: readonly Node[] }
  | { readonly ok: false; readonly issues: readonly TraceIssue[] } {
  const table = readTable(source, CLUSTER_COLUMNS);
  if (!table.ok) return table;
  const [row] = table.rows;
  const [switches = 0, perSwitch = 0, gpus = 0, cores = 0, memoryGib = 0] = CLUSTER_COLUMNS.map(
    (name) => row?.number(name),
  );
  const isWhole = [switches, perSwitch, gpus, cores, memoryGib].every(
    (n) => Number.isSafeInteger(n) && n >= 0 && n <= 1e6,
  );
  const count = switches * perSwitch;
  if (
    row === undefined ||
    !isWhole ||
    count === 0 ||
    count > NODES_MAX ||
    gpus > GPUS_PER_NODE_MAX
  ) {
    const expected = `whole numbers of ${CLUSTER_COLUMNS.join(', ')}, at most ${NODES_MAX} nodes`;
    const span = row ?? { start: 0, end: 1 };
    return { ok: false, issues: [issueAt(source, span, 'it is no cluster', expected)] };
  }
  const devices = Array.from({ length: gpus }, (_, i) => ({
    id: String(i),
    model: 'unknown',
    memory: bytes(0),
  }));
  const width = String(count - 1).length;
  const nodes = Array.from({ length: count }, (_, i) => ({
    id: `node-${String(i).padStart(width, '0')}` as NodeId,
    cpu: milliCpu(cores * 1000),
    memory: bytes(memoryGib * GIB),
    gpus: devices,
    custom: [],
    labels: { switch: String(Math.floor(i / perSwitch)) },
  }));
  return { ok: true, nodes };
}
