import type { Node } from '../../model/node.ts';
import type { WorldTerms } from '../../model/world.ts';
import type { SiteModel } from '../site-model.ts';
import { AbsentNodes } from './absent-nodes.ts';
import { CheckpointCost } from './checkpoint-cost.ts';
import { GpuContention } from './gpu-contention.ts';
import { InputTransfers } from './input-transfers.ts';
import { NodeFailures } from './node-failures.ts';
import { RequestLoad } from './request-load.ts';
import { Slowdowns } from './slowdowns.ts';
import { type RecordedPrices, SpotNodes } from './spot-nodes.ts';

/** Names of files that a description of a world refers to: CSV of `time,price`, as `readSpotTrace` reads. */
export const priceFilesOf = ({ spot = [] }: WorldTerms): readonly string[] => [
  ...new Set(spot.flatMap(({ prices }) => prices ?? [])),
];

export interface WorldModels {
  /** In the order in which they are asked. Good for one simulation. */
  readonly models: readonly SiteModel[];
  /** The one of requests, which keeps a record. */
  readonly requests: RequestLoad | undefined;
}

/** Fresh models of what a description says, for a site of these nodes. */
export function modelsOf(
  world: WorldTerms,
  nodes: readonly Node[],
  recorded: RecordedPrices = new Map(),
): WorldModels {
  const { failures, spot, network, checkpoints, gpuSharing, slowdowns } = world;
  const absent = new AbsentNodes(nodes);
  const requests = world.requests && new RequestLoad(world.requests, absent);
  const models = [
    failures && new NodeFailures(failures, absent),
    spot && new SpotNodes(spot, absent, recorded),
    network && new InputTransfers(network, nodes),
    checkpoints && new CheckpointCost(checkpoints),
    gpuSharing && new GpuContention(gpuSharing, nodes),
    slowdowns && new Slowdowns(slowdowns, nodes),
    requests,
  ];
  return { models: models.filter((model) => model !== undefined), requests };
}
