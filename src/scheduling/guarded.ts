import type { Node } from '../model/node.ts';
import type { SpotBook } from './spot-book.ts';

/** Whether it is closed, or lets only some in: what a task without constraints must be asked about, too. */
export const isGuarded = (node: Node | undefined, spot: Pick<SpotBook, 'minds'>): boolean =>
  node !== undefined &&
  (node.taints !== undefined || node.closed !== undefined || spot.minds(node));
