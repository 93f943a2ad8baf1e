import {
  badge,
  type Cell,
  escapeHtml,
  figure,
  htmlPage,
  list,
  section,
  table,
} from '../../html/page.ts';
import { LOOKS } from '../../html/plot.ts';
import type { Comparison, ComparisonDocument, Verdict } from '../measures/compare-runs.ts';
import type { Gantt } from '../measures/gantt-recorder.ts';
import type { Grouping } from '../measures/group-book.ts';
import type { GroupRow } from '../measures/run-document.ts';
import { ganttSvg, tenantsOf } from './gantt-svg.ts';
import { legend, legendStyle } from './legend.ts';
import { distributionPlot, timePlot } from './series-plots.ts';
import {
  differenceRows,
  foundSentences,
  pairs,
  policyRows,
  type Rows,
  runSentences,
} from './summary.ts';
import { amount, verdictWords } from './words.ts';

/** What the page shows beside the document. */
export interface ReportPictures {
  /** Of the first seed of each policy. */
  readonly gantts?: readonly Gantt[];
  /** How it was run: what was said, and what it came to. `command` and the like. */
  readonly how?: readonly (readonly [what: string, value: string])[];
}

/** More tenants are in the document. */
const TENANTS_SHOWN = 12;
const GROUPS_SHOWN = 20;

/** Policies compared on one page that needs nothing else. */
export function simulationReport(
  document: ComparisonDocument,
  { gantts = [], how = [] }: ReportPictures = {},
): string {
  const names = document.policies.map(({ name }) => name).join(', ');
  return htmlPage({
    title: `Simulation of ${document.trace}: ${names}`,
    heading: `Simulation of ${document.trace}`,
    subtitle: runSentences(document).join(' '),
    style,
    sections: [
      section('found', 'What differs', foundPart(document)),
      section('policies', 'Policies', policyPart(document)),
      section('use', 'Use over time', usePart(document)),
      section('waiting', 'Waiting', waitingPart(document)),
      section('fairness', 'Fairness', fairnessPart(document)),
      section('gantt', 'Who ran where', ganttPart(document, gantts)),
      section('groups', 'By queue and size', groupPart(document)),
      section('how', 'How it was run', howPart(document, how)),
    ],
  });
}

const looks: Readonly<Record<Verdict, 'good' | 'critical' | 'unknown'>> = {
  better: 'good',
  worse: 'critical',
  'no-sure-difference': 'unknown',
  unknown: 'unknown',
};

function foundPart(document: ComparisonDocument): string {
  if (document.comparisons.length === 0) return '<p>There is one policy: nothing to compare.</p>';
  const tables = pairs(document).map((pair) => {
    const { policy, against } = pair[0]!;
    const { rows } = differenceRows(pair);
    const scale = scaleOf(pair);
    return table(
      `${policy} beside ${against}, with ${Math.round((1 - document.alpha) * 100)} % intervals of the difference`,
      ['Measure', 'Verdict', against, policy, 'Difference', 'Of the value', 'p (Holm)'],
      // On a phone the verdict is seen before anything is scrolled.
      rows.map(([title, value, other, difference, p], i) => [
        title!,
        verdictCell(pair[i]!),
        value!,
        other!,
        difference!,
        whisker(pair[i]!, scale),
        p!,
      ]),
    );
  });
  return `${list(foundSentences(document))}${tables.join('')}${legendOfWhiskers(document.alpha)}`;
}

const legendOfWhiskers = (alpha: number): string =>
  `<p class="note">The bars show the interval of the difference beside the value of the policy that is compared with; the line in the middle is no difference. A verdict is sure when p, raised for all measures of the pair, is at most ${alpha}.</p>`;

function verdictCell({ verdict, why }: Comparison): Cell {
  const { html } = badge(looks[verdict], verdictWords[verdict]) as { html: string };
  return { html: why === null ? html : `${html}<br><small>${escapeHtml(why)}</small>` };
}

const WHISKER = 120;

/** The largest relative difference that is drawn in full. */
function scaleOf(pair: readonly Comparison[]): number {
  let most = 0;
  for (const one of pair) {
    for (const end of [one.low, one.high, one.difference]) {
      if (end !== null && one.against_value)
        most = Math.max(most, Math.abs(end / one.against_value));
    }
  }
  return Math.min(1, most);
}

function whisker(
  { low, high, difference, against_value, verdict }: Comparison,
  scale: number,
): Cell {
  if (difference === null || against_value === null || against_value === 0 || scale === 0)
    return '';
  const x = (value: number): string => {
    const part = value / Math.abs(against_value) / scale;
    return (WHISKER / 2 + Math.max(-1, Math.min(1, part)) * (WHISKER / 2 - 3)).toFixed(1);
  };
  const bar =
    low === null || high === null ? '' : `<path class="range" d="M${x(low)},7H${x(high)}"/>`;
  return {
    html: `<svg class="whisker ${looks[verdict]}" aria-hidden="true" viewBox="0 0 ${WHISKER} 14"><path class="axis" d="M${WHISKER / 2},0V14"/>${bar}<circle cx="${x(difference)}" cy="7" r="3"/></svg>`,
  };
}

const tableOf = (caption: string, { head, rows }: Rows): string => table(caption, head, rows);

function policyPart(document: ComparisonDocument): string {
  const many = document.seeds.length > 1;
  const caption = many
    ? 'Means over seeds, with their intervals where seeds differ'
    : 'One seed: figures without intervals';
  return `${legend(document.policies)}${tableOf(caption, policyRows(document, true))}`;
}

function usePart({ policies }: ComparisonDocument): string {
  const plots = [
    timePlot(policies, 'cpu', 'CPU held, of all', 'ratio'),
    timePlot(policies, 'memory', 'Memory held, of all', 'ratio'),
    timePlot(policies, 'gpu', 'GPU held, of all', 'ratio'),
    timePlot(
      policies,
      'gpu_fragmented',
      'Idle GPU that typical demand cannot use, of all',
      'ratio',
    ),
    timePlot(policies, 'watts', 'Power in watts', 'count'),
  ].filter((plot) => plot !== '');
  return plots.length === 0 ? '<p>Nothing ran.</p>' : `${legend(policies)}${plots.join('')}`;
}

function waitingPart({ policies }: ComparisonDocument): string {
  const plots = [
    distributionPlot(policies, 'wait_s', {
      title: 'Jobs that waited at most',
      least: 1,
      unit: 's',
    }),
    distributionPlot(policies, 'slowdown', {
      title: 'Jobs with a bounded slowdown of at most',
      least: 1,
      unit: 'times',
    }),
    timePlot(policies, 'jobs_waiting', 'Jobs that wait', 'count'),
  ];
  const told = policies.map(({ name, run }) => [
    name,
    ...[run.p50_wait_s, run.p95_wait_s, run.p99_wait_s].map((wait) => amount(wait, 's')),
    amount(run.queue_length.mean, 'count'),
    amount(run.queue_length.max, 'count'),
  ]);
  const head = ['Policy', 'Half wait up to', '95 %', '99 %', 'Mean queue', 'Longest queue'];
  return `${legend(policies)}${plots.join('')}${table('Of the first seed', head, told)}`;
}

function fairnessPart({ policies }: ComparisonDocument): string {
  const plots = [
    timePlot(
      policies,
      'jain',
      'Jain index of what tenants hold for what they are entitled to',
      'ratio',
    ),
    timePlot(
      policies,
      'share_error',
      'Of the site, what tenants are entitled to and do not get',
      'ratio',
    ),
  ];
  const head = [
    'Policy',
    'Jain, mean',
    'Jain, overall',
    'Withheld',
    'ρ mean',
    'ρ 95 %',
    'ρ above 1',
  ];
  const rows = policies.map(({ name, run }) => {
    const { jain, jain_overall, share_error, finish_time } = run.fairness;
    return [
      name,
      amount(jain, 'times'),
      amount(jain_overall, 'times'),
      amount(share_error, 'ratio'),
      amount(finish_time.mean, 'times'),
      amount(finish_time.p95, 'times'),
      amount(finish_time.above_1, 'ratio'),
    ];
  });
  const tenants = policies.map(({ name, run }) => tenantTable(name, run.by.tenant));
  return `${legend(policies)}${plots.join('')}${table('ρ is the time of a job to its end, of that on its tenant’s part of the site (finish-time fairness)', head, rows)}${tenants.join('')}`;
}

function tenantTable(policy: string, rows: readonly GroupRow[]): string {
  if (rows.length < 2) return '';
  const shown = rows.slice(0, TENANTS_SHOWN);
  const most = shown.reduce(
    (all, { held_share = 0, entitled_share = 0 }) => Math.max(all, held_share, entitled_share),
    0,
  );
  const more =
    rows.length > shown.length ? `; ${rows.length - shown.length} more are not shown` : '';
  return table(
    `Tenants under ${policy}, those with most jobs first${more}. The bar is what was held, the mark what was entitled to`,
    ['Tenant', 'Jobs', 'Held', 'Entitled', '', 'Mean wait', 'Slowdown', 'ρ'],
    shown.map((row) => [
      row.name,
      amount(row.jobs, 'count'),
      amount(row.held_share ?? null, 'ratio'),
      amount(row.entitled_share ?? null, 'ratio'),
      shareBar(row, most),
      amount(row.mean_wait_s, 's'),
      amount(row.avg_bounded_slowdown, 'times'),
      amount(row.mean_finish_ratio, 'times'),
    ]),
  );
}

function shareBar({ held_share = 0, entitled_share = 0 }: GroupRow, most: number): Cell {
  if (most === 0) return '';
  const x = (share: number): string => ((share / most) * (WHISKER - 4) + 1).toFixed(1);
  return {
    html: `<svg class="whisker" aria-hidden="true" viewBox="0 0 ${WHISKER} 14"><path class="share" d="M1,3H${x(held_share)}V11H1Z"/><path class="mark" d="M${x(entitled_share)},0V14"/></svg>`,
  };
}

function ganttPart({ policies }: ComparisonDocument, gantts: readonly Gantt[]): string {
  const figures = gantts.map((gantt) => {
    const makespan = policies.find(({ name }) => name === gantt.policy)?.run.makespan_s ?? 0;
    return figure(gantt.policy, ganttSvg(gantt, makespan));
  });
  if (figures.length === 0) return '<p>Nothing was drawn.</p>';
  const tenants = [...new Set(gantts.flatMap(tenantsOf))];
  const shades = [1, 2, 3, 4, 5].map(
    (level) =>
      `<li><svg class="swatch" aria-hidden="true" viewBox="0 0 30 10"><path class="held held-${level}" d="M0,0H30V10H0Z"/></svg>up to ${level * 20} % held</li>`,
  );
  const hasCells = gantts.some(({ bars }) => bars === undefined);
  const names = tenants
    .slice(0, LOOKS)
    .map(
      (tenant, look) =>
        `<li><svg class="swatch" aria-hidden="true" viewBox="0 0 30 10"><rect class="bar look-${look}" width="30" height="10"/></svg>${escapeHtml(tenant)}</li>`,
    );
  const legends = [
    ...(names.length > 1 && tenants.length <= LOOKS
      ? [`<ul class="legend">${names.join('')}</ul>`]
      : []),
    ...(hasCells ? [`<ul class="legend">${shades.join('')}</ul>`] : []),
  ];
  return `${legends.join('')}${figures.join('')}`;
}

const groupTitles: Readonly<Record<Grouping, string>> = {
  queue: 'Queues',
  size: 'Sizes',
  tenant: 'Tenants',
};

function groupPart({ policies }: ComparisonDocument): string {
  const groupTable = (grouping: Grouping): string => {
    const head = ['', 'Policy', 'Jobs', 'Mean wait', '95 %', 'Slowdown', 'Completion', 'Lost work'];
    const names = [
      ...new Set(policies.flatMap(({ run }) => run.by[grouping].map((row) => row.name))),
    ];
    const rows = names.slice(0, GROUPS_SHOWN).flatMap((name) =>
      policies.flatMap(({ name: policy, run }) => {
        const row = run.by[grouping].find((one) => one.name === name);
        return row === undefined ? [] : [groupCells(policy, row)];
      }),
    );
    return table(`${groupTitles[grouping]}, of the first seed`, head, rows);
  };
  return `${groupTable('queue')}${groupTable('size')}`;
}

const groupCells = (policy: string, row: GroupRow): string[] => [
  row.name,
  policy,
  amount(row.jobs, 'count'),
  amount(row.mean_wait_s, 's'),
  amount(row.p95_wait_s, 's'),
  amount(row.avg_bounded_slowdown, 'times'),
  amount(row.mean_jct_s, 's'),
  amount(row.lost_work.cpu_hours, 'hours'),
];

function howPart(document: ComparisonDocument, how: NonNullable<ReportPictures['how']>): string {
  const { skipped, seeds } = document;
  const rows = [
    ['Trace', `${document.trace} (${document.format})`],
    ['Jobs', amount(document.trace_jobs, 'count')],
    ['Nodes', amount(document.nodes, 'count')],
    ['Seeds', seedWords(seeds)],
    [
      'Rows that were skipped',
      amount(
        skipped.reduce((sum, { count }) => sum + count, 0),
        'count',
      ),
    ],
    ...how.map(([what, value]) => [what, value]),
  ];
  const left = skipped.map(({ why, count, line }) => [why, amount(count, 'count'), String(line)]);
  const skippedTable =
    left.length === 0 ? '' : table('Rows that were skipped', ['Why', 'Rows', 'First line'], left);
  const notes = document.notes.length === 0 ? '' : list(document.notes);
  return `${table('What was simulated', ['', ''], rows)}${skippedTable}${notes}<h3>What the figures mean</h3>${list(meanings)}`;
}

const SEEDS_SHOWN = 20;

const seedWords = (seeds: readonly number[]): string =>
  seeds.length > SEEDS_SHOWN
    ? `${seeds.slice(0, SEEDS_SHOWN).join(', ')} and ${seeds.length - SEEDS_SHOWN} more`
    : seeds.join(', ');

const meanings: readonly string[] = [
  'Bounded slowdown is the time from submission to end, of the time that the job runs undisturbed, which counts as 10 s at least; never below 1.',
  'A wait is from submission to the first start. Completion is from submission to the end.',
  'Used is what was held, without work that was lost and without time in which nothing got on; held counts all. Neither says how busy the processors were.',
  'A tenant is entitled to what dominant-resource fairness by weight gives it, of what it holds and could start. Jain’s index is 1 when all get the same part of what they are entitled to.',
  'With several seeds, runs of the same seed are paired and their differences judged by Student’s t. With one seed, jobs are compared in blocks in the order of submission, as neighbours share their fate; what is no mean over jobs cannot be told then.',
  'All measures of a pair of policies count as one question (Holm), so that one of many is not called sure by chance.',
];

const style = `${legendStyle}
.whisker{width:120px;height:14px;margin-top:.3rem;fill:currentColor}
.whisker .range{stroke:currentColor;stroke-width:2}
.share{fill:var(--line)}.mark{stroke:var(--ink);stroke-width:2}
.bar{fill:var(--line);stroke:none}.bar.look-1{fill:var(--line-1)}.bar.look-2{fill:var(--line-2)}.bar.look-3{fill:var(--line-3)}.bar.look-4{fill:var(--line-4)}.bar.look-5{fill:var(--line-5)}
.bar.cut{opacity:.45}
.held{fill:var(--line)}.held-1{opacity:.2}.held-2{opacity:.4}.held-3{opacity:.6}.held-4{opacity:.8}
.note,small{color:var(--faint)}
`;
