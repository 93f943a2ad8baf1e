import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { simulationSummary } from '../../src/cli/simulation-summary.ts';
import { displayWidth } from '../../src/cli/text.ts';
import type { TenantId } from '../../src/model/ids.ts';
import { EasyScheduler } from '../../src/scheduling/easy-scheduler.ts';
import { firstFit } from '../../src/scheduling/scorers/first-fit.ts';
import { compareRuns } from '../../src/simulation/measures/compare-runs.ts';
import {
  BARS_MAX,
  type Gantt,
  GanttRecorder,
} from '../../src/simulation/measures/gantt-recorder.ts';
import type { RunResult } from '../../src/simulation/measures/run-document.ts';
import { RunMeasures } from '../../src/simulation/measures/run-measures.ts';
import { ganttSvg } from '../../src/simulation/report/gantt-svg.ts';
import { simulationReport } from '../../src/simulation/report/html-report.ts';
import { amount, pairSentence, signed } from '../../src/simulation/report/words.ts';
import { node, resources, step, workload } from '../builders/workload.ts';
import { runThrough, traceJob } from './tiny-run.ts';

const hostile = '<script>alert(1)</script>"&\'';

/** The same drawn jobs for every policy of a seed. */
function drawn(seed: number, count: number) {
  const prng = new Prng(seed);
  let at = 0;
  return Array.from({ length: count }, (_, i) => {
    at += prng.below(20_000);
    const request = resources({ cpu: 1_000 * prng.between(1, 4), gpu: prng.pick([0, 500, 1_000]) });
    const spec = workload(i === 0 ? hostile : `job-${i}`, step('s', { request }));
    const tenant = prng.pick(['ann', 'bob', hostile]) as TenantId;
    return traceJob(`${i}`, at, 1_000 * prng.between(1, 300), spec, { tenant });
  });
}

const policies = { 'in order': 'none', easy: 'queue-order', [hostile]: 'shortest-first' } as const;

function simulated(
  seeds: number,
  count: number,
  nodes = 3,
): { runs: RunResult[]; gantts: Gantt[] } {
  const runs: RunResult[] = [];
  const gantts: Gantt[] = [];
  for (const [policy, backfill] of Object.entries(policies)) {
    for (let seed = 1; seed <= seeds; seed++) {
      const measures = new RunMeasures({ policy, seed, pointsMax: 60 });
      const gantt = new GanttRecorder(policy);
      runThrough({
        nodes: Array.from({ length: nodes }, (_, i) => node(`n${i}`, { cpu: 4_000, gpus: 1 })),
        jobs: drawn(seed, count),
        observers: [measures, gantt],
        scheduler: (deps) => new EasyScheduler(deps, firstFit, { backfill, depth: 1_000 }),
      });
      runs.push(measures.result());
      if (seed === 1) gantts.push(gantt.picture());
    }
  }
  return { runs, gantts };
}

const site = {
  trace: { name: hostile, format: 'swf', jobs: 60 },
  nodes: 3,
  skipped: [{ why: hostile, count: 2, line: 7 }],
  notes: [hostile],
};
const { runs, gantts } = simulated(6, 60);
const compared = compareRuns(runs, site);
const page = simulationReport(compared, { gantts, how: [['Command', hostile]] });

test('the page has no script and loads nothing, and names cannot change it', () => {
  assert.match(page, /^<!doctype html>/);
  assert.match(
    page,
    /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/,
  );
  assert.doesNotMatch(
    page,
    /<script|<link|<img|<iframe|https?:|url\(|@import|\son\w+=|javascript:/i,
  );
  assert.match(page, /&lt;script&gt;alert\(1\)&lt;\/script&gt;&quot;&amp;/);
  assert.doesNotMatch(page, /NaN|Infinity|undefined|\[object/);
});

/** Every element that is opened is closed, in order; every attribute is quoted. */
function assertWellFormed(html: string): void {
  const open: string[] = [];
  for (const [whole, slash, name, rest] of html.matchAll(
    /<(\/?)([a-z0-9]+)((?:"[^"]*"|[^">])*)>/gi,
  )) {
    if (['meta', 'br'].includes(name!) || rest!.endsWith('/')) continue;
    if (slash !== '') assert.equal(open.pop(), name, whole);
    else {
      assert.match(rest!, /^(\s+[\w:-]+="[^"]*")*$/, whole);
      open.push(name!);
    }
  }
  assert.deepEqual(open, []);
  assert.doesNotMatch(html.replace(/<[^>]*>/g, ''), /</);
}

test('the page is well formed', () => {
  assertWellFormed(page.replace(/^<!doctype html>/, '').replace(/<style>[\s\S]*<\/style>/, ''));
  const ids = [...page.matchAll(/ id="(\w+)"/g)].map(([, id]) => id);
  assert.deepEqual(ids, [
    'found',
    'policies',
    'use',
    'waiting',
    'fairness',
    'gantt',
    'groups',
    'how',
  ]);
  for (const id of ids) assert.ok(page.includes(`aria-labelledby="${id}"`));
});

test('pictures are read aloud, or are said beside themselves', () => {
  const pictures = [...page.matchAll(/<svg[^>]*>/g)].map(([tag]) => tag);
  assert.ok(pictures.length > 20);
  for (const tag of pictures) {
    assert.ok(
      /role="img" aria-label="[^"]{20,}"/.test(tag) || tag.includes('aria-hidden="true"'),
      tag,
    );
  }
  assert.match(page, /aria-label="CPU held, of all: in order up to /);
  // Each policy has its own dashes, in the legend and in the plots.
  assert.match(page, /class="line look-1" stroke-dasharray="6 3"/);
});

test('every verdict of the document is on the page, with its interval', () => {
  const rows = [...page.matchAll(/<th scope="row">([^<]*)<\/th>/g)].map(([, name]) => name);
  for (const { title, verdict } of compared.comparisons) {
    assert.ok(rows.includes(title), title);
    const word = { better: '✓ better', worse: '✕ worse', unknown: '? unknown' }[
      verdict as 'better'
    ];
    assert.ok(page.includes(word ?? '= no sure difference'));
  }
  assert.ok(compared.comparisons.some(({ verdict }) => verdict === 'better'));
  assert.match(page, /−[\dms ]+ \(−[\dhms ]+ … [−+][\dhms ]+\)/);
});

test('one run of one policy, and nothing at all, have a page, too', () => {
  const one = compareRuns(runs.slice(0, 1), { ...site, skipped: [] });
  const single = simulationReport(one);
  assertWellFormed(single.replace(/^<!doctype html>/, '').replace(/<style>[\s\S]*<\/style>/, ''));
  assert.match(single, /There is one policy/);
  const empty = new RunMeasures({ policy: 'p', seed: 1 });
  const none = simulationReport(compareRuns([empty.result()], { ...site, nodes: 0 }));
  assert.doesNotMatch(none, /NaN|Infinity|undefined/);
  assert.match(none, /unknown/);
});

test('few attempts are drawn one by one, many as what was held', () => {
  const [few] = gantts;
  assert.equal(few!.bars!.length, 60);
  assert.equal(few!.rows.length, 3);
  const makespan = compared.policies[0]!.run.makespan_s!;
  assert.equal([...ganttSvg(few!, makespan).matchAll(/<rect/g)].length, 60);
  for (const bar of few!.bars!) assert.ok(bar.from_s <= bar.to_s && bar.to_s <= makespan);

  const many = simulated(1, BARS_MAX + 1, 70).gantts[0]!;
  assert.equal(many.bars, undefined);
  assert.ok(many.rows.length <= 32);
  assert.equal(
    many.rows.reduce((sum, { nodes }) => sum + nodes, 0),
    70,
  );
  for (const row of many.held) {
    assert.ok(row.length <= 160);
    for (const held of row) assert.ok(held >= 0 && held <= 1);
  }
  const svg = ganttSvg(many, 1_000);
  assert.doesNotMatch(svg, /<rect/);
  assert.ok(svg.length < 200_000);
});

test('what was held in the picture is what the measures say', () => {
  // All nodes alike, and CPU the scarcest: the mean of the rows is the allocation.
  const measures = new RunMeasures({ policy: 'p', seed: 1 });
  const gantt = new GanttRecorder('p');
  const jobs = Array.from({ length: 50 }, (_, i) => {
    const request = resources({ cpu: 2_000, memory: 0 });
    return traceJob(`${i}`, i * 3_000, 20_000, workload('w', step('s', { request })));
  });
  const nodes = ['a', 'b', 'c'].map((name) => node(name, { cpu: 4_000 }));
  runThrough({ nodes, jobs, observers: [measures, gantt] });
  const { allocation, makespan_s } = measures.document();
  const { held, step_s } = gantt.picture();
  const last = makespan_s! - (held[0]!.length - 1) * step_s;
  const sum = held.flat().reduce((total, part) => total + part * step_s, 0);
  const over = held.reduce((total, row) => total + row.at(-1)! * (step_s - last), 0);
  assert.ok(Math.abs((sum - over) / (3 * makespan_s!) - allocation.cpu!) < 0.001);
});

for (const width of [60, 110, 200]) {
  test(`the summary fits ${width} columns`, () => {
    const lines = simulationSummary({ width, colour: 'none', unicode: true }, compared);
    for (const line of lines) assert.ok(displayWidth(line) <= width, line);
    const text = lines.join('\n');
    assert.match(text, /Policy +Jobs +Slowdown/);
    assert.match(text, /✓ better/);
    assert.match(text, /easy beside in order/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    assert.doesNotMatch(text, /\u001b/);
  });
}

test('amounts as people read them', () => {
  const cases: [string, string][] = [
    [amount(null, 's'), 'unknown'],
    [amount(0, 's'), '0s'],
    [amount(2_834.6, 's'), '47m 15s'],
    [amount(86.374, 'times'), '86.37'],
    [amount(66_502.4, 'times'), '66,502'],
    [amount(0.9517, 'ratio'), '95.2 %'],
    [amount(12_345, 'count'), '12,345'],
    [amount(0.1234, 'hours'), '0.123 h'],
    [amount(12.5, 'dollars'), '$12.50'],
    [signed(-90, 's'), '−1m 30s'],
    [signed(0.5, 'ratio'), '+50 pp'],
    [signed(0.0001, 'ratio'), '0 pp'],
    [signed(0.0027, 'times'), '+0.003'],
  ];
  for (const [got, want] of cases) assert.equal(got, want);
});

test('a sentence says what is sure, and how much is not', () => {
  const easy = compared.comparisons.filter(({ policy }) => policy === 'easy');
  const told = pairSentence(easy);
  assert.match(told, /^easy beside in order: /);
  const nothing = pairSentence(
    easy.map((one) => ({ ...one, verdict: 'no-sure-difference' as const })),
  );
  assert.match(nothing, /: nothing is sure\. No sure difference in \d+ measures\.$/);
});
