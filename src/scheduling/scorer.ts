import type { Resources } from '../model/resources.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';

/** 0 (avoid) … 10,000 (prefer). Integers, so that ties break the same way on every machine. */
export const SCORE_MAX = 10_000;

/** Prefers one node over another among those that fit. */
export interface Scorer<Name extends string = string> {
  readonly name: Name;
  /** One sentence for `docs/policies.md` and `config explain`. */
  readonly what: string;
  score(table: NodeTable, row: NodeIndex, ask: Resources): number;
}

export function defineScorer<const Name extends string>(scorer: Scorer<Name>): Scorer<Name> {
  return Object.freeze(scorer);
}
