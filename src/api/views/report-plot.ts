import type { ReportDocument } from '../contract/report-documents.ts';

type Trend = ReportDocument['historical_trends'][number];

const WIDTH = 640;
const HEIGHT = 120;
const LEFT = 4;
const BOTTOM = 16;

export function escapeHtml(text: string): string {
  return text.replace(
    /[&<>"']/g,
    (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[one]!,
  );
}

/** A gap is left where a point is much later than the one before: nothing was measured in it. */
const GAP = 2.5;

/**
 * A line of the mean with the band up to the greatest, over the whole window. Read aloud it is its title with
 * mean, peak and trough.
 */
export function plotSvg(
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
  const x = (moment: number): string =>
    (
      LEFT +
      ((moment - window.from) / Math.max(1, window.to - window.from)) * (WIDTH - 2 * LEFT)
    ).toFixed(1);
  const y = (value: number): string =>
    ((1 - Math.min(1, Math.max(0, value / top))) * (HEIGHT - BOTTOM - 2) + 1).toFixed(1);
  const ground = y(0);
  const runs = runsOf(at);
  const lines = runs
    .map((run) => `M${run.map((i) => `${x(at[i]!)},${y(mean[i]!)}`).join('L')}`)
    .join('');
  const bands = runs
    .map((run) => {
      const over = run.map((i) => `${x(at[i]!)},${y(max[i]!)}`);
      return `M${x(at[run[0]!]!)},${ground}L${over.join('L')}L${x(at[run.at(-1)!]!)},${ground}Z`;
    })
    .join('');
  const dots = runs
    .filter((run) => run.length === 1)
    .map(([i]) => `<circle class="line-dot" cx="${x(at[i!]!)}" cy="${y(mean[i!]!)}" r="2"/>`)
    .join('');
  return `<svg role="img" aria-label="${escapeHtml(words.title)}" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none"><path class="band" d="${bands}"/><path class="axis" d="M${LEFT},${ground}H${WIDTH - LEFT}M${LEFT},${y(top)}H${WIDTH - LEFT}"/><path class="line" d="${lines}"/>${dots}<text x="${LEFT}" y="${HEIGHT - 3}">${escapeHtml(words.from)}</text><text x="${WIDTH - LEFT}" y="${HEIGHT - 3}" text-anchor="end">${escapeHtml(words.to)}</text><text x="${WIDTH - LEFT}" y="12" text-anchor="end">${escapeHtml(words.top)}</text></svg>`;
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
