import { OperationError } from '../../model/errors.ts';
import { simulationReport } from '../../simulation/report/html-report.ts';
import { sweepReport } from '../../simulation/report/sweep-report.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Page } from '../page.ts';
import { simulationSummary } from '../simulation-summary.ts';
import { sweepLines } from '../sweep-view.ts';
import { count } from '../text.ts';
import type { Experiment, SimulationHearer, World } from '../world.ts';

const POLICIES = ['fcfs', 'easy'];
const LOADS = [0.8, 1, 1.2];
const SIZES = [0.75, 1, 1.5];
const LIST_MAX = 64;
const SEED_MAX = 1_000_000_000;

export const sim = defineCommand({
  name: 'sim',
  group: 'Files and settings',
  summary: 'Replay a trace under other policies, and say what each would have done',
  details: [
    'The same engine that runs a site runs the trace in virtual time. A policy is one of fcfs, easy, easy-sjbf, conservative, a strategy, an order or a scorer, joined by +: `fair-share+best-fit`. The first is the one that the others are compared with; which differences are sure, and which may be chance, is said.',
    'Formats: swf (gzipped too), openb, tiresias, sacct, and others as the files look; several FILEs are one trace. What it runs on is told by the trace, by --procs, or by a file of nodes.',
    'In place of a file, a generator draws a trace, and each seed another one: poisson, diurnal, heavy-tailed, hyper-exponential, lublin or gpu-cluster, with numbers as in `lublin:jobs=10000,procs=128`. A name or number that it does not have says which it has.',
    '--sweep runs all policies at several loads (jobs come so many times as fast) on several numbers of machines; with --out, what has ended is kept in that folder and not simulated again.',
  ],
  operand: { name: 'file', summary: 'a trace', required: true, many: true, complete: 'file' },
  options: {
    policy: { kind: 'text', value: 'names', summary: 'policies, comma-separated (fcfs,easy)' },
    format: { kind: 'text', value: 'name', summary: 'of the trace (default: as it looks)' },
    nodes: { kind: 'text', value: 'file', summary: 'what it runs on: shapes and counts' },
    procs: {
      kind: 'count',
      value: 'number',
      min: 1,
      max: 100_000_000,
      summary: 'it runs on one machine of so many processors',
    },
    limit: {
      kind: 'count',
      value: 'number',
      min: 1,
      max: 100_000_000,
      summary: 'only so many of its first jobs',
    },
    seed: { kind: 'count', value: 'number', min: 1, max: SEED_MAX, summary: 'the first seed (1)' },
    seeds: {
      kind: 'count',
      value: 'number',
      min: 1,
      max: 1_000,
      summary: 'so many seeds, one after the other (1)',
    },
    shake: {
      kind: 'span',
      value: 'span',
      summary: 'each seed moves each submission by so much at most, to see what hangs on chance',
    },
    threads: {
      kind: 'count',
      value: 'number',
      min: 1,
      max: 256,
      summary: 'at once (default: one a core); the answer is the same',
    },
    sweep: { kind: 'flag', summary: 'at several loads and sizes' },
    load: { kind: 'text', value: 'numbers', summary: 'of --sweep (0.8,1,1.2)' },
    size: {
      kind: 'text',
      value: 'numbers',
      summary: 'of --sweep: times the machines (0.75,1,1.5)',
    },
    out: {
      kind: 'text',
      value: 'dir',
      complete: 'folder',
      summary: 'of --sweep: where results are kept, to go on from',
    },
    world: {
      kind: 'text',
      value: 'file',
      summary: 'what happens beside the trace: failures, spot, network, shared GPUs',
    },
    estimates: {
      kind: 'text',
      value: 'name',
      summary: 'run times that the engine is told: user, exact, last-two, predicted (user)',
    },
    html: { kind: 'text', value: 'file', summary: 'write a report with pictures' },
  },
  json: '{trace, nodes, seeds, skipped, policies: [{name, jobs, avg_bounded_slowdown, mean_wait_s, utilisation, …}], comparisons: [{policy, against, measure, difference, low, high, p_adjusted, verdict, …}]}; with --sweep {…, cells: [{policy, load, size, …, pareto}]}; null is unknown',
  examples: [
    'berth sim KTH-SP2.swf.gz --policy fcfs,easy,easy-sjbf,conservative',
    'berth sim pods.csv --nodes nodes.csv --policy best-fit,fgd --html out.html',
    'berth sim jobs.swf --procs 100 --policy easy,easy-sjbf --seeds 10 --shake 5m',
    'berth sim pods.csv --nodes nodes.csv --world world.yaml --seeds 5',
    'berth sim gpu-cluster:gpus=64,load=0.9 --policy fcfs,easy --seeds 10',
    'berth sim jobs.swf --procs 100 --policy easy,conservative --sweep --out sweep/',
  ],
  async run({ operands, options }, world) {
    const policies = listOf(options.policy, POLICIES, '--policy');
    const given = {
      format: options.format,
      nodes: options.nodes,
      procs: options.procs,
      limit: options.limit,
      shakeMs: options.shake,
      world: options.world,
      estimates: options.estimates,
    };
    const experiment: Experiment = { files: operands, policies, ...defined(given) };
    const first = options.seed ?? 1;
    const seeds = Array.from({ length: options.seeds ?? 1 }, (_, i) => first + i);
    const { threads } = options;
    if (options.shake !== undefined && options.seeds === undefined) {
      throw new OperationError('USAGE', '--shake is for several seeds: add --seeds 10.');
    }
    const how = howOf(operands, { ...given, seeds: seeds.length });
    if (!options.sweep) {
      const only = (['load', 'size', 'out'] as const).find((name) => options[name] !== undefined);
      if (only !== undefined) throw new OperationError('USAGE', `--${only} is for --sweep.`);
      return heard(world, async (hearer) => {
        const isDrawn = options.html !== undefined;
        const asked = { experiment, seeds, threads, isDrawn };
        const { document, gantts } = await world.simulations.compare(asked, hearer);
        await save(world, options.html, () => simulationReport(document, { gantts, how }));
        return { document, view: (page: Page) => simulationSummary(page, document), exit: EXIT.ok };
      });
    }
    const axes = {
      policies,
      seeds,
      loads: numbersOf(options.load, LOADS, '--load'),
      sizes: numbersOf(options.size, SIZES, '--size'),
    };
    return heard(world, async (hearer) => {
      const asked = { experiment, axes, threads, folder: options.out };
      const document = await world.simulations.sweep(asked, hearer);
      await save(world, options.html, () => sweepReport(document));
      return { document, view: (page: Page) => sweepLines(document, page), exit: EXIT.ok };
    });
  },
});

async function save(world: World, file: string | undefined, page: () => string): Promise<void> {
  if (file === undefined) return;
  await world.saveFile(file, [page()]);
  world.note(`the report is in ${file}`);
}

/** What was said, for the report. */
const howOf = (
  files: readonly string[],
  given: Readonly<Record<string, string | number | undefined>>,
): readonly (readonly [string, string])[] => [
  ['trace', files.join(', ')],
  ...Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  ),
];

/** Says how far it is, at most each few seconds; Ctrl-C ends it. */
async function heard<T>(world: World, run: (hearer: SimulationHearer) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const release = world.onInterrupt(() => ending.abort());
  let toldAt = world.now();
  try {
    return await run({
      signal: ending.signal,
      done(ended, of) {
        const now = world.now();
        if (ended === of || now - toldAt < NEWS_MS) return;
        toldAt = now;
        world.note(`${ended} of ${count(of, 'simulation')} done`);
      },
    });
  } finally {
    release();
  }
}

const NEWS_MS = 2_000;

/** Without those that were not given. */
const defined = <T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;

function listOf(written: string | undefined, initial: readonly string[], option: string) {
  if (written === undefined) return initial;
  const names = written.split(',').map((name) => name.trim());
  const wrong = names.find((name, i) => name === '' || names.indexOf(name) !== i);
  if (wrong !== undefined || names.length > LIST_MAX) {
    throw new OperationError(
      'USAGE',
      `${option} takes up to ${LIST_MAX} different names, with commas between them.`,
    );
  }
  return names;
}

function numbersOf(written: string | undefined, initial: readonly number[], option: string) {
  if (written === undefined) return initial;
  return listOf(written, [], option).map((text) => {
    const number = Number(text);
    if (Number.isFinite(number) && number > 0 && number <= 1_000) return number;
    throw new OperationError(
      'USAGE',
      `${option}: ${JSON.stringify(text)} is no number above 0, up to 1,000.`,
    );
  });
}
