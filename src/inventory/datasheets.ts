import { assert } from '../base/assert.ts';
import { datasheetTable, rentTable } from './datasheet-table.ts';
import { type Fact, fact, unknown } from './fact.ts';

/** A part as its maker describes it. Units are in the names; undefined is "the source does not say". */
export interface Datasheet {
  readonly model: string;
  readonly memoryBytes: number | undefined;
  readonly memoryType: string | undefined;
  readonly memoryBytesPerSecond: number | undefined;
  /** Of the matrix units, dense, FP16 or BF16 with FP32 accumulation. */
  readonly fp16Tflops: number | undefined;
  readonly fp32Tflops: number | undefined;
  readonly tdpWatts: number | undefined;
  /** CUDA compute capability, or AMD's gfx name. */
  readonly computeCapability: string | undefined;
  readonly multiprocessors: number | undefined;
  readonly cores: number | undefined;
  readonly tensorCores: number | undefined;
  /** NVLink, Infinity Fabric or the part's own network, both directions together. */
  readonly fabricBytesPerSecond: number | undefined;
  readonly pcieGeneration: number | undefined;
  readonly rent: Rent | undefined;
  /** Document and year. */
  readonly source: string;
}

export interface Rent {
  readonly lowDollarsPerHour: number;
  readonly highDollarsPerHour: number;
  readonly asOf: string;
}

/** The day of the table: parts that came later are not in it. */
export const DATASHEETS_AS_OF = '2026-11-21';

interface Entry {
  readonly sheet: Datasheet;
  readonly pattern: RegExp;
}

const rents = new Map(
  rowsOf(rentTable, 4).map(([model, low, high, asOf]): [string, Rent] => [
    model!,
    { lowDollarsPerHour: Number(low), highDollarsPerHour: Number(high), asOf: asOf! },
  ]),
);
const entries: readonly Entry[] = rowsOf(datasheetTable, 15).map(entry);

/** Every part of the catalogue, in its order. */
export const datasheets: readonly Datasheet[] = entries.map((e) => e.sheet);

function rowsOf(table: string, columns: number): readonly (readonly string[])[] {
  const rows = table
    .trim()
    .split('\n')
    .map((row) => row.split(' | ').map((cell) => cell.trim()));
  for (const row of rows)
    assert(row.length === columns, `datasheet row of ${row.length}: ${row[0]}`);
  return rows;
}

function entry(row: readonly string[]): Entry {
  const text = (i: number) => (row[i] === '-' ? undefined : row[i]);
  const figure = (i: number, scale = 1) => {
    const cell = text(i);
    if (cell === undefined) return undefined;
    const n = Number(cell);
    assert(Number.isFinite(n) && n >= 0, `datasheet of ${row[0]}: '${cell}' is no figure`);
    return scale === 1 ? n : Math.round(n * scale);
  };
  const model = row[0]!;
  return {
    pattern: new RegExp(`(^|[ -])(${row[1]!})`, 'i'),
    sheet: {
      model,
      memoryBytes: figure(2, 1e9),
      memoryType: text(3),
      memoryBytesPerSecond: figure(4, 1e9),
      fp16Tflops: figure(5),
      fp32Tflops: figure(6),
      tdpWatts: figure(7),
      computeCapability: text(8),
      multiprocessors: figure(9),
      cores: figure(10),
      tensorCores: figure(11),
      fabricBytesPerSecond: figure(12, 1e9),
      pcieGeneration: figure(13),
      rent: rents.get(model),
      source: row[14]!,
    },
  };
}

/** The datasheet of the part that a driver calls this; undefined when none or more than one fits. */
export function datasheetOf(driverName: string): Datasheet | undefined {
  const name = driverName.trim().replaceAll(/\s+/g, ' ');
  const found = entries.filter((e) => e.pattern.test(name) || e.sheet.model === name);
  return found.length === 1 ? found[0]!.sheet : undefined;
}

/** What the datasheet adds to a device of this name, as facts of source `datasheet`. */
export interface DatasheetFacts {
  readonly memoryType: Fact<string>;
  readonly memoryBytesPerSecond: Fact<number>;
  readonly fp16Tflops: Fact<number>;
  readonly fp32Tflops: Fact<number>;
  readonly tdpWatts: Fact<number>;
  readonly computeCapability: Fact<string>;
  readonly multiprocessors: Fact<number>;
  readonly cores: Fact<number>;
  readonly tensorCores: Fact<number>;
  readonly fabricBytesPerSecond: Fact<number>;
  /** The document, so that a figure can be traced. */
  readonly document: Fact<string>;
}

export function datasheetFacts(driverName: string | undefined): DatasheetFacts {
  const sheet = driverName === undefined ? undefined : datasheetOf(driverName);
  const from = <T>(value: T | undefined): Fact<T> =>
    value === undefined ? unknown('not-reported') : fact(value, 'datasheet');
  return {
    memoryType: from(sheet?.memoryType),
    memoryBytesPerSecond: from(sheet?.memoryBytesPerSecond),
    fp16Tflops: from(sheet?.fp16Tflops),
    fp32Tflops: from(sheet?.fp32Tflops),
    tdpWatts: from(sheet?.tdpWatts),
    computeCapability: from(sheet?.computeCapability),
    multiprocessors: from(sheet?.multiprocessors),
    cores: from(sheet?.cores),
    tensorCores: from(sheet?.tensorCores),
    fabricBytesPerSecond: from(sheet?.fabricBytesPerSecond),
    document: from(sheet === undefined ? undefined : sheet.source),
  };
}
