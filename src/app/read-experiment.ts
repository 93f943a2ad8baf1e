import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { spanMs } from '../base/units.ts';
import type { Experiment } from '../cli/world.ts';
import { OperationError } from '../model/errors.ts';
import { defaultScheduling, type SchedulingConfig } from '../model/scheduling-config.ts';
import type { CellInputs } from '../simulation/cell.ts';
import { estimatesNamed } from '../simulation/estimates.ts';
import { readGenerator, traceGenerators } from '../simulation/generators/registry.ts';
import { modelsOf, priceFilesOf } from '../simulation/models/world-models.ts';
import { policyNamed } from '../simulation/policies.ts';
import { readSpotTrace } from '../simulation/spot-path.ts';
import type { Trace } from '../simulation/trace.ts';
import { readNodes } from '../simulation/traces/node-lists.ts';
import { detectFormat, traceFormat, traceFormats } from '../simulation/traces/registry.ts';
import type { TraceSource } from '../simulation/traces/trace-format.ts';
import type { TraceIssue } from '../simulation/traces/trace-issue.ts';
import { formatIssues } from '../spec/format-issues.ts';
import type { Issue } from '../spec/issue.ts';
import { parseWorld } from '../spec/world-document.ts';

/** A trace of a year of a large site; a larger one is cut into pieces. */
const TEXT_BYTES_MAX = 1024 ** 3;
/** Strings of V8 end at half a GiB. */
const UNPACKED_BYTES_MAX = 500 * 1024 ** 2;

export interface ReadExperiment extends CellInputs {
  /** A sentence each, for whoever reads the results. */
  readonly notes: readonly string[];
  /** Of all files that it follows from, and of what was asked. */
  readonly digest: string;
}

/**
 * What simulations are of, from files. Rejects with FILE_UNREADABLE, with USAGE where something is missing or has no
 * such name, and with SPEC_INVALID and all that is wrong in the files.
 */
export async function readExperiment(asked: Experiment, cwd: string): Promise<ReadExperiment> {
  const draw = generatorOf(asked);
  const files = draw === undefined ? asked.files : [];
  const sources = await Promise.all(files.map((file) => readSource(file, cwd)));
  const nodeSource = asked.nodes === undefined ? undefined : await readSource(asked.nodes, cwd);
  const given = nodeSource && known(readNodes(nodeSource), [nodeSource]).nodes;
  const trace = draw?.(1) ?? readTrace(asked, sources, given);
  const nodes = given ?? trace.nodes;
  if (nodes === undefined || nodes.length === 0) {
    throw new OperationError('USAGE', `${trace.name} does not say what it ran on.`, {
      hint: 'Say it by --procs NUMBER, or by --nodes FILE.',
    });
  }
  const world = await worldOf(asked, cwd);
  const estimates = estimatesOf(asked);
  const hash = createHash('sha256').update(JSON.stringify(asked));
  for (const { text } of [...sources, ...(nodeSource ? [nodeSource] : []), ...world.sources]) {
    hash.update(text);
  }
  return {
    trace,
    ...(draw !== undefined && { draw }),
    nodes,
    policies: policiesOf(asked, trace),
    ...(asked.shakeMs !== undefined && { shakeMs: spanMs(asked.shakeMs) }),
    ...(world.models && { models: world.models }),
    ...(estimates && { estimates }),
    notes: [
      ...(asked.world === undefined
        ? []
        : [`What happens beside the trace is from ${asked.world}.`]),
      ...(asked.estimates === undefined
        ? []
        : [`The engine is told of run times by \`${asked.estimates}\`.`]),
      ...(asked.shakeMs === undefined
        ? []
        : [`Each seed moves each submission by ${asked.shakeMs / 1_000} s at most.`]),
    ],
    digest: hash.digest('hex'),
  };
}

interface ReadWorld {
  readonly models?: NonNullable<CellInputs['models']>;
  readonly sources: readonly TraceSource[];
}

/** Paths of prices in the description are as seen from its folder. */
async function worldOf({ world: file }: Experiment, cwd: string): Promise<ReadWorld> {
  if (file === undefined) return { sources: [] };
  const source = await readSource(file, cwd);
  const parsed = parseWorld(source.text);
  if (!parsed.ok) throw invalid(`${file} does not describe a world.`, parsed.issues, [source]);
  const names = priceFilesOf(parsed.world);
  const folder = dirname(resolve(cwd, file));
  const prices = await Promise.all(names.map((name) => readSource(name, folder)));
  const recorded = new Map(
    prices.map(({ file: name, text }) => {
      const read = readSpotTrace(text);
      if (read.ok) return [name, read.points] as const;
      throw new OperationError('SPEC_INVALID', `${name}:${read.line} ${read.message}.`);
    }),
  );
  return {
    models: (nodes) => modelsOf(parsed.world, nodes, recorded).models,
    sources: [source, ...prices],
  };
}

function estimatesOf({ estimates: name }: Experiment): CellInputs['estimates'] {
  if (name === undefined) return undefined;
  const known: Readonly<Record<string, NonNullable<CellInputs['estimates']>>> = estimatesNamed;
  if (Object.hasOwn(known, name)) return known[name];
  throw new OperationError('USAGE', `No estimates are called ${name}.`, {
    hint: `--estimates is one of ${Object.keys(known).join(', ')}.`,
  });
}

/** Where a generator is named in place of a file: `lublin`, or `lublin:procs=128`. A file of that name is `./lublin`. */
function generatorOf({
  files,
  limit,
  procs,
  format,
}: Experiment): ((seed: number) => Trace) | undefined {
  const [written = '', ...more] = files;
  const [name] = written.split(':');
  if (more.length > 0 || !traceGenerators.some((generator) => generator.name === name)) return;
  if (procs !== undefined || format !== undefined) {
    throw new OperationError(
      'USAGE',
      `--procs and --format are for files; ${written} has its own.`,
    );
  }
  const read = readGenerator(written);
  if (!read.ok) throw new OperationError('USAGE', `${read.message}; expected ${read.expected}.`);
  const { generator, values } = read;
  const { jobs = 0 } = values;
  const asked = { ...values, jobs: Math.min(jobs, limit ?? jobs) };
  return (seed) => ({ ...generator.generate(asked, seed), name: written });
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
  throw invalid('The trace cannot be read.', read.issues, sources);
}

function invalid(
  sentence: string,
  issues: readonly Issue[],
  sources: readonly TraceSource[],
): OperationError {
  const texts = new Map(sources.map(({ file, text }) => [file, text]));
  const [{ file, text }] = sources as readonly [TraceSource];
  const report = formatIssues(issues, text, file, texts).trimEnd();
  return new OperationError('SPEC_INVALID', `${sentence}\n${report}`, { issues });
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
