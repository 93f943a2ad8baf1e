import { hostname } from 'node:os';
import { type BasisPoints, type Bytes, scaleAmount } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { nodeToJoin } from '../inventory/node-to-join.ts';
import type { NodeId } from '../model/ids.ts';
import type { SchedulingConfig } from '../model/scheduling-config.ts';
import { withSharing } from '../model/shared-gpus.ts';
import type { SiteConfig } from '../model/site-config.ts';
import type { Loop } from '../runtime/loop.ts';
import { poolOf } from '../spec/lease-request.ts';
import type { DaemonLog } from './daemon-log.ts';
import type { InventoryReading } from './inventory-keeper.ts';

/** Logs what a reading of this machine noticed, and tells the engine when what may be given out is another. */
export function joinAsRead(
  engine: Engine,
  loop: Loop,
  log: DaemonLog,
  said: {
    readonly gpuSharing: SchedulingConfig['gpuSharing'];
    readonly scratch?: Bytes;
    readonly oversubscription?: BasisPoints;
    readonly labels?: SiteConfig['labels'];
  },
): (reading: InventoryReading) => Promise<void> {
  return async ({ news, node: found, document }) => {
    for (const { sentence } of news) log('inventory', sentence);
    // The one node of a local site keeps the id that it joined with, whatever the host is called today.
    const known = engine.state.nodes().find((one) => poolOf(one) === undefined);
    const id = known?.id ?? (hostname().replace(/[^\w.-]/g, '-') as NodeId);
    // It is taken away: what it has is of no matter, and it is not to take tasks again for that.
    if (engine.state.live.notice(id) !== undefined) return;
    const { gpuSharing, scratch, oversubscription = 10_000 as BasisPoints } = said;
    const cpu = scaleAmount(found.cpu, oversubscription);
    const labels = { ...found.labels, ...said.labels };
    const own = { ...found, id, cpu, labels, ...(scratch !== undefined && { scratch }) };
    const given = withSharing(own, gpuSharing);
    const node = nodeToJoin(known, given, document.confidence.failed_probes);
    if (node === undefined) return;
    try {
      await loop.send({ kind: 'join-node', node });
    } catch (error) {
      if (known === undefined) throw error;
      log('inventory', 'the new amounts of this machine are not told yet', error);
    }
  };
}
