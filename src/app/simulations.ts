import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Experiment, SimulationHearer, Simulations } from '../cli/world.ts';
import { type ErrorCode, OperationError } from '../model/errors.ts';
import type { Cell } from '../simulation/cell.ts';
import { compareRuns } from '../simulation/measures/compare-runs.ts';
import type { RunResult } from '../simulation/measures/run-document.ts';
import type { SimulationNews } from './simulation-worker.ts';

const source = extname(fileURLToPath(import.meta.url));
const workerFile = new URL(`./simulation-worker${source}`, import.meta.url);

/** Simulations from files, in threads of their own. */
export function openSimulations(cwd: string): Simulations {
  return {
    async compare({ experiment, seeds, threads }, hear) {
      const { readExperiment } = await import('./read-experiment.ts');
      const inputs = await readExperiment(experiment, cwd);
      const cells = experiment.policies.flatMap((policy) =>
        seeds.map((seed): Cell => ({ policy, seed, load: 1, size: 1 })),
      );
      const results: RunResult[] = new Array(cells.length);
      await runCells({ experiment, cells, threads, cwd, signal: hear.signal }, (i, result) => {
        results[i] = result;
        hear.done(results.filter((one) => one !== undefined).length, cells.length);
      });
      const { trace, nodes } = inputs;
      const { name, format, count, skipped } = trace;
      const site = { trace: { name, format, jobs: count }, nodes: nodes.length, skipped };
      return compareRuns(results, site);
    },
  };
}
