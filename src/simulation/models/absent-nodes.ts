import type { NodeId } from '../../model/ids.ts';
import type { Node } from '../../model/node.ts';
import type { ModelledSite } from '../site-model.ts';

/**
 * Which nodes are away, and why: a node that failed while its rack had no power comes back when both are over.
 * Shared by the models of one site.
 */
export class AbsentNodes {
  readonly nodes: readonly Node[];
  readonly #byId: ReadonlyMap<NodeId, Node>;
  readonly #away = new Map<NodeId, Set<string>>();

  constructor(nodes: readonly Node[]) {
    this.nodes = nodes;
    this.#byId = new Map(nodes.map((node) => [node.id, node]));
  }

  isAway(id: NodeId): boolean {
    return this.#away.has(id);
  }

  /** It is lost with all that runs there, unless it is away already. */
  take(site: ModelledSite, id: NodeId, why: string): void {
    const reasons = this.#away.get(id);
    if (reasons !== undefined) {
      reasons.add(why);
      return;
    }
    if (!this.#byId.has(id)) return;
    this.#away.set(id, new Set([why]));
    site.send({ kind: 'leave-node', at: site.now, node: id });
  }

  /** This is no reason any more; it joins again when it was the last. */
  give(site: ModelledSite, id: NodeId, why: string): void {
    const reasons = this.#away.get(id);
    if (reasons === undefined || !reasons.delete(why) || reasons.size > 0) return;
    this.#away.delete(id);
    site.send({ kind: 'join-node', at: site.now, node: this.#byId.get(id)! });
  }
}
