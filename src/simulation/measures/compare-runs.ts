import { assert } from '../../base/assert.ts';
import {
  holm,
  type MeanTest,
  meanTest,
  seriesMeanTest,
  signedRankTest,
} from '../../statistics/paired.ts';
import { mean } from '../../statistics/robust.ts';
import type { SkippedRows } from '../trace.ts';
import { type ComparedMeasure, comparedMeasures, type MeasureUnit } from './compared-measures.ts';
import type { JobColumns } from './job-columns.ts';
import type { PerResource, ResourceHours, RunDocument, RunResult } from './run-document.ts';

/** What was simulated, beside the policies. */
export interface ComparedSite {
  readonly trace: { readonly name: string; readonly format: string; readonly jobs: number };
  readonly nodes: number;
  readonly skipped: readonly SkippedRows[];
  /** A sentence each: of models, estimates, limits. Shown as they are. */
  readonly notes?: readonly string[];
}

export interface CompareOptions {
  /** Whom the others are compared with; absent: the first. */
  readonly against?: string;
  /** How often one of all verdicts on a policy may be wrong where there is no difference. */
  readonly alpha?: number;
}

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Means over the seeds. */
export interface PolicyRow {
  readonly name: string;
  readonly runs: number;
  readonly jobs: number;
  readonly refused: number;
  readonly unfinished: number;
  readonly lost_jobs: number;
  readonly avg_bounded_slowdown: number | null;
  readonly mean_wait_s: number | null;
  readonly p50_wait_s: number | null;
  readonly p95_wait_s: number | null;
  readonly p99_wait_s: number | null;
  readonly mean_jct_s: number | null;
  readonly makespan_s: number | null;
  readonly utilisation: PerResource;
  readonly allocation: PerResource;
  readonly fairness: {
    readonly jain: number | null;
    readonly share_error: number | null;
    /** Mean of Themis' ρ. */
    readonly finish_time: number | null;
  };
  readonly preemptions: number;
  readonly evictions: number;
  readonly lost_work: ResourceHours;
  readonly energy_kwh: number | null;
  readonly money_dollars: number | null;
  /** By name of the measure, over seeds; absent of those that no two seeds differ in. */
  readonly intervals: Readonly<Record<string, Interval>>;
  readonly by_seed: readonly (Readonly<Record<string, number | null>> & {
    readonly seed: number;
  })[];
  /** Of the first seed, in full. */
  readonly run: RunDocument;
}

export type Verdict = 'better' | 'worse' | 'no-sure-difference' | 'unknown';

export interface Comparison {
  readonly policy: string;
  readonly against: string;
  readonly measure: string;
  readonly title: string;
  readonly unit: MeasureUnit;
  readonly better: 'lower' | 'higher';
  readonly value: number | null;
  readonly against_value: number | null;
  /** Of the policy, less of the other; with its interval. */
  readonly difference: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Of the other's value. */
  readonly relative: number | null;
  /** In standard deviations of the differences between seeds (Cohen's d of pairs). */
  readonly effect_size: number | null;
  readonly p: number | null;
  /** Raised for all measures of the pair (Holm). */
  readonly p_adjusted: number | null;
  /** By signed ranks, which outliers do not sway; it decides nothing. */
  readonly signed_rank_p: number | null;
  readonly method: 'seeds' | 'blocks' | null;
  /** Pairs of seeds, or of jobs. */
  readonly pairs: number;
  readonly verdict: Verdict;
  /** Of `unknown`. */
  readonly why: string | null;
}

export interface ComparisonDocument {
  readonly trace: string;
  readonly format: string;
  readonly trace_jobs: number;
  readonly nodes: number;
  readonly seeds: readonly number[];
  readonly skipped: readonly SkippedRows[];
  readonly notes: readonly string[];
  readonly alpha: number;
  readonly policies: readonly PolicyRow[];
  readonly comparisons: readonly Comparison[];
}

const ALPHA = 0.05;
/** Fewer jobs in common, and the jobs that are missing may be the difference. */
const COMMON_MIN = 0.95;

/**
 * Policies beside each other, in the order in which they first come: each with one run of every seed. Runs of one
 * seed are a pair, as they see the same jobs and the same chance; of two or more the differences are judged by
 * Student's t. Of one seed, or where seeds change nothing, the jobs themselves are paired, in blocks in the order
 * of submission, as neighbours share their fate (see `seriesMeanTest`); what is no mean over jobs has no interval
 * then. All measures of a pair of policies count as one question (Holm).
 */
export function compareRuns(
  runs: readonly RunResult[],
  site: ComparedSite,
  options: CompareOptions = {},
): ComparisonDocument {
  const alpha = options.alpha ?? ALPHA;
  const byPolicy = new Map<string, RunResult[]>();
  for (const run of runs) {
    const { policy, seed } = run.document;
    const known = byPolicy.get(policy) ?? [];
    assert(!known.some((one) => one.document.seed === seed), `one run of ${policy} with ${seed}`);
    byPolicy.set(policy, [...known, run]);
  }
  const names = [...byPolicy.keys()];
  const against = options.against ?? names[0];
  const base = against === undefined ? undefined : byPolicy.get(against);
  assert(base !== undefined || names.length === 0, `a policy that was run: ${against}`);
  return {
    trace: site.trace.name,
    format: site.trace.format,
    trace_jobs: site.trace.jobs,
    nodes: site.nodes,
    seeds: [...new Set(runs.map(({ document }) => document.seed))].sort((a, b) => a - b),
    skipped: site.skipped,
    notes: site.notes ?? [],
    alpha,
    policies: names.map((name) => policyRow(name, byPolicy.get(name)!, alpha)),
    comparisons: names
      .filter((name) => name !== against)
      .flatMap((name) => comparePair(byPolicy.get(name)!, base!, alpha)),
  };
}

function policyRow(name: string, runs: readonly RunResult[], alpha: number): PolicyRow {
  const documents = runs.map(({ document }) => document);
  const [first] = documents;
  const over = (of: (run: RunDocument) => number | null): number | null => meanKnown(documents, of);
  const sure = (of: (run: RunDocument) => number): number => mean(documents.map(of));
  const perResource = (of: (run: RunDocument) => PerResource): PerResource => ({
    cpu: over((run) => of(run).cpu),
    memory: over((run) => of(run).memory),
    gpu: over((run) => of(run).gpu),
  });
  return {
    name,
    runs: runs.length,
    jobs: sure((run) => run.jobs),
    refused: sure((run) => run.refused),
    unfinished: sure((run) => run.unfinished),
    lost_jobs: sure((run) => run.lost_jobs),
    avg_bounded_slowdown: over((run) => run.avg_bounded_slowdown),
    mean_wait_s: over((run) => run.mean_wait_s),
    p50_wait_s: over((run) => run.p50_wait_s),
    p95_wait_s: over((run) => run.p95_wait_s),
    p99_wait_s: over((run) => run.p99_wait_s),
    mean_jct_s: over((run) => run.mean_jct_s),
    makespan_s: over((run) => run.makespan_s),
    utilisation: perResource((run) => run.utilisation),
    allocation: perResource((run) => run.allocation),
    fairness: {
      jain: over((run) => run.fairness.jain),
      share_error: over((run) => run.fairness.share_error),
      finish_time: over((run) => run.fairness.finish_time.mean),
    },
    preemptions: sure((run) => run.preemptions),
    evictions: sure((run) => run.evictions),
    lost_work: {
      cpu_hours: sure((run) => run.lost_work.cpu_hours),
      memory_gib_hours: sure((run) => run.lost_work.memory_gib_hours),
      gpu_hours: sure((run) => run.lost_work.gpu_hours),
    },
    energy_kwh: over((run) => run.energy_kwh),
    money_dollars: over((run) => run.money_dollars),
    intervals: intervalsOf(documents, alpha),
    by_seed: documents.map((run) => ({
      seed: run.seed,
      ...Object.fromEntries(comparedMeasures.map((one) => [one.name, one.of(run)])),
    })),
    run: first!,
  };
}

/** Null where any run does not know it. */
function meanKnown(
  documents: readonly RunDocument[],
  of: (run: RunDocument) => number | null,
): number | null {
  const values = documents.map(of).filter((value) => value !== null);
  return values.length < documents.length ? null : mean(values);
}

function intervalsOf(documents: readonly RunDocument[], alpha: number): PolicyRow['intervals'] {
  const found: Record<string, Interval> = {};
  for (const { name, of } of comparedMeasures) {
    const values = documents.map(of).filter((value) => value !== null);
    const test = values.length < documents.length ? undefined : meanTest(values, alpha);
    if (test === undefined || test.deviation === 0) continue;
    found[name] = { mean: digits(test.mean), low: digits(test.low), high: digits(test.high) };
  }
  return found;
}

interface Tested {
  readonly test: MeanTest | undefined;
  readonly signedRank: number | undefined;
  readonly method: Comparison['method'];
  readonly why: string | undefined;
}

function comparePair(
  of: readonly RunResult[],
  base: readonly RunResult[],
  alpha: number,
): Comparison[] {
  const pairs = of.flatMap((run) => {
    const other = base.find(({ document }) => document.seed === run.document.seed);
    return other === undefined ? [] : [[run, other] as const];
  });
  // What nobody knows, or never happened, is no question.
  const known = comparedMeasures.filter((measure) =>
    [...of, ...base].some(({ document }) => (measure.of(document) ?? 0) !== 0),
  );
  const oneRun = pairs.length === 1 || (pairs.length > 1 && pairs.every(isLike(pairs[0]!)));
  const tested = known.map((measure) =>
    oneRun ? testJobs(measure, pairs[0]!, alpha) : testSeeds(measure, pairs, alpha),
  );
  const asked = tested.flatMap(({ test }, i) => (test === undefined ? [] : [i]));
  const raised = holm(asked.map((i) => tested[i]!.test!.p));
  return known.map((measure, i) => {
    const question = asked.indexOf(i);
    const p = question < 0 ? undefined : raised[question]!;
    return comparison(measure, [of, base], tested[i]!, p, alpha);
  });
}

type Pair = readonly [run: RunResult, base: RunResult];

/** A seed that changes no figure is no second sample. */
const isLike =
  (first: Pair) =>
  (pair: Pair): boolean =>
    comparedMeasures.every(({ of }) =>
      [0, 1].every((i) => of(pair[i]!.document) === of(first[i]!.document)),
    );

function testSeeds(measure: ComparedMeasure, pairs: readonly Pair[], alpha: number): Tested {
  const differences: number[] = [];
  for (const [run, base] of pairs) {
    const [value, other] = [measure.of(run.document), measure.of(base.document)];
    if (value === null || other === null) return untested('it is not known in every run');
    differences.push(value - other);
  }
  const signedRank = signedRankTest(differences);
  const found = meanTest(differences, alpha);
  if (found === undefined) return untested('no seed was run with both');
  // The same difference in every pair leaves nothing to estimate: what is left is how often it has a sign.
  const isSame = found.deviation === 0 && found.mean !== 0;
  const test = isSame ? { ...found, p: signedRank } : found;
  return { test, signedRank, method: 'seeds', why: undefined };
}

const untested = (why: string): Tested => ({
  test: undefined,
  signedRank: undefined,
  method: null,
  why,
});

function testJobs(measure: ComparedMeasure, [run, base]: Pair, alpha: number): Tested {
  const { ofJob } = measure;
  const [value, other] = [measure.of(run.document), measure.of(base.document)];
  if (value === null || other === null) return untested('it is not known in every run');
  if (ofJob === undefined) {
    return value === other
      ? { ...untested(''), why: undefined }
      : untested('one run does not say how it varies: run more seeds');
  }
  const differences = differencesOf(ofJob, run.jobs, base.jobs);
  const all = Math.min(run.jobs.count, base.jobs.count);
  if (differences.length < COMMON_MIN * all) {
    return untested(`only ${differences.length} of ${all} jobs came so far in both runs`);
  }
  const test = seriesMeanTest(differences, alpha);
  if (test === undefined) return untested(`${differences.length} jobs are too few for one run`);
  if (test.isDependent) {
    return untested('what happens to one job depends on too many before it: run more seeds');
  }
  return { test, signedRank: undefined, method: 'blocks', why: undefined };
}

function differencesOf(
  ofJob: (jobs: JobColumns, job: number) => number,
  jobs: JobColumns,
  base: JobColumns,
): number[] {
  const differences: number[] = [];
  for (let job = 0; job < Math.min(jobs.count, base.count); job++) {
    const difference = ofJob(jobs, job) - ofJob(base, job);
    if (!Number.isNaN(difference)) differences.push(difference);
  }
  return differences;
}

function comparison(
  { name, title, unit, better, of }: ComparedMeasure,
  [runs, base]: readonly [readonly RunResult[], readonly RunResult[]],
  { test, signedRank, method, why }: Tested,
  raised: number | undefined,
  alpha: number,
): Comparison {
  const value = meanKnown(
    runs.map(({ document }) => document),
    of,
  );
  const other = meanKnown(
    base.map(({ document }) => document),
    of,
  );
  const difference = test?.mean ?? (value === null || other === null ? null : value - other);
  const isSure = raised !== undefined && raised <= alpha && test!.mean !== 0;
  const isLess = test !== undefined && test.mean < 0;
  const sure: Verdict = isLess === (better === 'lower') ? 'better' : 'worse';
  const told = (n: number | null | undefined): number | null =>
    n === null || n === undefined ? null : digits(n);
  return {
    policy: runs[0]!.document.policy,
    against: base[0]!.document.policy,
    measure: name,
    title,
    unit,
    better,
    value,
    against_value: other,
    difference: told(difference),
    low: told(test?.low),
    high: told(test?.high),
    relative:
      other === null || other === 0 || difference === null
        ? null
        : digits(difference / Math.abs(other)),
    effect_size:
      test === undefined || method !== 'seeds' || test.deviation === 0
        ? null
        : digits(test.mean / test.deviation),
    p: told(test?.p),
    p_adjusted: told(raised),
    signed_rank_p: told(signedRank),
    method,
    pairs: test?.n ?? 0,
    verdict: why !== undefined ? 'unknown' : isSure ? sure : 'no-sure-difference',
    why: why ?? null,
  };
}

/** Beyond six, digits of logarithms may differ between machines. */
const digits = (value: number): number => Number(value.toPrecision(6));
