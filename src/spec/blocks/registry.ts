import { checkpointBlock } from './checkpoint-block.ts';
import { ioBlock } from './io-block.ts';
import { isolationBlock } from './isolation-block.ts';
import { networkBlock } from './network-block.ts';
import { processBlock } from './process-block.ts';
import { storageBlock } from './storage-block.ts';

/** Every block of execution terms. Adding one = its file + one line here. */
export const executionBlocks = [
  checkpointBlock,
  ioBlock,
  isolationBlock,
  networkBlock,
  processBlock,
  storageBlock,
] as const;
