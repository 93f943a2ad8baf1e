import type { Node } from '../model/node.ts';
import type { NodeTable } from '../scheduling/node-table.ts';

/** The nodes that are there, in order of joining. */
export function listNodes(table: NodeTable): Node[] {
  const nodes: Node[] = [];
  for (let row = 0; row < table.rows; row++) {
    const node = table.node(row);
    if (node !== undefined) nodes.push(node);
  }
  return nodes;
}
