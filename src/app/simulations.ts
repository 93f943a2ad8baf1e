import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { Simulations } from '../cli/world.ts';
import type { CellResult } from '../simulation/cell.ts';
import { compareRuns } from '../simulation/measures/compare-runs.ts';
import type { RunDocument } from '../simulation/measures/run-document.ts';
import { cellKey, cellsOf, sweepDocument } from '../simulation/sweep.ts';
import { type ReadExperiment, readExperiment } from './read-experiment.ts';
import { runCells } from './simulation-pool.ts';
import { SweepFile } from './sweep-file.ts';

/** Simulations from files, in threads of their own. */
export function openSimulations(cwd: string): Simulations {
  return {
    async compare({ experiment, seeds, isDrawn, threads = availableParallelism() }, hearer) {
      const { signal, done } = hearer;
      const inputs = await readExperiment(experiment, cwd);
      const axes = { policies: experiment.policies, seeds, loads: [1], sizes: [1] };
      const cells = cellsOf(axes).map((cell) => ({
        ...cell,
        isDrawn: isDrawn && cell.seed === seeds[0],
      }));
      const results = new Map<number, CellResult>();
      await runCells({ experiment, cwd, cells, threads, signal }, (cell, result) => {
        results.set(cell, result);
        done(results.size, cells.length);
      });
      const runs = cells.map((_, i) => results.get(i)!);
      return {
        document: compareRuns(runs, siteOf(inputs)),
        gantts: runs.flatMap(({ gantt }) => gantt ?? []),
      };
    },

    async sweep({ experiment, axes, folder, threads = availableParallelism() }, { signal, done }) {
      const inputs = await readExperiment(experiment, cwd);
      const file =
        folder === undefined ? undefined : new SweepFile(resolve(cwd, folder), inputs.digest);
      const cells = cellsOf(axes);
      const runs = cells.map((cell) => file?.get(cellKey(cell)));
      const left = cells.flatMap((cell, i) => (runs[i] === undefined ? [{ cell, i }] : []));
      let ended = cells.length - left.length;
      if (ended > 0) done(ended, cells.length);
      const asked = { experiment, cwd, cells: left.map(({ cell }) => cell), threads, signal };
      await runCells(asked, (at, { document }) => {
        const { cell, i } = left[at]!;
        runs[i] = document;
        file?.add(cellKey(cell), document);
        done(++ended, cells.length);
      });
      return sweepDocument(axes, runs as readonly RunDocument[], siteOf(inputs));
    },
  };
}

const siteOf = ({ trace, nodes, notes }: ReadExperiment) => ({
  trace: { name: trace.name, format: trace.format, jobs: trace.count },
  nodes: nodes.length,
  skipped: trace.skipped,
  notes,
});
