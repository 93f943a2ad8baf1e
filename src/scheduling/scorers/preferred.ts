import { companyAt, dataNear, keepsCompany } from '../company.ts';
import { labelHolds } from '../label-holds.ts';
import { defineScorer, SCORE_MAX, type Scorer } from '../scorer.ts';
import type { BoundConstraints } from '../shape.ts';

/**
 * Wishes of the task: labels of nodes, near or apart from others, spread, data. The part of their weight that
 * the node meets; a wish about data counts by how much of the data is near, one to be spread by how few of
 * its kind are there.
 */
export const preferred = defineScorer({
  name: 'preferred',
  what: 'The node that meets most of what the task would rather have, by weight.',
  readsNodes: true,
  score(table, row, { constraints }) {
    if (constraints === undefined) return 0;
    const node = table.node(row)!;
    let all = 0;
    let met = 0;
    for (const { weight, label } of constraints.preferred ?? []) {
      all += weight;
      if (labelHolds(label, node.labels)) met += weight;
    }
    constraints.company?.forEach((rule, i) => {
      if (rule.weight === 0) return;
      all += rule.weight;
      if (rule.kind === 'spread') {
        const here = companyAt(table, node, constraints, i);
        if (here !== undefined) met += rule.weight / (1 + here);
      } else if (keepsCompany(table, node, constraints, i)) met += rule.weight;
    });
    constraints.data?.forEach(({ names, weight }, i) => {
      if (weight === 0 || names.length === 0) return;
      all += weight;
      met += (weight * dataNear(table, node, constraints, i)) / names.length;
    });
    return all === 0 ? 0 : Math.floor((met * SCORE_MAX) / all);
  },
});

/** Of ten parts of a score, those that wishes get where the site gives them no weight of its own. */
const WISH_PARTS = 9;

/** Heeds the wishes of tasks that have any, before what the site would choose; others are scored as before. */
export function heedingWishes(scorer: Scorer): Scorer {
  return {
    ...scorer,
    score(table, row, ask, outlook) {
      const own = scorer.score(table, row, ask, outlook);
      if (ask.constraints === undefined || !hasWishes(ask.constraints)) return own;
      const met = preferred.score(table, row, ask, outlook);
      return Math.floor((met * WISH_PARTS + own * (10 - WISH_PARTS)) / 10);
    },
  };
}

function hasWishes({ preferred: labels, company, data }: BoundConstraints): boolean {
  const isWish = ({ weight }: { readonly weight: number }): boolean => weight > 0;
  return labels !== undefined || company?.some(isWish) === true || data?.some(isWish) === true;
}
