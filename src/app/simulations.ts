import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { Simulations } from '../cli/world.ts';
import { compareRuns } from '../simulation/measures/compare-runs.ts';
import type { RunDocument, RunResult } from '../simulation/measures/run-document.ts';
import { cellKey, cellsOf, sweepDocument } from '../simulation/sweep.ts';
import { type ReadExperiment, readExperiment } from './read-experiment.ts';
import { runCells } from './simulation-pool.ts';
import { SweepFile } from './sweep-file.ts';

/** Simulations from files, in threads of their own. */
export function openSimulations(cwd: string): Simulations {
  return {
    async compare({ experiment, seeds, threads = availableParallelism() }, { signal, done }) {
      const inputs = await readExperiment(experiment, cwd);
      const cells = cellsOf({ policies: experiment.policies, seeds, loads: [1], sizes: [1] });
      const results = new Map<number, RunResult>();
      await runCells({ experiment, cwd, cells, threads, signal }, (cell, result) => {
        results.set(cell, result);
        done(results.size, cells.length);
      });
      return compareRuns(
        cells.map((_, i) => results.get(i)!),
        siteOf(inputs),
      );
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

const siteOf = ({ trace, nodes }: ReadExperiment) => ({
  trace: { name: trace.name, format: trace.format, jobs: trace.count },
  nodes: nodes.length,
  skipped: trace.skipped,
});
