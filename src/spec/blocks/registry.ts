import { checkpointBlock } from './checkpoint-block.ts';
import { networkBlock } from './network-block.ts';
import { processBlock } from './process-block.ts';

/** Every block of execution terms. Adding one = its file + one line here. */
export const executionBlocks = [checkpointBlock, networkBlock, processBlock] as const;
