import { Prng } from '../../base/prng.ts';
import { complexAnalysisArguments } from '../../spec/actions/work-actions.ts';
import { ActionFailure, runAction } from './action-program.ts';
import { readText } from './read-input.ts';

const FILE_BYTES_MAX = 64 * 1024 ** 2;
const DEFAULT_VALUES = 1000;

await runAction(complexAnalysisArguments, async (given) => {
  const { file, column = 0, resamples = 1000, seed = 1 } = given;
  const prng = new Prng(seed);
  const values =
    given.values ??
    (file === undefined
      ? Array.from({ length: DEFAULT_VALUES }, () => uniform(prng))
      : numbersOf(await readText(file, FILE_BYTES_MAX), column));
  if (values.length === 0) throw new ActionFailure('there are no numbers to describe');
  const sorted = Float64Array.from(values).sort();
  const mean = meanOf(sorted);
  const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let i = 0; i < sorted.length; i++) sum += sorted[prng.below(sorted.length)]!;
    return sum / sorted.length;
  }).sort();
  const interval =
    means.length === 0 ? [mean, mean] : [quantile(means, 0.025), quantile(means, 0.975)];
  return {
    count: sorted.length,
    mean,
    // Of a sample: one value alone tells nothing of it.
    stdev: sorted.length < 2 ? null : Math.sqrt(squares / (sorted.length - 1)),
    min: sorted[0]!,
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    max: sorted.at(-1)!,
    mean_low: interval[0]!,
    mean_high: interval[1]!,
  };
});

function uniform(prng: Prng): number {
  return prng.below(1_000_000) / 1_000_000;
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Linear between the two nearest (type 7 of Hyndman and Fan, 1996). */
function quantile(sorted: Float64Array, part: number): number {
  const at = (sorted.length - 1) * part;
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}

/** One number a line, or one column of CSV without quotes; a line that begins with no number is a header. */
function numbersOf(text: string, column: string | number | boolean): number[] {
  const rows = text
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((cell) => cell.trim()));
  const header = rows[0] ?? [];
  const named = header.indexOf(String(column));
  const isNamed = named >= 0 && !/^\d+$/.test(String(column));
  const at = isNamed ? named : Number(column);
  if (!Number.isInteger(at)) throw new ActionFailure(`the file has no column ${column}`);
  const isHeader = isNamed || Number.isNaN(Number(header[at] ?? ''));
  return rows.slice(isHeader ? 1 : 0).map((cells, i) => {
    const value = Number(cells[at] === '' ? Number.NaN : cells[at]);
    if (Number.isFinite(value)) return value;
    throw new ActionFailure(`row ${i + 1} of the file has no number in column ${column}`);
  });
}
