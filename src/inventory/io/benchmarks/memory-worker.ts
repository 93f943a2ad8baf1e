import { parentPort, workerData } from 'node:worker_threads';
import { type MemoryTask, runMemoryTask } from './memory-kernels.ts';

/** One thread of the memory benchmark: measures once for each message, so that all threads run at once. */
const task: MemoryTask = workerData;
const port = parentPort!;
const run = runMemoryTask(task);
port.postMessage({ ready: true });
port.on('message', () => port.postMessage({ value: run() }));
