import type { MilliGpu } from '../base/units.ts';
import type { Constraints } from '../model/constraints.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';

/** Rules a node out for an ask that has constraints. What is free of it was looked at before. */
export interface Filter<Name extends string = string> {
  readonly name: Name;
  /** One sentence for `docs/policies.md` and `config explain`. */
  readonly what: string;
  passes(table: NodeTable, row: NodeIndex, gpu: MilliGpu, constraints: Constraints): boolean;
}

export function defineFilter<const Name extends string>(filter: Filter<Name>): Filter<Name> {
  return Object.freeze(filter);
}
