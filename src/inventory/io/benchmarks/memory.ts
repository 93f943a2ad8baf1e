import { availableParallelism, freemem } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { BaselineName, Measurement } from '../../baseline.ts';
import type { MemoryTask } from './memory-kernels.ts';
import { type Budget, repeated } from './repeat.ts';

const METHOD = 'in-process-triad';
/** Three such arrays exceed the last-level cache of any CPU of today, shared by its threads. */
const ARRAY_BYTES = 64 * 2 ** 20;
const LATENCY_BYTES = 128 * 2 ** 20;
/** A quarter of what is free, so that a benchmark never makes the host swap. */
const FREE_SHARE = 4;
const THREADS_MAX = 256;
/** A thread that does not come up, or does not end, is given up. */
const PATIENCE_MS = 10_000;

/** Bandwidth of one and of all threads, and latency. In worker threads: the caller stays responsive. */
export async function measureMemory(budget: Budget): Promise<readonly (Measurement | undefined)[]> {
  const threads = Math.min(THREADS_MAX, availableParallelism());
  const room = Math.floor(freemem() / FREE_SHARE / (3 * threads));
  const arrayBytes = Math.min(ARRAY_BYTES, room);
  const note =
    arrayBytes < ARRAY_BYTES ? 'little memory is free: arrays may fit into a cache' : undefined;
  const task: MemoryTask = { kind: 'bandwidth', arrayBytes, milliseconds: budget.milliseconds };
  const latency: MemoryTask = {
    kind: 'latency',
    arrayBytes: Math.min(LATENCY_BYTES, Math.floor(freemem() / FREE_SHARE)),
    milliseconds: budget.milliseconds,
  };
  return [
    await summed('memory-bandwidth-one-thread', METHOD, 1, task, budget, note),
    await summed('memory-bandwidth-all-threads', METHOD, threads, task, budget, note),
    await summed('memory-latency', 'in-process-pointer-chase', 1, latency, budget, undefined),
  ];
}

/** The sum over `count` threads that begin together, repeated with the same threads. */
async function summed(
  name: BaselineName,
  method: string,
  count: number,
  task: MemoryTask,
  budget: Budget,
  note: string | undefined,
): Promise<Measurement | undefined> {
  const workers = Array.from({ length: count }, () => new Worker(workerFile, { workerData: task }));
  const answers = () => {
    const limit = AbortSignal.timeout(PATIENCE_MS + 4 * task.milliseconds);
    const signal = AbortSignal.any([budget.signal, limit]);
    return Promise.all(workers.map((worker) => message(worker, signal)));
  };
  try {
    await answers();
    return await repeated(
      name,
      method,
      budget,
      async () => {
        const coming = answers();
        for (const worker of workers) worker.postMessage('start');
        return (await coming).map(figure).reduce((sum, value) => sum + value, 0);
      },
      note,
    );
  } catch (error) {
    if (error instanceof DOMException) return undefined;
    throw error;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** The same extension as this file has: `.ts` from source, `.js` when built. */
const workerFile = new URL(
  `./memory-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);

/** The next message of a thread; rejects when it ends, fails, or `signal` is aborted. */
function message(worker: Worker, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      worker.off('message', onMessage);
      worker.off('error', reject);
      worker.off('exit', onExit);
      signal.removeEventListener('abort', onAbort);
      finish();
    };
    const onMessage = (value: unknown) => settle(() => resolve(value));
    const onExit = () => settle(() => reject(new Error('a thread of the benchmark ended early')));
    const onAbort = () => settle(() => reject(signal.reason));
    worker.on('message', onMessage);
    worker.on('error', reject);
    worker.on('exit', onExit);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}

function figure(answer: unknown): number {
  return typeof answer === 'object' && answer !== null && 'value' in answer
    ? Number(answer.value)
    : Number.NaN;
}
