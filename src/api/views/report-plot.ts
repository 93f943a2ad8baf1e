import { plotSvg, type Runs } from '../../html/plot.ts';
import type { ReportDocument } from '../contract/report-documents.ts';

type Trend = ReportDocument['historical_trends'][number];

/** A gap is left where a point is much later than the one before: nothing was measured in it. */
const GAP = 2.5;

/**
 * A line of the mean with the band up to the greatest, over the whole window. Read aloud it is its title with
 * mean, peak and trough.
 */
export function trendSvg(
  trend: Trend,
  window: { readonly from: number; readonly to: number },
  words: {
    readonly title: string;
    readonly from: string;
    readonly to: string;
    readonly top: string;
  },
): string {
  const { at, mean, max } = trend;
  const top = trend.unit === 'ratio' ? 1 : Math.max(...max, Number.MIN_VALUE);
  const runs = runsOf(at);
  const through = (values: readonly number[]): Runs =>
    runs.map((run) => run.map((i) => [at[i]!, values[i]!] as const));
  const { from, to } = window;
  const ends = [
    { at: from, text: words.from },
    { at: to, text: words.to },
  ];
  return plotSvg({
    title: words.title,
    x: { scale: 'linear', from, to, ticks: ends },
    y: { scale: 'linear', from: 0, to: top, ticks: [{ at: top, text: words.top }] },
    lines: [{ runs: through(mean), look: 0 }],
    bands: through(max),
  });
}

/** Indexes of points that follow each other without a gap. */
function runsOf(at: readonly number[]): number[][] {
  const steps = at.slice(1).map((moment, i) => moment - at[i]!);
  const usual = steps.toSorted((a, b) => a - b)[steps.length >> 1] ?? 0;
  const runs: number[][] = [];
  for (const i of at.keys()) {
    const run = runs.at(-1);
    if (run === undefined || at[i]! - at[i - 1]! > usual * GAP) runs.push([i]);
    else run.push(i);
  }
  return runs;
}
