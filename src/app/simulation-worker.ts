import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { OperationError } from '../model/errors.ts';
import { type Cell, type CellResult, runCell } from '../simulation/cell.ts';
import { readExperiment } from './read-experiment.ts';

/** What the thread tells: that it has read the files or why not, then one answer to each cell. */
export type SimulationNews =
  | { readonly kind: 'ready'; readonly digest: string }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly facts: object;
    }
  | { readonly kind: 'done'; readonly result: CellResult };

/** The thread that simulates for `openSimulations`. */
const port = parentPort;
assert(port !== null, 'runs as a worker');
const tell = (news: SimulationNews): void => port.postMessage(news);
try {
  const inputs = await readExperiment(workerData.experiment, workerData.cwd);
  port.on('message', (cell: Cell) => {
    tell({ kind: 'done', result: runCell(cell, inputs) });
  });
  tell({ kind: 'ready', digest: inputs.digest });
} catch (error) {
  if (!(error instanceof OperationError)) throw error;
  const { code, message, facts } = error;
  tell({ kind: 'failed', code, message, facts: JSON.parse(JSON.stringify(facts)) });
}
