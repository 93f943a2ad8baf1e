import type { AttemptId, NodeId } from '../model/ids.ts';
import type { Placement } from '../model/messages.ts';
import { PORT_RANGE } from '../model/service.ts';

const SIZE = PORT_RANGE.last - PORT_RANGE.first + 1;

/** Which ports of each node are given out: a port is never in two hands. */
export class NodePorts {
  readonly #taken = new Map<NodeId, Set<number>>();

  take({ node, ports }: Placement): void {
    if (ports === undefined) return;
    const taken = this.#taken.get(node) ?? new Set();
    this.#taken.set(node, taken);
    for (const port of Object.values(ports)) taken.add(port);
  }

  give({ node, ports }: Placement): void {
    if (ports === undefined) return;
    for (const port of Object.values(ports)) this.#taken.get(node)?.delete(port);
  }

  /**
   * A free port for each name; nothing where there are too few. The search begins at a place that follows from
   * the attempt, so that one that a stranger has taken is not tried again by the next attempt.
   */
  choose(node: NodeId, names: readonly string[], attempt: AttemptId): Placement['ports'] {
    const taken = this.#taken.get(node);
    if (names.length === 0 || (taken?.size ?? 0) + names.length > SIZE) return undefined;
    const chosen: Record<string, number> = {};
    let offset = hash(attempt) % SIZE;
    for (const name of names) {
      while (taken?.has(PORT_RANGE.first + offset)) offset = (offset + 1) % SIZE;
      chosen[name] = PORT_RANGE.first + offset;
      offset = (offset + 1) % SIZE;
    }
    return chosen;
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return h;
}
