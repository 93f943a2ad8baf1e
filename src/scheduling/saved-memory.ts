import type { SavedLeaf } from './tree-memory.ts';
import type { SavedDemand } from './typical-demand.ts';

/** What a scheduler remembered when a snapshot was taken. */
export interface SavedMemory {
  readonly leaves: readonly SavedLeaf[];
  readonly demand: SavedDemand | undefined;
}

/**
 * The snapshot may have been taken under another configuration: a tree saves its leaves and what it learnt
 * of demand, a scheduler of one queue saves that alone. What this one cannot use is left out.
 */
export function savedMemory(saved: unknown): SavedMemory {
  const { leaves = [], demand, kinds } = saved as Partial<SavedMemory & SavedDemand>;
  return { leaves, demand: kinds === undefined ? demand : (saved as SavedDemand) };
}
