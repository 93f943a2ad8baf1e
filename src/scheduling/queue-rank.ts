/** What decides which of two queues below one parent is due. */
export interface Rank {
  readonly guaranteed: boolean;
  readonly priority: number;
  readonly share: number;
  readonly index: number;
}

export function before(a: Rank, b: Rank): boolean {
  if (a.guaranteed !== b.guaranteed) return a.guaranteed;
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.share === b.share ? a.index < b.index : a.share < b.share;
}
