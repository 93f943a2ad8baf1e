import { ioBlock } from './io-block.ts';
import { isolationBlock } from './isolation-block.ts';
import { processBlock } from './process-block.ts';
import { storageBlock } from './storage-block.ts';

/** Every block of execution terms. Adding one = its file + one line here. */
export const executionBlocks = [processBlock, ioBlock, isolationBlock, storageBlock] as const;
