import { escapeHtml } from './page.ts';

export const PLOT_WIDTH = 640;
const HEIGHT = 120;
const LEFT = 4;
const BOTTOM = 16;

export interface Axis {
  readonly scale: 'linear' | 'log';
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly Tick[];
}

export interface Tick {
  readonly at: number;
  readonly text: string;
  /** Left out where there is little room. */
  readonly isMinor?: boolean;
}

export type Point = readonly [x: number, y: number];

/** Runs of points; between two runs nothing is known. */
export type Runs = readonly (readonly Point[])[];

export interface PlotLine {
  readonly runs: Runs;
  /** Its colour and dashes, of `LOOKS`. */
  readonly look: number;
}

export interface Plot {
  /** Read aloud in place of the picture. */
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly PlotLine[];
  /** Shaded from the lower end of the axis. */
  readonly bands?: Runs;
  readonly height?: number;
}

/** How lines are told apart: with the colours, for those who see none. More lines begin again. */
const dashes = ['', '6 3', '2 2', '8 2 2 2', '4 4', '1 3'] as const;
export const LOOKS = dashes.length;

export function lookOf(look: number): string {
  const i = look % LOOKS;
  return i === 0 ? 'class="line"' : `class="line look-${i}" stroke-dasharray="${dashes[i]}"`;
}

/** Where a value is on an axis of so many units; what is beyond an end is drawn at that end. */
export function placeOn({ scale, from, to }: Axis, value: number, length: number): number {
  const at = scale === 'log' ? Math.log(Math.max(value, from)) - Math.log(from) : value - from;
  const all = scale === 'log' ? Math.log(to) - Math.log(from) : to - from;
  return all <= 0 ? 0 : Math.min(1, Math.max(0, at / all)) * length;
}

/** Lines over two axes. */
export function plotSvg({ title, x, y, lines, bands = [], height = HEIGHT }: Plot): string {
  const left = (value: number): string =>
    (LEFT + placeOn(x, value, PLOT_WIDTH - 2 * LEFT)).toFixed(1);
  const room = height - BOTTOM - 2;
  const top = (value: number): string => (room + 1 - placeOn(y, value, room)).toFixed(1);
  const ground = top(y.from);
  const through = (run: readonly Point[]): string =>
    run.map(([a, b]) => `${left(a)},${top(b)}`).join('L');
  const areas = bands
    .filter((run) => run.length > 0)
    .map((run) => {
      const [first, last] = [left(run[0]![0]), left(run.at(-1)![0])];
      return `M${first},${ground}L${through(run)}L${last},${ground}Z`;
    });
  const drawn = lines.map(({ runs, look }) => {
    const paths = runs.filter((run) => run.length > 0).map((run) => `M${through(run)}`);
    const dots = runs
      .filter((run) => run.length === 1)
      .map(
        ([one]) => `<circle class="line-dot" cx="${left(one![0])}" cy="${top(one![1])}" r="2"/>`,
      );
    return `<path ${lookOf(look)} d="${paths.join('')}"/>${dots.join('')}`;
  });
  const rules = [y.from, ...y.ticks.map(({ at }) => at)].map(
    (at) => `M${LEFT},${top(at)}H${PLOT_WIDTH - LEFT}`,
  );
  const band = areas.length === 0 ? '' : `<path class="band" d="${areas.join('')}"/>`;
  return `<svg role="img" aria-label="${escapeHtml(title)}" viewBox="0 0 ${PLOT_WIDTH} ${height}">${band}<path class="axis" d="${rules.join('')}"/>${drawn.join('')}${xWords(x, left, height)}${yWords(y, top)}</svg>`;
}

/** Under the plot; those at its ends stay inside of it. */
function xWords(x: Axis, left: (value: number) => string, height: number): string {
  return x.ticks
    .map(({ at, text, isMinor }) => {
      const part = placeOn(x, at, 1);
      const anchor = part < 0.05 ? 'start' : part > 0.95 ? 'end' : 'middle';
      return `<text${minor(isMinor)} x="${left(at)}" y="${height - 3}" text-anchor="${anchor}">${escapeHtml(text)}</text>`;
    })
    .join('');
}

/** At the right end, above their rules; below that of the upper end. */
function yWords(y: Axis, top: (value: number) => string): string {
  return y.ticks
    .map(({ at, text, isMinor }) => {
      const above = placeOn(y, at, 1) > 0.9 ? 11 : -3;
      const place = (Number(top(at)) + above).toFixed(1);
      return `<text${minor(isMinor)} x="${PLOT_WIDTH - LEFT}" y="${place}" text-anchor="end">${escapeHtml(text)}</text>`;
    })
    .join('');
}

const minor = (is: boolean | undefined): string => (is === true ? ' class="minor"' : '');

/** Round values that divide 0 … `most` into two to five parts, `most` left out unless it is one. */
export function roundTicks(most: number, shown: (value: number) => string): Tick[] {
  if (!(most > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [0.2, 0.5, 1, 2].map((part) => part * power).find((one) => most / one <= 5)!;
  const ticks: Tick[] = [];
  for (let i = 1; i * step <= most * (1 + 1e-9); i++) {
    const at = Number((i * step).toPrecision(12));
    ticks.push({ at, text: shown(at), isMinor: i % 2 === 0 && most / step > 3 });
  }
  return ticks;
}
