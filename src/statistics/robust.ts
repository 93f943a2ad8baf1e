/** Sorted copy; what is not a finite number is left out. */
export const sorted = (values: Iterable<number>): Float64Array =>
  Float64Array.from([...values].filter(Number.isFinite)).sort();

/** Of sorted values, by linear interpolation (Hyndman–Fan type 7, as spreadsheets do); NaN of none. */
export function quantile(ascending: ArrayLike<number>, q: number): number {
  const at = (ascending.length - 1) * q;
  const low = Math.floor(at);
  const from = ascending[low] ?? Number.NaN;
  return from + (at - low) * ((ascending[low + 1] ?? from) - from);
}

export const median = (values: Iterable<number>): number => quantile(sorted(values), 0.5);

/** Scale of normal noise from the median absolute deviation: × 1.4826. */
export function madSigma(values: readonly number[], centre = median(values)): number {
  return 1.4826 * median(values.map((value) => Math.abs(value - centre)));
}

export function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length === 0 ? Number.NaN : sum / values.length;
}

/** Correlation of neighbours, −1 … 1; 0 where there is too little to tell. */
export function autocorrelation(values: readonly number[]): number {
  const centre = mean(values);
  let above = 0;
  let below = 0;
  for (let i = 0; i < values.length; i++) {
    const here = values[i]! - centre;
    below += here * here;
    if (i > 0) above += here * (values[i - 1]! - centre);
  }
  return values.length < 8 || below === 0 ? 0 : above / below;
}

/** Pearson's correlation; 0 where one of them does not vary. */
export function correlation(xs: readonly number[], ys: readonly number[]): number {
  const xMean = mean(xs);
  const yMean = mean(ys);
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (let i = 0; i < xs.length; i++) {
    const x = xs[i]! - xMean;
    const y = ys[i]! - yMean;
    xy += x * y;
    xx += x * x;
    yy += y * y;
  }
  return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy);
}

/**
 * What stands out by more than `limit` robust deviations of its neighbours is replaced by their median (Hampel's
 * filter). A step or a slope stays as it is; a spike of up to `reach` points goes.
 */
export function withoutSpikes(values: readonly number[], reach = 3, limit = 4): number[] {
  return values.map((value, i) => {
    const around = values.slice(Math.max(0, i - reach), i + reach + 1);
    const centre = median(around);
    const spread = madSigma(around, centre);
    return Math.abs(value - centre) > limit * Math.max(spread, Math.abs(centre) * 0.01)
      ? centre
      : value;
  });
}
