import type { Resources } from '../../model/resources.ts';
import type { NodeIndex, NodeTable } from '../node-table.ts';
import { SCORE_MAX } from '../scorer.ts';

/**
 * How full the node would be with the request on it: the mean, over the resources that it has,
 * of used share. GPUs count when the node has any, so that CPU jobs stay away from GPU nodes.
 */
export function fullnessAfter(table: NodeTable, row: NodeIndex, ask: Resources): number {
  const node = table.node(row)!;
  const cpu = share(node.cpu - table.freeCpu(row) + ask.cpu, node.cpu);
  const memory = share(node.memory - table.freeMemory(row) + ask.memory, node.memory);
  if (node.gpus.length === 0) return Math.floor((cpu + memory) / 2);
  const capacity = table.gpuCapacity(row);
  const gpu = share(capacity - table.freeGpuSum(row) + ask.gpu, capacity);
  return Math.floor((cpu + memory + gpu) / 3);
}

function share(used: number, capacity: number): number {
  return capacity === 0
    ? SCORE_MAX
    : Math.min(SCORE_MAX, Math.floor((used * SCORE_MAX) / capacity));
}
