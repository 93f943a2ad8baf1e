import { assert } from '../../base/assert.ts';
import type { BitsPerSecond } from '../../base/units.ts';
import type { Node } from '../../model/node.ts';
import type { FabricTerms, LinkTerms } from '../../model/world.ts';

/** One direction of a link. */
export interface Arc {
  readonly from: string;
  readonly to: string;
  readonly link: number;
  readonly capacity: BitsPerSecond;
}

/** Where the storage of a fabric hangs. */
export const STORAGE = 'storage';
const NO_RACK = '-';

/** Nodes, switches and what connects them. Of link `i` the arcs are 2i (from a to b) and 2i + 1. */
export class Topology {
  readonly links: readonly LinkTerms[];
  readonly arcs: readonly Arc[];
  readonly #from = new Map<string, number[]>();

  constructor(links: readonly LinkTerms[]) {
    this.links = links;
    this.arcs = links.flatMap(({ a, b, capacity }, link): Arc[] => {
      assert(a !== b, `the link ${link} goes from ${a} to itself`);
      return [
        { from: a, to: b, link, capacity },
        { from: b, to: a, link, capacity },
      ];
    });
    this.arcs.forEach(({ from }, i) => {
      const known = this.#from.get(from);
      if (known === undefined) this.#from.set(from, [i]);
      else known.push(i);
    });
    // Of ways that are equally long, the one over the first names is tried first.
    for (const leaving of this.#from.values()) {
      leaving.sort((x, y) => compare(this.arcs[x]!.to, this.arcs[y]!.to) || x - y);
    }
  }

  has(vertex: string): boolean {
    return this.#from.has(vertex);
  }

  /** Indexes of the arcs that leave a vertex. */
  leaving(vertex: string): readonly number[] {
    return this.#from.get(vertex) ?? [];
  }
}

/** The links of a fabric of leaves and spines for these nodes, by the label `rack`. */
export function fabricLinks(nodes: readonly Node[], fabric: FabricTerms): LinkTerms[] {
  const leafOf = ({ labels }: Node): string => `leaf/${labels['rack'] ?? NO_RACK}`;
  const spines = Array.from({ length: fabric.spines }, (_, i) => `spine/${i}`);
  const leaves = [...new Set(nodes.map(leafOf))].sort();
  return [
    ...nodes.map((node) => ({ a: node.id, b: leafOf(node), capacity: fabric.nodeLink })),
    ...leaves.flatMap((a) => spines.map((b) => ({ a, b, capacity: fabric.uplink }))),
    ...(fabric.storageLink === undefined
      ? []
      : spines.map((b) => ({ a: STORAGE, b, capacity: fabric.storageLink! }))),
  ];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
