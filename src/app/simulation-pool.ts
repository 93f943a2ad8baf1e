import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Experiment } from '../cli/world.ts';
import { type ErrorCode, OperationError } from '../model/errors.ts';
import type { Cell, CellResult } from '../simulation/cell.ts';
import type { SimulationNews } from './simulation-worker.ts';

const source = extname(fileURLToPath(import.meta.url));
const workerFile = new URL(`./simulation-worker${source}`, import.meta.url);

interface PoolOptions {
  readonly experiment: Experiment;
  readonly cwd: string;
  readonly cells: readonly Cell[];
  readonly threads: number;
  readonly signal: AbortSignal;
}

/**
 * Simulates the cells in so many threads, each of which reads the files for itself; `hear` is called as they end, in any
 * order. Rejects as reading the files does, with ABORTED once the signal says so, and with what a simulation throws.
 */
export async function runCells(
  { experiment, cwd, cells, threads, signal }: PoolOptions,
  hear: (cell: number, result: CellResult) => void,
): Promise<void> {
  let next = 0;
  const workers: Worker[] = [];
  const end = (): void => {
    for (const worker of workers) void worker.terminate();
  };
  signal.addEventListener('abort', end);
  try {
    await Promise.all(
      Array.from({ length: Math.min(threads, cells.length) }, () => {
        const worker = new Worker(workerFile, {
          workerData: { experiment, cwd },
          execArgv: ['--disable-warning=ExperimentalWarning'],
        });
        workers.push(worker);
        return working(worker, () => (next < cells.length ? next++ : undefined), cells, hear);
      }),
    );
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

function working(
  worker: Worker,
  take: () => number | undefined,
  cells: readonly Cell[],
  hear: (cell: number, result: CellResult) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let current: number | undefined;
  const goOn = (): void => {
    current = take();
    if (current === undefined) resolve();
    else worker.postMessage(cells[current]);
  };
  worker.on('message', (news: SimulationNews) => {
    if (news.kind === 'failed') {
      reject(new OperationError(news.code as ErrorCode, news.message, { ...news.facts }));
      return;
    }
    try {
      if (news.kind === 'done') hear(current!, news.result);
      goOn();
    } catch (error) {
      reject(error);
    }
  });
  worker.once('error', reject);
  worker.once('exit', () =>
    reject(new OperationError('INTERNAL', 'A simulation ended before it had a result.')),
  );
  return promise;
}
