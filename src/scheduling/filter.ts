import type { MilliGpu } from '../base/units.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { BoundConstraints } from './shape.ts';

/**
 * Rules a node out for an ask. What is free of it was looked at before. A task without constraints is asked
 * about on nodes with taints, or that are closed, only.
 */
export interface Filter<Name extends string = string> {
  readonly name: Name;
  /** One sentence for `docs/policies.md` and `config explain`. */
  readonly what: string;
  passes(table: NodeTable, row: NodeIndex, gpu: MilliGpu, constraints: BoundConstraints): boolean;
}

export function defineFilter<const Name extends string>(filter: Filter<Name>): Filter<Name> {
  return Object.freeze(filter);
}
