import { figure } from '../../html/page.ts';
import {
  type Axis,
  type PlotLine,
  type Point,
  plotSvg,
  roundTicks,
  type Tick,
} from '../../html/plot.ts';
import type { PolicyRow } from '../measures/compare-runs.ts';
import type { MeasureUnit } from '../measures/compared-measures.ts';
import type { RunSeries } from '../measures/run-document.ts';
import { amount } from './words.ts';

const HEIGHT = 170;
const quarters = [0.25, 0.5, 0.75, 1].map(
  (at): Tick => ({ at, text: `${at * 100} %`, isMinor: at === 0.75 }),
);

type SeriesName = Exclude<keyof RunSeries, 'step_s'>;

/** One figure over time, a line for each policy; nothing where no policy knows of any. */
export function timePlot(
  policies: readonly PolicyRow[],
  name: SeriesName,
  title: string,
  unit: MeasureUnit,
): string {
  const most = policies.reduce(
    (all, { run }) => run.series[name].reduce((a: number, b) => Math.max(a, b ?? 0), all),
    0,
  );
  // What never happened needs no picture.
  if (most === 0) return '';
  const top = unit === 'ratio' ? 1 : most;
  const to = policies.reduce((all, { run }) => Math.max(all, run.makespan_s ?? 0), 0);
  const lines = policies.map(({ run }, look) => ({ runs: runsOf(run.series, name), look }));
  const told = policies.map((policy) => {
    const values = policy.run.series[name].filter((value) => value !== null);
    const greatest = values.reduce((a, b) => Math.max(a, b), 0);
    return `${policy.name} up to ${amount(greatest, unit)}`;
  });
  const y: Axis = {
    scale: 'linear',
    from: 0,
    to: top,
    ticks: unit === 'ratio' ? quarters : roundTicks(top, (value) => amount(value, unit)),
  };
  const plot = { title: `${title}: ${told.join(', ')}`, x: timeAxis(to), y, lines, height: HEIGHT };
  return figure(title, plotSvg(plot));
}

/** Each step as wide as it is; a step of which nothing is known breaks the line. */
function runsOf(series: RunSeries, name: SeriesName): Point[][] {
  const runs: Point[][] = [];
  let run: Point[] | undefined;
  series[name].forEach((value, i) => {
    if (value === null) {
      run = undefined;
      return;
    }
    if (run === undefined) {
      run = [];
      runs.push(run);
    }
    run.push([(i + 0.5) * series.step_s, value]);
  });
  return runs;
}

export const timeAxis = (to: number): Axis => ({
  scale: 'linear',
  from: 0,
  to: Math.max(to, 1),
  ticks: [
    { at: 0, text: 'first submission' },
    { at: to / 2, text: amount(to / 2, 's'), isMinor: true },
    { at: to, text: amount(to, 's') },
  ],
});

/** What part of all jobs has at most so much: over a logarithmic axis, from `least` on. */
export function distributionPlot(
  policies: readonly PolicyRow[],
  name: 'wait_s' | 'slowdown',
  words: { readonly title: string; readonly least: number; readonly unit: MeasureUnit },
): string {
  const { title, least, unit } = words;
  const most = policies.reduce(
    (all, { run }) => Math.max(all, run.distributions[name].at(-1) ?? 0),
    least,
  );
  if (most <= least) return '';
  const lines = policies.map(({ run }, look): PlotLine => {
    const { parts, [name]: values } = run.distributions;
    return { runs: [values.map((value, i): Point => [value, parts[i]!])], look };
  });
  const told = policies.map(({ name: policy, run }) => {
    const { parts, [name]: values } = run.distributions;
    return `${policy} half up to ${amount(values[parts.indexOf(0.5)] ?? null, unit)}`;
  });
  return figure(
    title,
    plotSvg({
      title: `${title}: ${told.join(', ')}`,
      x: { scale: 'log', from: least, to: most, ticks: decades(least, most, unit) },
      y: { scale: 'linear', from: 0, to: 1, ticks: quarters },
      lines,
      height: HEIGHT,
    }),
  );
}

/** Of spans, what people count in; otherwise powers of ten. */
function decades(least: number, most: number, unit: MeasureUnit): Tick[] {
  const powers = Array.from({ length: 12 }, (_, i) => [10 ** i, amount(10 ** i, unit)] as const);
  const round = (unit === 's' ? spans : powers).filter(([at]) => at >= least && at <= most);
  return round.map(([at, text], i) => ({ at, text, isMinor: i % 2 === 1 }));
}

const spans: readonly (readonly [seconds: number, text: string])[] = [
  [1, '1s'],
  [10, '10s'],
  [60, '1m'],
  [600, '10m'],
  [3_600, '1h'],
  [36_000, '10h'],
  [86_400, '1d'],
  [864_000, '10d'],
  [8_640_000, '100d'],
];
