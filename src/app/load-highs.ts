import { z } from 'zod';
import type { SolveProgram } from '../scheduling/optimal.ts';

interface Highs {
  solve(program: string, options: Readonly<Record<string, number>>): unknown;
}
/** Checked here, because the package's own types describe its CommonJS build only. */
const loader = z.object({
  default: z.custom<() => Promise<Highs>>((value) => typeof value === 'function'),
});
const solution = z.object({
  Status: z.string(),
  Columns: z.record(z.string(), z.object({ Primal: z.number() })),
});
/** A larger program is given up; the caller places by a scorer instead. */
const SECONDS_MAX = 10;

/** The HiGHS solver, compiled to WebAssembly: 3.5 MB, so it is loaded only where `optimal` is used. */
export async function loadHighs(): Promise<SolveProgram> {
  const highs = await loader.parse(await import('highs')).default();
  return (program) => {
    const options = { mip_rel_gap: 0, mip_abs_gap: 0, time_limit: SECONDS_MAX };
    const { Status, Columns } = solution.parse(highs.solve(program, options));
    if (Status !== 'Optimal') return undefined;
    return new Map(
      Object.entries(Columns).flatMap(([name, { Primal }]): [string, number][] =>
        Primal === 0 ? [] : [[name, Primal]],
      ),
    );
  };
}
