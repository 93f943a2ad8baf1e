import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { type Move, moveBytes } from './move-bytes.ts';
import type { WorkerNews } from './transfer-keeper.ts';

/** The thread that moves the bytes of one transfer, apart from the loop of the daemon. It ends with it. */
const port = parentPort;
assert(port !== null, 'runs as a worker');
const tell = (news: WorkerNews): void => port.postMessage(news);
// Given by the keeper alone.
const move = workerData as Move;
try {
  const sum = await moveBytes(move, tell);
  tell({ kind: 'done', ...(sum !== undefined && { sum }) });
} catch (error) {
  tell({ kind: 'broke', message: error instanceof Error ? error.message : String(error) });
}
