import type { NodeTable } from './node-table.ts';
import { type Vector, vectorOf } from './usage-account.ts';

/** What all nodes have to give together: the whole that shares are parts of. */
export function siteCapacity(table: NodeTable): Vector {
  const sum: [number, number, number] = [0, 0, 0];
  for (let row = 0; row < table.rows; row++) {
    const node = table.node(row);
    if (node === undefined) continue;
    const gpu = table.gpuCapacity(row);
    const has = vectorOf({ cpu: node.cpu, memory: node.memory, gpu });
    for (let r = 0; r < 3; r++) sum[r]! += has[r]!;
  }
  return sum;
}
