import type { TimeMs } from '../../base/units.ts';
import { FlowNetwork, type Transfer } from './flow-network.ts';
import type { Topology } from './topology.ts';

/** The link that says how soon some transfers can all be there. */
export interface CriticalLink {
  readonly from: string;
  readonly to: string;
  /** Its bytes over its capacity: no allocation of rates is faster over these ways. */
  readonly leastMs: number;
  /** Ids of the transfers over it. */
  readonly transfers: readonly string[];
}

/**
 * Of transfers that begin together and are of use only together, the arc that needs longest (the bound of a coflow,
 * Chowdhury, Zhong & Stoica, SIGCOMM 2014). Undefined where none of them goes over a link.
 */
export function criticalLink(
  topology: Topology,
  transfers: readonly Transfer[],
): CriticalLink | undefined {
  const network = new FlowNetwork(topology);
  for (const transfer of transfers) network.start(transfer, 0 as TimeMs);
  const bits = new Map<string, { sum: number; ids: string[] }>();
  for (const { id, size } of transfers) {
    const way = network.wayOf(id) ?? [];
    way.slice(1).forEach((to, i) => {
      const key = `${way[i]}\n${to}`;
      const on = bits.get(key) ?? { sum: 0, ids: [] };
      on.sum += size * 8;
      on.ids.push(id);
      bits.set(key, on);
    });
  }
  let worst: CriticalLink | undefined;
  for (const { from, to, capacity } of topology.arcs) {
    const on = bits.get(`${from}\n${to}`);
    if (on === undefined) continue;
    const leastMs = (on.sum * 1000) / capacity;
    if (worst === undefined || leastMs > worst.leastMs) {
      worst = { from, to, leastMs, transfers: on.ids };
    }
  }
  return worst;
}
