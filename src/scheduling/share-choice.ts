import { allowsGpu } from './allows-gpu.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { Ask } from './shape.ts';

/** Whether a share may go on device `i`, and no device before it is the same but for its place. */
export function isShareChoice(table: NodeTable, row: NodeIndex, ask: Ask, i: number): boolean {
  if (ask.gpuMemory !== undefined || !table.isPlain(row)) {
    return table.shareFits(row, i, ask) && allowsGpu(ask.constraints, table.node(row)!.gpus[i]!);
  }
  const free = table.freeGpu(row);
  const left = free[i]!;
  if (left < ask.gpu) return false;
  if (ask.constraints === undefined) return free.indexOf(left) === i;
  return allowsGpu(ask.constraints, table.node(row)!.gpus[i]!);
}
