import { bytes, milliCpu, milliGpu } from '../../base/units.ts';
import { noConstraints } from '../../model/constraints.ts';
import { type CsvRow, firstLine, readTable } from './csv-rows.ts';
import { JOBS_MAX, type JobRow, JobTable } from './job-table.ts';
import { type Machine, machineOf, splitProcessors } from './machine.ts';
import { RowBook } from './row-book.ts';
import {
  readSlurmMemory,
  readSlurmSpan,
  readSlurmTime,
  readTres,
  type Tres,
} from './slurm-values.ts';
import {
  type ReadOptions,
  type ReadTrace,
  type TraceFormat,
  type TraceSource,
  traceName,
} from './trace-format.ts';
import { issueAt } from './trace-issue.ts';
import { type JobShape, plainShape } from './trace-spec.ts';

const FORM = '`sacct -P -o JobID,User,State,Submit,Elapsed,Timelimit,ReqTRES,AllocTRES`';
/** One of each says enough. */
const TIMES = [['ElapsedRaw'], ['Elapsed'], ['Start', 'End']] as const;
const AMOUNTS = ['ReqTRES', 'AllocTRES', 'ReqCPUS', 'AllocCPUS', 'NCPUS'] as const;
const NAME_CHARS_MAX = 100;
const TASKS_MAX = 10_000;

/** Why rows in these states are not replayed, by the first word of the state. */
const leftOut: Readonly<Record<string, string>> = {
  PENDING: 'it had not started',
  RUNNING: 'it had not ended',
  SUSPENDED: 'it had not ended',
  COMPLETING: 'it had not ended',
  REQUEUED: 'requeued: it comes again',
  RESIZING: 'resized: it comes again',
  PREEMPTED: 'stopped by the site',
  NODE_FAIL: 'stopped by the site',
  BOOT_FAIL: 'stopped by the site',
  REVOKED: 'stopped by the site',
};
/** What a job does by itself; one that is cancelled ran so long as it ran. */
const failed = new Set(['FAILED', 'TIMEOUT', 'OUT_OF_MEMORY', 'DEADLINE']);

/**
 * Slurm's accounting, as `sacct -P` prints it. Each job, and each member of an array, is one; its steps are part of it.
 * It asks for what was requested, else for what was allocated, as a task on each of its nodes; it comes when it was
 * submitted, or when it became eligible where that is told. Its run is cut to its time limit, as with other logs.
 */
export const sacct: TraceFormat = {
  name: 'sacct',
  what: "Slurm's accounting as `sacct -P` prints it, with its first line",
  recognises: (_file, head) => delimiterOf(head) !== undefined,
  read([source], options) {
    if (source === undefined) return { ok: false, issues: [] };
    return read(source, delimiterOf(source.text) ?? '|', options);
  },
};

/** Of the first line, which has to have a column of that very name. */
function delimiterOf(text: string): string | undefined {
  const { start, end } = firstLine(text);
  const head = text.slice(start, Math.min(end, start + 4_096)).trimEnd();
  return ['|', ',', '\t', ';'].find((delimiter) => {
    const names = head.split(delimiter);
    return names.length > 1 && names.includes('JobID') && names.includes('Submit');
  });
}

function read(source: TraceSource, delimiter: string, options: ReadOptions): ReadTrace {
  const rows = readTable(source, ['JobID', 'Submit'], delimiter);
  if (!rows.ok) return rows;
  const { columns } = rows;
  const missing = !TIMES.some((set) => set.every((name) => columns.has(name)))
    ? 'Elapsed'
    : !AMOUNTS.some((name) => columns.has(name))
      ? 'ReqTRES'
      : undefined;
  if (missing !== undefined) {
    const issue = issueAt(source, firstLine(source.text), `no column \`${missing}\``, FORM);
    return { ok: false, issues: [issue] };
  }
  const book = new RowBook();
  const table = new JobTable();
  const machine = machineOf(options, undefined);
  for (const row of rows.rows) {
    if (table.isFull)
      return { ok: false, issues: [issueAt(source, row, `more than ${JOBS_MAX} jobs`)] };
    const job = jobOf(row, machine);
    if (!('why' in job)) table.add(job);
    else if (job.expected === undefined) book.skip(job.why, row.line);
    else book.malformed(source, row, job.why, job.expected);
  }
  const verdict = book.verdict(table.count, source, FORM);
  if (verdict !== undefined) return verdict;
  const { jobs, count } = table.jobs(options.limit);
  const nodes = machine?.nodes;
  const trace = { name: traceName(source.file), format: sacct.name, jobs, count };
  return { ok: true, trace: { ...trace, ...(nodes && { nodes }), skipped: book.rows } };
}

/** A row that is no job: left out for a reason, or not a row of such a dump. */
interface NoJob {
  readonly why: string;
  readonly expected?: string;
}

function jobOf(row: CsvRow, machine: Machine | undefined): JobRow | NoJob {
  const id = row.get('JobID');
  if (!/^\d/.test(id) || id.length > 100) return { why: 'no job number', expected: FORM };
  if (id.includes('.')) return { why: 'a step of a job' };
  const [state = ''] = row.get('State').split(/[ +]/);
  const why = Object.hasOwn(leftOut, state) ? leftOut[state] : undefined;
  if (why !== undefined) return { why };
  const submit = readSlurmTime(row.get('Submit'));
  if (submit === undefined) {
    return { why: 'no submit time', expected: 'a time such as 2026-01-31T12:00:00' };
  }
  const limitS = limitOf(row);
  const ranS = ranSeconds(row);
  const runMs = Math.round(Math.min(ranS ?? 0, limitS ?? Number.POSITIVE_INFINITY) * 1000);
  if (runMs <= 0) return { why: 'no run time' };
  const asked = askedFor(row);
  if (asked === undefined) return { why: 'no resources' };
  if (asked.cpu > (machine?.cores ?? asked.cpu)) return { why: 'larger than the machine' };
  return {
    id: /^\d{1,15}$/.test(id) ? Number(id) : id,
    at: Math.max(submit, readSlurmTime(row.get('Eligible')) ?? submit),
    tenant: (row.get('User') || row.get('Account') || 'unknown').slice(0, NAME_CHARS_MAX),
    shape: shapeOf(row, asked, machine),
    runMs,
    estimateMs: limitS === undefined ? undefined : Math.round(limitS * 1000),
    failed: failed.has(state),
  };
}

function ranSeconds(row: CsvRow): number | undefined {
  const raw = row.number('ElapsedRaw');
  if (Number.isFinite(raw) && raw >= 0 && raw < 1e11) return raw;
  const elapsed = readSlurmSpan(row.get('Elapsed'));
  if (elapsed !== undefined) return elapsed;
  const start = readSlurmTime(row.get('Start'));
  const end = readSlurmTime(row.get('End'));
  return start === undefined || end === undefined ? undefined : (end - start) / 1000;
}

function limitOf(row: CsvRow): number | undefined {
  const minutes = row.number('TimelimitRaw');
  const limit = minutes > 0 && minutes < 1e9 ? minutes * 60 : readSlurmSpan(row.get('Timelimit'));
  return limit === 0 ? undefined : limit;
}

type Asked = Required<Pick<Tres, 'cpu' | 'memory' | 'nodes' | 'gpus'>> & Pick<Tres, 'gpuModel'>;

/** Of what is requested, else of what was given; undefined where neither says how many CPUs. */
function askedFor(row: CsvRow): Asked | undefined {
  const requested = readTres(row.get('ReqTRES'));
  const allocated = readTres(row.get('AllocTRES'));
  const cpu = [
    requested.cpu,
    row.number('ReqCPUS'),
    allocated.cpu,
    row.number('AllocCPUS'),
    row.number('NCPUS'),
  ].find(
    (count) => count !== undefined && Number.isSafeInteger(count) && count > 0 && count <= 1e7,
  );
  if (cpu === undefined) return undefined;
  const told = row.number('NNodes');
  const nodes = requested.nodes ?? allocated.nodes ?? (Number.isSafeInteger(told) ? told : 1);
  const count = Math.max(1, Math.min(nodes, cpu, TASKS_MAX));
  const gpuModel = requested.gpuModel ?? allocated.gpuModel;
  return {
    cpu,
    memory: requested.memory ?? requestedMemory(row, cpu, count) ?? allocated.memory ?? 0,
    nodes: count,
    gpus: requested.gpus ?? allocated.gpus ?? 0,
    ...(gpuModel !== undefined && { gpuModel }),
  };
}

/** Older ones say `4Gc` of each CPU and `4Gn` of each node, newer ones all of it. */
function requestedMemory(row: CsvRow, cpu: number, nodes: number): number | undefined {
  const [, amount = '', per] = /^([\d.]+[KMGTP]?)([cn])?$/.exec(row.get('ReqMem')) ?? [];
  const memory = readSlurmMemory(amount);
  if (memory === undefined) return undefined;
  return Math.min(2 ** 50, memory * (per === 'c' ? cpu : per === 'n' ? nodes : 1));
}

function shapeOf(row: CsvRow, asked: Asked, machine: Machine | undefined): JobShape {
  const { cpu, memory, nodes, gpus, gpuModel } = asked;
  const split = splitProcessors(cpu, machine?.coresPerNode ?? cpu);
  const tasks = Math.max(nodes, split.tasks);
  const part = (amount: number): number => Math.ceil(amount / tasks);
  const request = {
    cpu: milliCpu(part(cpu) * 1000),
    memory: bytes(part(memory)),
    gpu: milliGpu(part(gpus) * 1000),
    custom: [],
  };
  const labels: Record<string, string> = {};
  for (const [label, column] of [
    ['account', 'Account'],
    ['partition', 'Partition'],
    ['qos', 'QOS'],
  ] as const) {
    const value = row.get(column).slice(0, NAME_CHARS_MAX);
    if (value !== '') labels[label] = value;
  }
  return plainShape(request, {
    tasks,
    name: row.get('JobName').slice(0, NAME_CHARS_MAX) || 'job',
    labels,
    ...(gpuModel !== undefined &&
      gpus > 0 && { constraints: { ...noConstraints, gpuModels: [gpuModel] } }),
  });
}
