import type { TimeMs } from '../../base/units.ts';
import type { NodeId, TenantId, WorkloadId } from '../../model/ids.ts';
import type { Command } from '../../model/messages.ts';
import type { Node } from '../../model/node.ts';
import type { WorkloadSpec } from '../../model/workload.ts';

/** What is done to the copy before it runs on. */
export type WhatIfChange =
  | { readonly kind: 'add-node'; readonly node: Node }
  | { readonly kind: 'lose-node'; readonly node: NodeId }
  | { readonly kind: 'cancel'; readonly workload: WorkloadId; readonly by: TenantId }
  | { readonly kind: 'submit'; readonly tenant: TenantId; readonly spec: WorkloadSpec };

export function commandOf(change: WhatIfChange, at: TimeMs): Command {
  switch (change.kind) {
    case 'add-node':
      return { kind: 'join-node', at, node: change.node };
    case 'lose-node':
      return { kind: 'leave-node', at, node: change.node };
    case 'cancel':
    case 'submit':
      return { ...change, at };
  }
}
