import type { Node } from '../model/node.ts';

/** Whether it is closed, or lets only some in: what a task without constraints must be asked about, too. */
export const isGuarded = (node: Node | undefined): boolean =>
  node !== undefined && (node.taints !== undefined || node.closed !== undefined);
