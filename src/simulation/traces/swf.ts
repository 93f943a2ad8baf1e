import { bytes, milliCpu, milliGpu } from '../../base/units.ts';
import { JOBS_MAX, JobTable } from './job-table.ts';
import { type Machine, machineOf, PROCS_MAX, splitProcessors } from './machine.ts';
import { RowBook } from './row-book.ts';
import {
  type ReadOptions,
  type ReadTrace,
  type TraceFormat,
  type TraceSource,
  traceName,
} from './trace-format.ts';
import { issueAt } from './trace-issue.ts';
import { type JobShape, plainShape } from './trace-spec.ts';

const FIELDS = 18;
const FORM = `${FIELDS} numbers, as in the Standard Workload Format: job, submit, wait, run …`;
/** Fields, from 0. */
const ID = 0;
const SUBMIT = 1;
const RUN = 3;
const ALLOCATED = 4;
const REQUESTED = 7;
const REQUESTED_TIME = 8;
const REQUESTED_KB = 9;
const USER = 11;
const APPLICATION = 13;
/** Times beyond are none: 300,000 years. */
const SECONDS_MAX = 1e13;

/**
 * Parallel workload logs (Feitelson et al., version 2): processors as requested, else as allocated; a run is cut to
 * the requested time, which is the run time where none is given. As published figures have it, a job that ran for
 * no time, on no processor or on more than there are is left out, and how a job ended does not matter.
 */
export const swf: TraceFormat = {
  name: 'swf',
  what: 'Standard Workload Format, version 2: logs of parallel machines (.swf)',
  recognises: (file, head) =>
    /\.swf(\.gz|\.zst)?$/i.test(file) || isRow(head.split('\n').find((line) => isText(line)) ?? ''),
  read: ([source], options) =>
    source === undefined ? { ok: false, issues: [] } : read(source, options),
};

const isText = (line: string): boolean => line.trim() !== '' && !line.startsWith(';');
const isRow = (line: string): boolean => {
  const cells = line.trim().slice(0, 1000).split(/\s+/);
  return cells.length === FIELDS && cells.every((cell) => Number.isFinite(Number(cell)));
};

function read(source: TraceSource, options: ReadOptions): ReadTrace {
  const { text, file } = source;
  const book = new RowBook();
  const table = new JobTable();
  const machine = machineOf(options, processorsOf(text));
  const field = new Float64Array(FIELDS);
  let line = 0;
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf('\n', start);
    if (end === -1) end = text.length;
    line++;
    const found = readFields(text, start, end, field);
    if (found === FIELDS) {
      if (table.isFull) {
        const message = `more than ${JOBS_MAX} jobs`;
        return { ok: false, issues: [issueAt(source, { start, end }, message)] };
      }
      addJob(table, book, field, { line, machine });
    } else if (found !== 0) {
      book.malformed(source, { start, end, line }, `not a row of ${FIELDS} numbers`, FORM);
    }
    start = end + 1;
  }
  const verdict = book.verdict(table.count, source, FORM);
  if (verdict !== undefined) return verdict;
  const { jobs, count } = table.jobs(options.limit);
  return {
    ok: true,
    trace: {
      name: traceName(file),
      format: swf.name,
      jobs,
      count,
      ...(machine !== undefined && { nodes: machine.nodes }),
      skipped: book.rows,
    },
  };
}

/** As the header says: `; MaxProcs: 100`, else `; MaxNodes: 100`. */
function processorsOf(text: string): number | undefined {
  let nodes: number | undefined;
  for (let start = 0; text[start] === ';'; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const [, key, written] =
      /^;\s*(MaxProcs|MaxNodes)\s*:\s*(\d{1,9})\b/i.exec(
        text.slice(start, Math.min(end, start + 200)),
      ) ?? [];
    const value = Number(written);
    if (key !== undefined && value > 0 && value <= PROCS_MAX) {
      if (/procs/i.test(key)) return value;
      nodes ??= value;
    }
    start = end + 1;
  }
  return nodes;
}

function addJob(
  table: JobTable,
  book: RowBook,
  field: Float64Array,
  { line, machine }: { readonly line: number; readonly machine: Machine | undefined },
): void {
  const { procs, requested, run, submit } = termsOf(field);
  const why = leftOut(field, machine);
  if (why !== undefined) {
    book.skip(why, line);
    return;
  }
  const user = field[USER]!;
  const app = field[APPLICATION]!;
  const kb = field[REQUESTED_KB]! > 0 ? field[REQUESTED_KB]! : 0;
  const key = `${procs}/${kb}/${app}`;
  const shape = table.shapeIndex(key, () => shapeOf(procs, kb, app, machine));
  table.addKnown(
    {
      id: field[ID]!,
      at: Math.round(submit * 1000),
      tenant: user >= 0 ? `user-${user}` : 'unknown',
      runMs: Math.round(run * 1000),
      estimateMs: Math.round(requested * 1000),
    },
    shape,
  );
}

function termsOf(field: Float64Array) {
  const requested = field[REQUESTED_TIME]! > 0 ? field[REQUESTED_TIME]! : field[RUN]!;
  return {
    procs: field[REQUESTED]! > 0 ? field[REQUESTED]! : field[ALLOCATED]!,
    requested,
    run: Math.min(field[RUN]!, requested),
    submit: field[SUBMIT]!,
  };
}

function leftOut(field: Float64Array, machine: Machine | undefined): string | undefined {
  const { procs, requested, run, submit } = termsOf(field);
  if (!(submit >= 0 && submit <= SECONDS_MAX)) return 'no submit time';
  if (!(run > 0)) return 'no run time';
  if (requested > SECONDS_MAX) return 'a time beyond all bounds';
  if (!(procs >= 1)) return 'no processors';
  return procs > (machine?.cores ?? PROCS_MAX) ? 'larger than the machine' : undefined;
}

/** `kb` is the memory of each processor. */
function shapeOf(procs: number, kb: number, app: number, machine: Machine | undefined): JobShape {
  const { tasks, each } = splitProcessors(Math.ceil(procs), machine?.coresPerNode ?? procs);
  const request = {
    cpu: milliCpu(each * 1000),
    memory: bytes(Math.min(Math.round(kb * 1024) * each, 2 ** 50)),
    gpu: milliGpu(0),
    custom: [],
  };
  return plainShape(request, { tasks, ...(app >= 0 && { name: `app-${app}` }) });
}

/**
 * The numbers of a line, of which there should be 18: how many there are, 0 of an empty line or a comment, −1 where
 * something else stands. By hand, because a quarter of a million lines are read before anything happens.
 */
function readFields(text: string, start: number, end: number, into: Float64Array): number {
  let count = 0;
  for (let i = start; i < end; ) {
    const code = text.charCodeAt(i);
    if (code === 0x20 || code === 0x09 || code === 0x0d) {
      i++;
      continue;
    }
    if (code === 0x3b && count === 0) return 0;
    let to = i;
    let whole = 0;
    let isWhole = true;
    const isNegative = code === 0x2d;
    if (isNegative) to++;
    for (; to < end; to++) {
      const digit = text.charCodeAt(to) - 0x30;
      if (digit === -0x10 || digit === -0x27 || digit === -0x23) break;
      if (digit < 0 || digit > 9) isWhole = false;
      whole = whole * 10 + digit;
    }
    if (count === FIELDS) return -1;
    const isShort = to - i <= 15 && to - i > (isNegative ? 1 : 0);
    const value = isWhole && isShort ? (isNegative ? -whole : whole) : slowNumber(text, i, to);
    if (!Number.isFinite(value)) return -1;
    into[count++] = value;
    i = to;
  }
  return count === 0 || count === FIELDS ? count : -1;
}

const slowNumber = (text: string, start: number, end: number): number =>
  end - start > 40 ? Number.NaN : Number(text.slice(start, end));
