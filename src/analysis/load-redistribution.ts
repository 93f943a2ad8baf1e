export interface LoadedNode {
  readonly id: string;
  readonly load: number;
  readonly capacity: number;
}

export interface Redistribution {
  /** Nodes that fail one after the other, the first not included. */
  readonly rounds: readonly (readonly string[])[];
  /** Load over capacity of the fullest that is left; undefined where none is. */
  readonly fullest: number | undefined;
}

/**
 * What happens when one fails and the others take its load, each by its capacity, and fail beyond it: the model of
 * cascades of Motter & Lai (2002), with the shares of a scheduler instead of shortest paths. An estimate.
 */
export function redistribute(nodes: readonly LoadedNode[], failed: string): Redistribution {
  let left = nodes.filter(({ id }) => id !== failed);
  let homeless = nodes.find(({ id }) => id === failed)?.load ?? 0;
  const rounds: string[][] = [];
  for (;;) {
    const capacity = left.reduce((sum, node) => sum + node.capacity, 0);
    if (capacity === 0) return { rounds, fullest: undefined };
    const taken = homeless;
    left = left.map((node) => ({ ...node, load: node.load + (taken * node.capacity) / capacity }));
    const over = left.filter(({ load, capacity: most }) => load > most);
    if (over.length === 0) {
      return { rounds, fullest: Math.max(...left.map((node) => node.load / node.capacity)) };
    }
    rounds.push(over.map(({ id }) => id));
    homeless = over.reduce((sum, { load }) => sum + load, 0);
    left = left.filter((node) => !over.includes(node));
  }
}
