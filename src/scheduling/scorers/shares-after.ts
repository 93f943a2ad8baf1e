import type { Resources } from '../../model/resources.ts';
import { type NodeIndex, type NodeTable, WHOLE_GPU } from '../node-table.ts';

/** Used shares of the node's CPU, memory and, where it has any, GPUs with the request on it: 0 … 1 each. */
export function sharesAfter(table: NodeTable, row: NodeIndex, ask: Resources): number[] {
  const node = table.node(row)!;
  const gpu = node.gpus.length * WHOLE_GPU;
  const shares = [
    used(table.freeCpu(row) - ask.cpu, node.cpu),
    used(table.freeMemory(row) - ask.memory, node.memory),
  ];
  if (gpu > 0) shares.push(used(table.freeGpuSum(row) - ask.gpu, gpu));
  return shares;
}

const used = (left: number, all: number): number =>
  all === 0 ? 1 : Math.min(1, Math.max(0, 1 - left / all));
