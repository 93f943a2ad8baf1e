import { escapeHtml } from '../../html/page.ts';
import { LOOKS, PLOT_WIDTH, placeOn } from '../../html/plot.ts';
import type { Gantt, GanttBar } from '../measures/gantt-recorder.ts';
import { timeAxis } from './series-plots.ts';
import { amount } from './words.ts';

const LABELS = 110;
const WIDTH = PLOT_WIDTH - LABELS - 4;
const BOTTOM = 16;
const ROW_GAP = 3;
const LANE = 7;
const LANES_MAX = 40;
const LEVELS = 5;
const CELL_ROW = 12;

/** Who held which node and when: each attempt where they are few, else how much of each row was held. */
export function ganttSvg(gantt: Gantt, makespanS: number): string {
  const { bars } = gantt;
  if (bars !== undefined) {
    const lanes = gantt.rows.map((_, row) => inLanes(bars.filter((bar) => bar.row === row)));
    if (lanes.every((row) => row.length <= LANES_MAX)) return barsSvg(gantt, lanes, makespanS);
  }
  return cellsSvg(gantt, makespanS);
}

/** Attempts of one node beneath each other where they overlap: each in the first lane that is free. */
function inLanes(bars: readonly GanttBar[]): GanttBar[][] {
  const lanes: GanttBar[][] = [];
  const inOrder = bars.toSorted((a, b) => a.from_s - b.from_s || a.to_s - b.to_s);
  for (const bar of inOrder) {
    const free = lanes.find((lane) => lane.at(-1)!.to_s <= bar.from_s);
    if (free === undefined) lanes.push([bar]);
    else free.push(bar);
  }
  return lanes.length === 0 ? [[]] : lanes;
}

function barsSvg(gantt: Gantt, rows: readonly GanttBar[][][], makespanS: number): string {
  const axis = timeAxis(makespanS);
  const left = (s: number): number => LABELS + placeOn(axis, s, WIDTH);
  const tenants = tenantsOf(gantt);
  let top = 1;
  const drawn = rows.map((lanes, row) => {
    const from = top;
    const bars = lanes.flatMap((lane, i) =>
      lane.map((bar) => {
        const [start, end] = [left(bar.from_s), left(bar.to_s)];
        const words = `${bar.name} of ${bar.tenant}, ${bar.attempt}: ${amount(bar.from_s, 's')} to ${amount(bar.to_s, 's')}, ${bar.cause}`;
        const cut = bar.cause === 'succeeded' ? '' : ' cut';
        return `<rect class="bar look-${tenants.indexOf(bar.tenant) % LOOKS}${cut}" x="${start.toFixed(1)}" y="${(from + i * LANE).toFixed(1)}" width="${Math.max(0.6, end - start).toFixed(1)}" height="${LANE - 1}"><title>${escapeHtml(words)}</title></rect>`;
      }),
    );
    top += lanes.length * LANE + ROW_GAP;
    return `${rowName(gantt.rows[row]!.name, from + (lanes.length * LANE) / 2)}${bars.join('')}`;
  });
  const told = `${gantt.bars!.length} attempts on ${gantt.rows.length} nodes`;
  return svg(`Who ran where under ${gantt.policy}: ${told}`, drawn.join(''), top, makespanS);
}

/** In the order in which they come up. */
export const tenantsOf = ({ bars = [] }: Gantt): string[] => [
  ...new Set(bars.map(({ tenant }) => tenant)),
];

function cellsSvg(gantt: Gantt, makespanS: number): string {
  const axis = timeAxis(makespanS);
  const left = (s: number): number => LABELS + placeOn(axis, s, WIDTH);
  const paths = Array.from({ length: LEVELS + 1 }, (): string[] => []);
  gantt.held.forEach((cells, row) => {
    const y = 1 + row * CELL_ROW;
    for (let from = 0; from < cells.length; ) {
      const level = levelOf(cells[from]!);
      let to = from + 1;
      while (to < cells.length && levelOf(cells[to]!) === level) to++;
      const [start, end] = [left(from * gantt.step_s), left(to * gantt.step_s)];
      if (level > 0 && end > start) {
        paths[level]!.push(
          `M${start.toFixed(1)},${y}H${end.toFixed(1)}V${y + CELL_ROW - 1}H${start.toFixed(1)}Z`,
        );
      }
      from = to;
    }
  });
  const cells = paths.map((path, level) =>
    path.length === 0 ? '' : `<path class="held held-${level}" d="${path.join('')}"/>`,
  );
  const names = gantt.rows.map(({ name }, row) => rowName(name, 1 + (row + 0.5) * CELL_ROW));
  const bottom = 1 + gantt.rows.length * CELL_ROW;
  const means = gantt.held.map((row) => row.reduce((a, b) => a + b, 0) / Math.max(1, row.length));
  const mean = means.reduce((a, b) => a + b, 0) / Math.max(1, means.length);
  const told = `${gantt.rows.length} rows of nodes, ${amount(mean, 'ratio')} held in the mean`;
  const body = `${names.join('')}${cells.join('')}`;
  return svg(`What was held under ${gantt.policy}: ${told}`, body, bottom, makespanS);
}

/** 0: nothing; otherwise a fifth for each level. */
const levelOf = (held: number): number => Math.ceil(Math.min(1, held) * LEVELS - 1e-9);

const NAME_CHARS = 18;

function rowName(name: string, y: number): string {
  const short = name.length > NAME_CHARS ? `${name.slice(0, NAME_CHARS - 1)}…` : name;
  return `<text x="${LABELS - 6}" y="${(y + 3).toFixed(1)}" text-anchor="end">${escapeHtml(short)}</text>`;
}

function svg(title: string, body: string, bottom: number, makespanS: number): string {
  const height = (bottom + BOTTOM).toFixed(0);
  const y = (bottom + BOTTOM - 4).toFixed(0);
  const rule = `<path class="axis" d="M${LABELS},${bottom.toFixed(0)}H${LABELS + WIDTH}"/>`;
  const words = `<text x="${LABELS}" y="${y}">first submission</text><text x="${LABELS + WIDTH}" y="${y}" text-anchor="end">${escapeHtml(amount(makespanS, 's'))}</text>`;
  return `<svg role="img" aria-label="${escapeHtml(title)}" viewBox="0 0 ${PLOT_WIDTH} ${height}">${body}${rule}${words}</svg>`;
}
