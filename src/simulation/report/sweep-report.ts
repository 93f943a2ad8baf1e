import { badge, type Cell, figure, htmlPage, list, section, table } from '../../html/page.ts';
import { type PlotLine, type Point, plotSvg } from '../../html/plot.ts';
import type { SweepDocument, SweepRow } from '../sweep.ts';
import { legend, legendStyle } from './legend.ts';
import { amount, counted } from './words.ts';

const PLOT_HEIGHT = 220;

/** A sweep on one page that needs nothing else: at each load, what each policy makes of more or fewer machines. */
export function sweepReport(document: SweepDocument): string {
  const { trace, trace_jobs, nodes, loads, policies, seeds, skipped } = document;
  return htmlPage({
    title: `Sweep of ${trace}`,
    heading: `Sweep of ${trace}`,
    subtitle: `${counted(trace_jobs, 'job')} on ${counted(nodes, 'node')} and parts and multiples of them, under ${policies.join(', ')}; ${counted(seeds.length, 'seed')}.`,
    style: legendStyle,
    sections: [
      ...loads.map((load, i) => section(`load-${i}`, `Load ${load}`, loadPart(document, load))),
      section(
        'how',
        'How it was run',
        list([
          'At a load of 2, jobs come in half the time; what they ask for and how long they run stays.',
          'A size of 2 is twice as many machines, or one that is twice as large.',
          ...skipped.map(
            ({ why, count, line }) => `${count} rows left out: ${why} (first on line ${line}).`,
          ),
        ]),
      ),
    ],
  });
}

function loadPart(document: SweepDocument, load: number): string {
  const rows = document.cells.filter((cell) => cell.load === load);
  const key = legend(document.policies.map((name) => ({ name })));
  return key + paretoPlot(document, rows, load) + table(`At load ${load}`, head, rows.map(cellsOf));
}

const head = [
  'Policy and size',
  'Slowdown',
  'Mean wait',
  '95 % wait',
  'CPU',
  'GPU',
  'Jain',
  'Refused or unended',
  '',
];

const cellsOf = (row: SweepRow): readonly Cell[] => [
  `${row.policy}, ${row.size}`,
  amount(row.avg_bounded_slowdown, 'times'),
  amount(row.mean_wait_s, 's'),
  amount(row.p95_wait_s, 's'),
  part(row.cpu_utilisation),
  part(row.gpu_utilisation),
  amount(row.jain, 'times'),
  `${row.refused + row.unfinished}`,
  row.pareto ? badge('good', 'nobody better') : '',
];

const part = (value: number | null): string => amount(value, 'ratio');

/** Machines against slowdown, a line for each policy; lower and further left is better. */
function paretoPlot(
  { policies, sizes }: SweepDocument,
  rows: readonly SweepRow[],
  load: number,
): string {
  const known = rows.filter(({ avg_bounded_slowdown: value }) => value !== null);
  if (known.length === 0 || sizes.length < 2) return '';
  const slowdown = (row: SweepRow): number => Math.max(1, row.avg_bounded_slowdown!);
  const most = Math.max(...known.map(slowdown), 10);
  const lines = policies.map((policy, look): PlotLine => {
    const own = known.filter((row) => row.policy === policy).sort((a, b) => a.size - b.size);
    return { runs: [own.map((row): Point => [row.size, slowdown(row)])], look };
  });
  const powers = [1, 10, 100, 1_000, 10_000, 100_000].filter((at) => at <= most);
  const told = policies.map((policy) => {
    const own = known.filter((row) => row.policy === policy);
    return `${policy} ${own.map((row) => `${amount(slowdown(row), 'times')} at ${row.size}`).join(', ')}`;
  });
  return figure(
    `Slowdown by machines at load ${load}; lower and further left is better`,
    plotSvg({
      title: `Mean bounded slowdown at load ${load}: ${told.join('; ')}`,
      x: {
        scale: 'linear',
        from: Math.min(...sizes),
        to: Math.max(...sizes),
        ticks: sizes.map((at) => ({ at, text: `${at} ×` })),
      },
      y: { scale: 'log', from: 1, to: most, ticks: powers.map((at) => ({ at, text: `${at}` })) },
      lines,
      height: PLOT_HEIGHT,
    }),
  );
}
