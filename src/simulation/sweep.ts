import type { Cell } from './cell.ts';
import type { ComparedSite } from './measures/compare-runs.ts';
import type { RunDocument } from './measures/run-document.ts';

/** One policy at one load on so many machines; means over the seeds, null where nobody knows. */
export interface SweepRow {
  readonly policy: string;
  readonly load: number;
  readonly size: number;
  readonly runs: number;
  readonly avg_bounded_slowdown: number | null;
  readonly mean_wait_s: number | null;
  readonly p95_wait_s: number | null;
  readonly makespan_s: number | null;
  readonly cpu_utilisation: number | null;
  readonly gpu_utilisation: number | null;
  readonly jain: number | null;
  readonly refused: number;
  readonly unfinished: number;
  /** At this load nobody has both no more machines and a smaller slowdown, one of them truly less. */
  readonly pareto: boolean;
}

export interface SweepDocument {
  readonly trace: string;
  readonly format: string;
  readonly trace_jobs: number;
  readonly nodes: number;
  readonly policies: readonly string[];
  readonly loads: readonly number[];
  readonly sizes: readonly number[];
  readonly seeds: readonly number[];
  readonly skipped: ComparedSite['skipped'];
  /** By load, size and policy, in the order in which they were asked for. */
  readonly cells: readonly SweepRow[];
}

export interface SweepAxes {
  readonly policies: readonly string[];
  readonly loads: readonly number[];
  readonly sizes: readonly number[];
  readonly seeds: readonly number[];
}

/** All combinations, in the order of the document; seeds change fastest. */
export const cellsOf = ({ policies, loads, sizes, seeds }: SweepAxes): readonly Cell[] =>
  loads.flatMap((load) =>
    sizes.flatMap((size) =>
      policies.flatMap((policy) => seeds.map((seed): Cell => ({ policy, seed, load, size }))),
    ),
  );

/** What a cell is called in a folder of results. */
export const cellKey = ({ policy, seed, load, size }: Cell): string =>
  `${policy} load ${load} size ${size} seed ${seed}`;

/** `runs` are those of `cellsOf`, in that order. */
export function sweepDocument(
  axes: SweepAxes,
  runs: readonly RunDocument[],
  { trace, nodes, skipped }: ComparedSite,
): SweepDocument {
  const { loads, sizes, policies, seeds } = axes;
  const rows: Omit<SweepRow, 'pareto'>[] = [];
  let at = 0;
  for (const load of loads) {
    for (const size of sizes) {
      for (const policy of policies) {
        rows.push({ policy, load, size, ...meansOf(runs.slice(at, at + seeds.length)) });
        at += seeds.length;
      }
    }
  }
  return {
    trace: trace.name,
    format: trace.format,
    trace_jobs: trace.jobs,
    nodes,
    policies,
    loads,
    sizes,
    seeds,
    skipped,
    cells: rows.map((row) => ({ ...row, pareto: isPareto(row, rows) })),
  };
}

type Measured = Omit<SweepRow, 'pareto'>;

function isPareto(row: Measured, rows: readonly Measured[]): boolean {
  const own = row.avg_bounded_slowdown;
  if (own === null) return false;
  return !rows.some(({ load, size, avg_bounded_slowdown: other }) => {
    if (load !== row.load || other === null || size > row.size || other > own) return false;
    return size < row.size || other < own;
  });
}

function meansOf(runs: readonly RunDocument[]): Omit<Measured, 'policy' | 'load' | 'size'> {
  const mean = (of: (run: RunDocument) => number | null): number | null => {
    const values = runs.map(of);
    if (values.length === 0 || values.some((value) => value === null)) return null;
    return (values as number[]).reduce((sum, value) => sum + value, 0) / values.length;
  };
  const sum = (of: (run: RunDocument) => number): number =>
    runs.reduce((total, run) => total + of(run), 0);
  return {
    runs: runs.length,
    avg_bounded_slowdown: mean((run) => run.avg_bounded_slowdown),
    mean_wait_s: mean((run) => run.mean_wait_s),
    p95_wait_s: mean((run) => run.p95_wait_s),
    makespan_s: mean((run) => run.makespan_s),
    cpu_utilisation: mean((run) => run.utilisation.cpu),
    gpu_utilisation: mean((run) => run.utilisation.gpu),
    jain: mean((run) => run.fairness.jain),
    refused: sum((run) => run.refused),
    unfinished: sum((run) => run.unfinished),
  };
}
