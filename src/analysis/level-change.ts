import { madSigma, mean, median, quantile, sorted, withoutSpikes } from '../statistics/robust.ts';
import { changePoints, memoryOf } from './statistics/change-points.ts';
import { Cusum, type CusumAlarm } from './statistics/cusum.ts';
import { trendOf } from './statistics/trend.ts';

/** How a series is no longer what it was. */
export interface LevelChange {
  /**
   * `step`: from one moment on. `trend`: little by little, once and not as many steps. `fresh`: a step so late that
   * nobody knows yet whether it lasts.
   */
  readonly kind: 'step' | 'trend' | 'fresh';
  /** Where it began. */
  readonly index: number;
  readonly before: number;
  readonly after: number;
  /** That it is chance; undefined of what is fresh. */
  readonly p?: number;
}

export interface ChangeTerms {
  /** Smaller is none, in the unit of the series. */
  readonly matters: number;
  /** As a share of the level before. */
  readonly magnitudeMin?: number;
  readonly significance?: number;
}

/** With less, nothing is told. */
export const POINTS_MIN = 48;
const KNEES = 40;
/** In sigmas: a false alarm in some 10,000 points. */
const FRESH_LIMIT = 8;
const FRESH_POINTS_MIN = 3;

/** The change that lasts to the end of the series, if there is one. */
export function levelChange(raw: readonly number[], terms: ChangeTerms): LevelChange | undefined {
  const { matters, magnitudeMin = 0.05, significance = 0.01 } = terms;
  if (raw.length < POINTS_MIN) return undefined;
  const values = withoutSpikes(raw);
  const isLarge = (before: number, after: number): boolean =>
    Math.abs(after - before) >= Math.max(matters, magnitudeMin * Math.abs(before));
  const persistence = Math.max(5, Math.ceil(values.length / 24));
  if (!mayHaveChanged(values, matters)) return freshOf(raw, persistence, isLarge);
  const steps = changePoints(values, {
    magnitudeMin,
    persistence,
    significance,
    permutations: Math.ceil(2 / significance) - 1,
  });
  const step = stepOf(steps, isLarge);
  const drift = driftOf(values, significance);
  const trend = drift !== undefined && isLarge(drift.before, drift.after) ? drift : undefined;
  if (step === undefined || trend === undefined) {
    return step ?? trend ?? freshOf(raw, persistence, isLarge);
  }
  const models = [
    { change: trend, parameters: 3, rest: left(values, trend.fitted) },
    {
      change: step,
      parameters: 2 * steps.length + 1,
      rest: left(values, stepLevels(values, steps)),
    },
  ];
  // What is left of the wrong model has a memory, which the noise itself does not have.
  const independent = values.length / Math.min(...models.map(({ rest }) => memoryOf(rest)));
  const [byTrend, bySteps] = models.map((model) => criterion(model, independent));
  return byTrend! <= bySteps! ? trend : step;
}

/** Most series have not changed; that is seen at once from the medians of eight parts. */
function mayHaveChanged(values: readonly number[], matters: number): boolean {
  const size = Math.ceil(values.length / 8);
  const levels = sorted(
    Array.from({ length: 8 }, (_, i) => median(values.slice(i * size, (i + 1) * size))),
  );
  return quantile(levels, 1) - quantile(levels, 0) >= matters * 0.8;
}

/** What cumulative sums find in the last points: the others need more of them than there are yet. */
function freshOf(
  raw: readonly number[],
  persistence: number,
  isLarge: (before: number, after: number) => boolean,
): LevelChange | undefined {
  const usual = withoutSpikes(raw.slice(0, -persistence));
  const before = median(usual);
  const rest = usual.map((value) => value - before);
  // Where there are two levels side by side, the median sees one of them only.
  const spread = Math.sqrt(mean(rest.map((value) => value * value)));
  const sigma = Math.max(madSigma(rest, 0), spread) * Math.sqrt(memoryOf(rest));
  if (sigma === 0) return undefined;
  const cusum = new Cusum({ level: before, sigma, limit: FRESH_LIMIT });
  const last = raw.slice(-persistence);
  let alarm: CusumAlarm | undefined;
  for (const value of last) alarm = cusum.push(value);
  if (alarm === undefined || last.length - alarm.since < FRESH_POINTS_MIN) return undefined;
  const after = median(last.slice(alarm.since));
  if (!isLarge(before, after)) return undefined;
  return { kind: 'fresh', index: usual.length + alarm.since, before, after };
}

type Steps = ReturnType<typeof changePoints>;

/** From the first level to the last, at the greatest step on the way there. */
function stepOf(
  steps: Steps,
  isLarge: (before: number, after: number) => boolean,
): LevelChange | undefined {
  const before = steps[0]?.before;
  const after = steps.at(-1)?.after;
  if (before === undefined || after === undefined || !isLarge(before, after)) return undefined;
  const along = (one: Steps[number]): number =>
    (one.after - one.before) * Math.sign(after - before);
  const greatest = steps.reduce((a, b) => (along(b) > along(a) ? b : a));
  return { kind: 'step', index: greatest.index, before, after, p: greatest.p };
}

function stepLevels(values: readonly number[], steps: Steps): readonly number[] {
  const bounds = [0, ...steps.map(({ index }) => index), values.length];
  return bounds.slice(1).flatMap((to, i) => {
    const part = values.slice(bounds[i]!, to);
    return part.map(() => mean(part));
  });
}

interface Drift extends LevelChange {
  readonly fitted: readonly number[];
}

/** Level, then a slope: where it turns is where the squares are least. The test is Mann–Kendall's. */
function driftOf(values: readonly number[], significance: number): Drift | undefined {
  const n = values.length;
  let best = fitKnee(values, 0);
  for (let i = 1; i < KNEES; i++) {
    const found = fitKnee(values, Math.round((i * 0.8 * n) / KNEES));
    // A later beginning has to be worth it: it is one more thing to choose.
    if (found.squares < best.squares * (1 - 1 / n)) best = found;
  }
  const { knee, level, slope } = best;
  const fitted = values.map((_, i) => level + slope * Math.max(0, i - knee));
  // Not the ends of the line: of a step, a line shoots beyond.
  const part = Math.ceil(n / 12);
  const after = median(values.slice(-part));
  const start = median(values.slice(0, part));
  const before = Math.abs(after - start) < Math.abs(after - level) ? start : level;
  const trend = trendOf(values, { memory: memoryOf(left(values, fitted)) });
  if (trend === undefined || trend.p > significance) return undefined;
  if (Math.sign(after - level) !== Math.sign(trend.slope)) return undefined;
  return { kind: 'trend', index: knee, before, after, p: trend.p, fitted };
}

function fitKnee(values: readonly number[], knee: number) {
  const n = values.length;
  let sx = 0;
  let sy = 0;
  let sxx = 0;
  let sxy = 0;
  let syy = 0;
  for (let i = 0; i < n; i++) {
    const x = Math.max(0, i - knee);
    const y = values[i]!;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
    syy += y * y;
  }
  const xx = sxx - (sx * sx) / n;
  const xy = sxy - (sx * sy) / n;
  const slope = xx === 0 ? 0 : xy / xx;
  return { knee, slope, level: (sy - slope * sx) / n, squares: syy - (sy * sy) / n - slope * xy };
}

const left = (values: readonly number[], fitted: readonly number[]): readonly number[] =>
  values.map((value, i) => value - fitted[i]!);

/** Schwarz's criterion (BIC), with as many points as are independent of each other. */
function criterion(
  { rest, parameters }: { readonly rest: readonly number[]; readonly parameters: number },
  independent: number,
): number {
  const squares = rest.reduce((sum, x) => sum + x * x, 0);
  const scale = Math.max(squares / rest.length, Number.MIN_VALUE);
  return independent * Math.log(scale) + parameters * Math.log(Math.max(2, independent));
}
