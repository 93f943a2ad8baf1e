import { openHostReader } from '../inventory/io/host-reader.ts';
import { registry } from '../inventory/registry.ts';
import { takeInventory } from '../inventory/take-inventory.ts';
import { toNode } from '../inventory/to-node.ts';
import type { NodeId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';

/** This machine as the scheduler sees it. */
export async function hostNode(id: NodeId): Promise<Node> {
  return toNode(await takeInventory(openHostReader({ sysroot: '/' }), registry), id);
}
