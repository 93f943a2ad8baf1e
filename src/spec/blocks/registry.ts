import { checkpointBlock } from './checkpoint-block.ts';
import { processBlock } from './process-block.ts';

/** Every block of execution terms. Adding one = its file + one line here. */
export const executionBlocks = [processBlock, checkpointBlock] as const;
