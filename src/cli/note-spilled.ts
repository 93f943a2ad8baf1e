import type { Submitted } from '../api/contract/documents.ts';
import type { World } from './world.ts';

/** Says of a submission to a full queue that it waits on disk, under the id that it keeps. */
export function noteSpilled({ id, spilled }: Submitted, world: Pick<World, 'note'>): void {
  if (spilled === undefined) return;
  const { queue, ahead } = spilled;
  const others = ahead === 1 ? 'one other' : `${ahead} others`;
  const behind = ahead === 0 ? '' : ` behind ${others}`;
  world.note(`accepted; queue ${queue} is full: ${id} waits on disk${behind}`);
}
