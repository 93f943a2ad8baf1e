import { assert } from '../base/assert.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import { SCORE_MAX, type Scorer } from './scorer.ts';

export type Verdict =
  | { readonly kind: 'place'; readonly row: NodeIndex }
  | { readonly kind: 'refuse'; readonly refusal: Refusal };

/** Looks at every node: the best by score, the first of equals, or why there is none. */
export function findPlace(table: NodeTable, ask: Resources, scorer: Scorer): Verdict {
  let best: NodeIndex | undefined;
  let bestScore = -1;
  for (let row = 0; row < table.rows; row++) {
    if (!table.fits(row, ask)) continue;
    const score = scorer.score(table, row, ask);
    assert(Number.isInteger(score) && score >= 0 && score <= SCORE_MAX, `${scorer.name}: ${score}`);
    if (score > bestScore) {
      best = row;
      bestScore = score;
    }
  }
  if (best !== undefined) return { kind: 'place', row: best };
  return { kind: 'refuse', refusal: whyNot(table, ask) };
}

/** The binding constraint on the node that lacks the smallest share of what is asked. */
export function whyNot(table: NodeTable, ask: Resources): Refusal {
  let nearest: Refusal | undefined;
  let nearestLack = Number.POSITIVE_INFINITY;
  for (let row = 0; row < table.rows; row++) {
    const node = table.node(row);
    const shortage = node === undefined ? undefined : table.shortage(row, ask);
    if (node === undefined || shortage === undefined) continue;
    const lack = (shortage.asked - shortage.free) / shortage.asked;
    if (lack < nearestLack) {
      nearestLack = lack;
      nearest = {
        code: 'insufficient',
        ...shortage,
        free: Math.max(0, shortage.free),
        node: node.id,
      };
    }
  }
  return nearest ?? { code: 'no-nodes' };
}
