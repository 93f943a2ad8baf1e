import { availableParallelism, totalmem } from 'node:os';
import { bytes, milliCpu } from '../base/units.ts';
import type { NodeId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';

/** Kept back for the daemon, the launcher and the system. */
const RESERVED_SHARE = 0.05;

/** This machine as the scheduler sees it. */
export async function hostNode(id: NodeId): Promise<Node> {
  return {
    id,
    cpu: milliCpu(availableParallelism() * 1000),
    memory: bytes(Math.floor(totalmem() * (1 - RESERVED_SHARE))),
    gpus: [],
    custom: [],
    labels: {},
  };
}
