import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { openHostReader } from '../inventory/io/host-reader.ts';
import type { InventoryQuestion } from './host-inventory.ts';
import { InventoryKeeper } from './inventory-keeper.ts';

/** The thread that reads the host for `openHostInventory`: one answer to each question. */
const port = parentPort;
assert(port !== null, 'runs as a worker');
const now = (): number => Date.now();
const keeper = new InventoryKeeper(
  openHostReader({ sysroot: workerData.sysroot }),
  workerData.file,
  now(),
);
port.on('message', async ({ id, ask }: InventoryQuestion) => {
  port.postMessage({ id, answer: ask === 'use' ? keeper.use(now()) : await keeper.read(ask, now) });
});
