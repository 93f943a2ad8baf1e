import { spawn } from 'node:child_process';
import { closeSync, fdatasyncSync, read, readSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { Prng } from '../../../base/prng.ts';
import { type BaselineName, type Measurement, spreadOf } from '../../baseline.ts';
import { type FioFigures, parseFio } from '../../parsers/fio.ts';
import { type Budget, nowNs, repeated } from './repeat.ts';
import { ScratchFile } from './scratch-file.ts';

export interface DiskBudget extends Budget {
  /** Where the scratch file goes: on the disk that is measured. */
  readonly folder: string;
  /** Of the scratch file. */
  readonly fileBytesMax: number;
  /** Of all that is written, beside the scratch file itself. Flash wears. */
  readonly writtenBytesMax: number;
}

const SEQUENTIAL_BYTES = 2 ** 20;
const RANDOM_BYTES = 4096;
/** As many as Node's own threads for files, and as fio is told to use. */
const QUEUE_DEPTH = 4;
const CACHED =
  'the file system knows no O_DIRECT: reads may come from the page cache, writes were synced at the end';

/** Sequential and random figures of the disk under `folder`: by fio where it is installed. */
export async function measureDisk(
  budget: DiskBudget,
): Promise<readonly (Measurement | undefined)[]> {
  using scratch = ScratchFile.make(budget.folder, budget.fileBytesMax);
  const byFio = await measureByFio(scratch, budget);
  return byFio ?? (await measureOurselves(scratch, budget));
}

/** Two figures write: sequential and random. */
const writtenPerRepeat = (budget: DiskBudget): number =>
  Math.floor(budget.writtenBytesMax / (2 * budget.repeats));

/** A global of Node that the types of Node leave to those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (pages: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
};

/** Page-aligned, as O_DIRECT wants it: V8 maps the memory of WebAssembly, but not that of a Buffer. */
function alignedBuffer(bytes: number): Buffer {
  const pages = Math.ceil(bytes / 65_536);
  return Buffer.from(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer, 0, bytes);
}

async function measureOurselves(
  scratch: ScratchFile,
  budget: DiskBudget,
): Promise<readonly (Measurement | undefined)[]> {
  const { fd, direct } = scratch.open();
  const note = direct ? undefined : CACHED;
  const method = direct ? 'direct' : 'buffered';
  try {
    const sequential = (name: BaselineName, way: 'read' | 'write') =>
      repeated(name, method, budget, () => sequentialRate(fd, scratch.bytes, way, budget), note);
    return [
      await sequential('disk-sequential-write', 'write'),
      await sequential('disk-sequential-read', 'read'),
      ...(await random('write', fd, scratch.bytes, method, budget, note)),
      ...(await random('read', fd, scratch.bytes, method, budget, note)),
    ];
  } finally {
    closeSync(fd);
  }
}

async function sequentialRate(
  fd: number,
  fileBytes: number,
  way: 'read' | 'write',
  budget: DiskBudget,
): Promise<number | undefined> {
  const writtenMax = writtenPerRepeat(budget);
  const buffer = alignedBuffer(SEQUENTIAL_BYTES);
  const started = nowNs();
  const until = started + budget.milliseconds * 1e6;
  let moved = 0;
  while (nowNs() < until && !budget.signal.aborted) {
    if (way === 'write' && moved + SEQUENTIAL_BYTES > writtenMax) break;
    const at = moved % fileBytes;
    if (way === 'read') readSync(fd, buffer, 0, SEQUENTIAL_BYTES, at);
    else writeSync(fd, buffer, 0, SEQUENTIAL_BYTES, at);
    moved += SEQUENTIAL_BYTES;
    // Lets an abort be seen.
    if (moved % (64 * SEQUENTIAL_BYTES) === 0) await new Promise<void>((go) => setImmediate(go));
  }
  if (way === 'write') fdatasyncSync(fd);
  return moved === 0 ? undefined : (moved * 1e9) / (nowNs() - started);
}

const readAt = promisify(read);
const writeAt = promisify(write);

/** Rate and latency of 4 KiB operations at random places, four under way. */
async function random(
  way: 'read' | 'write',
  fd: number,
  fileBytes: number,
  method: string,
  budget: DiskBudget,
  note: string | undefined,
): Promise<readonly (Measurement | undefined)[]> {
  const latencies: number[] = [];
  const writtenMax = writtenPerRepeat(budget);
  const prng = new Prng(2);
  const blocks = fileBytes / RANDOM_BYTES;
  const depth = `${method}-depth-${QUEUE_DEPTH}`;
  const rate = await repeated(
    `disk-random-${way}`,
    depth,
    budget,
    async () => {
      const started = nowNs();
      const until = started + budget.milliseconds * 1e6;
      let begunOperations = 0;
      let operations = 0;
      let summedNs = 0;
      const lane = async () => {
        const buffer = alignedBuffer(RANDOM_BYTES);
        while (nowNs() < until && !budget.signal.aborted) {
          begunOperations++;
          if (way === 'write' && begunOperations * RANDOM_BYTES > writtenMax) return;
          const at = prng.below(blocks) * RANDOM_BYTES;
          const begun = nowNs();
          if (way === 'read') await readAt(fd, buffer, 0, RANDOM_BYTES, at);
          else await writeAt(fd, buffer, 0, RANDOM_BYTES, at);
          summedNs += nowNs() - begun;
          operations++;
        }
      };
      await Promise.all(Array.from({ length: QUEUE_DEPTH }, lane));
      if (way === 'write') fdatasyncSync(fd);
      if (operations === 0) return undefined;
      latencies.push(summedNs / operations);
      return (operations * 1e9) / (nowNs() - started);
    },
    note,
  );
  const spread = spreadOf(latencies);
  return [
    rate,
    spread === undefined
      ? undefined
      : {
          name: `disk-random-${way}-latency`,
          method: depth,
          repeats: latencies.length,
          ...spread,
          note,
        },
  ];
}

/** Undefined when fio is not installed, or does not manage this file system: then we measure ourselves. */
async function measureByFio(
  scratch: ScratchFile,
  budget: DiskBudget,
): Promise<readonly (Measurement | undefined)[] | undefined> {
  const found = new Map<BaselineName, number[]>();
  for (let i = 0; i < budget.repeats && !budget.signal.aborted; i++) {
    for (const [pattern, way] of fioPatterns) {
      const random = pattern.startsWith('rand');
      const result = await runFio(scratch, pattern, random, budget);
      if (result === undefined) return undefined;
      const figures = result[way];
      if (figures === undefined) continue;
      for (const [name, value] of fioValues(way, random, figures)) {
        found.set(name, [...(found.get(name) ?? []), value]);
      }
    }
  }
  return [...found].map(([name, values]) => {
    const spread = spreadOf(values);
    const method = name.startsWith('disk-random') ? `fio-depth-${QUEUE_DEPTH}` : 'fio';
    return spread === undefined
      ? undefined
      : { name, method, repeats: values.length, ...spread, note: undefined };
  });
}

const fioPatterns: readonly (readonly [string, 'read' | 'write'])[] = [
  ['write', 'write'],
  ['read', 'read'],
  ['randwrite', 'write'],
  ['randread', 'read'],
];

function fioValues(
  way: 'read' | 'write',
  random: boolean,
  figures: FioFigures,
): readonly (readonly [BaselineName, number])[] {
  if (!random) return [[`disk-sequential-${way}`, figures.bytesPerSecond]];
  const rate = [`disk-random-${way}`, figures.operationsPerSecond] as const;
  const { meanLatencyNs } = figures;
  return meanLatencyNs === undefined
    ? [rate]
    : [rate, [`disk-random-${way}-latency`, meanLatencyNs] as const];
}

function runFio(scratch: ScratchFile, pattern: string, random: boolean, budget: DiskBudget) {
  const jobs = random ? QUEUE_DEPTH : 1;
  // Of each job.
  const written = Math.max(SEQUENTIAL_BYTES, Math.floor(writtenPerRepeat(budget) / jobs));
  const args = [
    '--name=berth',
    `--filename=${scratch.path}`,
    `--size=${scratch.bytes}`,
    `--rw=${pattern}`,
    `--bs=${random ? RANDOM_BYTES : SEQUENTIAL_BYTES}`,
    '--direct=1',
    '--ioengine=psync',
    '--thread',
    `--numjobs=${jobs}`,
    '--group_reporting',
    `--runtime=${Math.max(1, Math.ceil(budget.milliseconds / 1000))}`,
    // Bytes bound the writes, time the reads: with --time_based fio would ignore the bytes.
    ...(pattern.endsWith('write') ? [`--io_size=${written}`, '--end_fsync=1'] : ['--time_based']),
    '--allow_file_create=0',
    '--unlink=0',
    '--output-format=json',
  ];
  return new Promise<ReturnType<typeof parseFio>>((resolve) => {
    const child = spawn('fio', args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      signal: AbortSignal.any([budget.signal, AbortSignal.timeout(budget.milliseconds + 30_000)]),
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stdout.on('data', (piece: Buffer) => {
      if (output.length < 4 * 2 ** 20) output += piece.toString('utf8');
    });
    child.on('error', () => resolve(undefined));
    child.on('close', (status) => resolve(status === 0 ? parseFio(output) : undefined));
  });
}
