import { noConstraints } from '../model/constraints.ts';
import type { AttemptId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';
import {
  ceilingOf,
  isSpot,
  quoteOf,
  type SpotObstacle,
  type SpotPolicy,
  type SpotQuote,
} from '../model/spot.ts';
import { allowsGpu } from './allows-gpu.ts';
import { nodeLabels } from './filters/node-labels.ts';
import { taints } from './filters/taints.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { Ask } from './shape.ts';
import { WHOLE_GPU } from './whole-gpu.ts';

/** Who may start on spot nodes now: the site's policy, the prices, and how many of those who may are there. */
export class SpotBook {
  /** Of the site: set once, when the state is made. */
  policy: SpotPolicy | undefined;
  #quotes: readonly SpotQuote[] = [];
  readonly #running = new Map<AttemptId, boolean>();
  #onSpot = 0;
  #known = knownOf([]);

  get quotes(): readonly SpotQuote[] {
    return this.#quotes;
  }

  /** All that are known from now on. */
  quote(quotes: readonly SpotQuote[]): void {
    this.#quotes = quotes;
  }

  quoteOf(node: Node): SpotQuote | undefined {
    return quoteOf(this.#quotes, node);
  }

  /** One that may be on spot nodes runs, there or elsewhere. */
  hold(attempt: AttemptId, onSpot: boolean): void {
    this.release(attempt);
    this.#running.set(attempt, onSpot);
    if (onSpot) this.#onSpot++;
  }

  release(attempt: AttemptId): void {
    if (this.#running.get(attempt) === true) this.#onSpot--;
    this.#running.delete(attempt);
  }

  /** Of those that run and may be on spot nodes. */
  get count(): { readonly onSpot: number; readonly running: number } {
    return { onSpot: this.#onSpot, running: this.#running.size };
  }

  /** Whether the site says who may be on such a node. */
  minds(node: Node): boolean {
    return this.policy !== undefined && isSpot(node);
  }

  /** What keeps the ask from the node, were there room; nothing on a node that is none of the market's. */
  obstacle(table: NodeTable, row: NodeIndex, ask: Ask): SpotObstacle | undefined {
    const { policy } = this;
    const node = table.node(row)!;
    if (policy === undefined || !isSpot(node)) return undefined;
    if (!policy.enabled) return { why: 'disabled' };
    const spot = ask.constraints?.spot;
    if (spot === undefined) return { why: 'unsuitable' };
    if (spot === 'ever') return undefined;
    const quote = this.quoteOf(node);
    return (quote && dearness(quote, policy)) ?? this.#full(policy, ask, table);
  }

  /** Whether as many as may be are on spot nodes, so that one more that asks so may not. */
  isFull(ask: Ask, table: NodeTable): boolean {
    return this.policy !== undefined && this.#full(this.policy, ask, table) !== undefined;
  }

  /** Who has no other kind of node to go to would wait for ever. */
  #full({ percentage }: SpotPolicy, ask: Ask, table: NodeTable): SpotObstacle | undefined {
    const { onSpot, running } = this.count;
    if ((onSpot + 1) * 100 <= percentage * (running + 1)) return undefined;
    if (percentage > 0 && !this.#hasAlternative(ask, table)) return undefined;
    return { why: 'share', onSpot, running, percentage };
  }

  /** What may have kept one from spot nodes that is placed elsewhere; nothing where they had no room. */
  refusedTo(ask: Ask, table: NodeTable): SpotObstacle | undefined {
    const { policy } = this;
    if (policy === undefined || !this.#ofNodes(table).hasSpot) return undefined;
    if (!policy.enabled) return { why: 'disabled' };
    const dear = this.#quotes.find((quote) => dearness(quote, policy) !== undefined);
    return this.#full(policy, ask, table) ?? (dear && dearness(dear, policy));
  }

  #hasAlternative(ask: Ask, table: NodeTable): boolean {
    const { byAsk } = this.#ofNodes(table);
    let known = byAsk.get(ask);
    if (known === undefined) {
      known = table.nodes().some((node) => !isSpot(node) && couldHold(table, node, ask));
      byAsk.set(ask, known);
    }
    return known;
  }

  /** What follows from the nodes alone. */
  #ofNodes(table: NodeTable): Known {
    // The list is made anew whenever a node comes, goes or changes.
    const nodes = table.nodes();
    if (this.#known.nodes !== nodes) this.#known = knownOf(nodes);
    return this.#known;
  }
}

interface Known {
  readonly nodes: readonly Node[];
  readonly hasSpot: boolean;
  /** Whether a node that is none of the market's could hold it. */
  readonly byAsk: WeakMap<Ask, boolean>;
}

const knownOf = (nodes: readonly Node[]): Known => ({
  nodes,
  hasSpot: nodes.some(isSpot),
  byAsk: new WeakMap(),
});

/** Empty as it may be. */
function couldHold(table: NodeTable, node: Node, ask: Ask): boolean {
  const { cpu, memory, gpu, custom, constraints = noConstraints } = ask;
  if (node.closed !== undefined || node.cpu < cpu || node.memory < memory) return false;
  const amounts = new Map(node.custom);
  if (custom.some(([name, amount]) => (amounts.get(name) ?? 0) < amount)) return false;
  const devices = node.gpus.filter((device) => allowsGpu(constraints, device)).length;
  if (devices < Math.ceil(gpu / WHOLE_GPU)) return false;
  const row = table.rowOf(node.id)!;
  return [taints, nodeLabels].every((filter) => filter.passes(table, row, gpu, constraints));
}

function dearness(quote: SpotQuote, { priceMax }: SpotPolicy): SpotObstacle | undefined {
  if (priceMax === undefined) return undefined;
  const { type, price, base } = quote;
  const most = ceilingOf(quote, priceMax);
  if (price <= most) return undefined;
  return { why: 'price', ...(type !== undefined && { type }), price, base, most };
}
