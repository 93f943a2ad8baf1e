import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { spanMs } from '../base/units.ts';
import type { Experiment } from '../cli/world.ts';
import { OperationError } from '../model/errors.ts';
import { defaultScheduling, type SchedulingConfig } from '../model/scheduling-config.ts';
import type { CellInputs } from '../simulation/cell.ts';
import { policyNamed } from '../simulation/policies.ts';
import type { Trace } from '../simulation/trace.ts';
import { readNodes } from '../simulation/traces/node-lists.ts';
import { detectFormat, traceFormat, traceFormats } from '../simulation/traces/registry.ts';
import type { TraceSource } from '../simulation/traces/trace-format.ts';
import type { TraceIssue } from '../simulation/traces/trace-issue.ts';
import { formatIssues } from '../spec/format-issues.ts';

/** A trace of a year of a large site; a larger one is cut into pieces. */
const TEXT_BYTES_MAX = 1024 ** 3;
/** Strings of V8 end at half a GiB. */
const UNPACKED_BYTES_MAX = 500 * 1024 ** 2;

export interface ReadExperiment extends CellInputs {
  /** Of all files that it follows from, and of what was asked. */
  readonly digest: string;
}

/**
 * What simulations are of, from files. Rejects with FILE_UNREADABLE, with USAGE where something is missing or has no
 * such name, and with SPEC_INVALID and all that is wrong in the files.
 */
export async function readExperiment(asked: Experiment, cwd: string): Promise<ReadExperiment> {
  const sources = await Promise.all(asked.files.map((file) => readSource(file, cwd)));
  const nodeSource = asked.nodes === undefined ? undefined : await readSource(asked.nodes, cwd);
  const given = nodeSource && known(readNodes(nodeSource), [nodeSource]).nodes;
  const trace = readTrace(asked, sources, given);
  const nodes = given ?? trace.nodes;
  if (nodes === undefined || nodes.length === 0) {
    throw new OperationError('USAGE', `${trace.name} does not say what it ran on.`, {
      hint: 'Say it by --procs NUMBER, or by --nodes FILE.',
    });
  }
  const hash = createHash('sha256').update(JSON.stringify(asked));
  for (const { text } of [...sources, ...(nodeSource ? [nodeSource] : [])]) hash.update(text);
  return {
    trace,
    nodes,
    policies: policiesOf(asked, trace),
    ...(asked.shakeMs !== undefined && { shakeMs: spanMs(asked.shakeMs) }),
    digest: hash.digest('hex'),
  };
}

function policiesOf({ policies }: Experiment, trace: Trace): ReadonlyMap<string, SchedulingConfig> {
  const base = trace.root === undefined ? undefined : { ...defaultScheduling, root: trace.root };
  return new Map(
    policies.map((name) => {
      const policy = policyNamed(name, base);
      if ('why' in policy) throw new OperationError('USAGE', policy.why);
      return [name, policy.config];
    }),
  );
}

function readTrace(
  asked: Experiment,
  sources: readonly TraceSource[],
  nodes: CellInputs['nodes'] | undefined,
): Trace {
  const [first] = sources;
  const format =
    asked.format === undefined
      ? detectFormat(first!.file, first!.text.slice(0, 10_000))
      : traceFormat(asked.format);
  if (format === undefined) {
    const names = traceFormats.map(({ name }) => name).join(', ');
    const message =
      asked.format === undefined
        ? `${first!.file} looks like no trace that is known.`
        : `No format is called ${asked.format}.`;
    throw new OperationError('USAGE', message, { hint: `--format is one of ${names}.` });
  }
  const { procs, limit } = asked;
  const options = {
    ...(procs !== undefined && { procs }),
    ...(limit !== undefined && { limit }),
    ...(nodes !== undefined && { nodes }),
  };
  return known(format.read(sources, options), sources).trace;
}

type Read<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly issues: readonly TraceIssue[] };

function known<T>(read: Read<T>, sources: readonly TraceSource[]): T {
  if (read.ok) return read;
  const texts = new Map(sources.map(({ file, text }) => [file, text]));
  const [{ file, text }] = sources as readonly [TraceSource];
  const report = formatIssues(read.issues, text, file, texts).trimEnd();
  throw new OperationError('SPEC_INVALID', `The trace cannot be read.\n${report}`, {
    issues: read.issues,
  });
}

const unpack = {
  gzip: promisify(gunzip),
  zstd: promisify(zstdDecompress),
};

async function readSource(file: string, cwd: string): Promise<TraceSource> {
  const raw = await readFile(resolve(cwd, file)).catch((cause: unknown) => {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new OperationError('FILE_UNREADABLE', `${file} cannot be read (${reason}).`, {}, cause);
  });
  if (raw.length > TEXT_BYTES_MAX) throw tooLarge(file);
  const kind =
    raw[0] === 0x1f && raw[1] === 0x8b
      ? 'gzip'
      : raw.length >= 4 && raw.readUInt32LE(0) === 0xfd2fb528
        ? 'zstd'
        : undefined;
  if (kind === undefined) {
    if (raw.length > UNPACKED_BYTES_MAX) throw tooLarge(file);
    return { file, text: raw.toString('utf8') };
  }
  const text = await unpack[kind](raw, { maxOutputLength: UNPACKED_BYTES_MAX }).catch(
    (cause: unknown) => {
      if (cause instanceof RangeError) throw tooLarge(file);
      throw new OperationError('FILE_UNREADABLE', `${file} is no whole ${kind} file.`, {}, cause);
    },
  );
  return { file, text: text.toString('utf8') };
}

const tooLarge = (file: string): OperationError =>
  new OperationError(
    'FILE_UNREADABLE',
    `${file} has more than ${UNPACKED_BYTES_MAX / 1024 ** 2} MiB of text.`,
    {
      hint: 'Cut it into pieces.',
    },
  );
