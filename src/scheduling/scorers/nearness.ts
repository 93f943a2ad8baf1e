import { placeOf } from '../company.ts';
import { SCORE_MAX, type Scorer } from '../scorer.ts';

const ownWorkload = { kind: 'near', values: [], topology: 'node', maxSkew: 1, weight: 1 } as const;

/** The part of the workload's running tasks that runs in the node's place; half where none runs yet. */
export function nearnessBy(label: string): Scorer['score'] {
  return (table, row, { constraints }) => {
    const self = constraints?.self;
    if (self === undefined) return SCORE_MAX / 2;
    const { byRow, total } = table.residents.company(ownWorkload, self);
    if (total === 0) return SCORE_MAX / 2;
    const place = placeOf(table.node(row)!, label);
    if (place === undefined) return 0;
    let here = 0;
    for (const [other, count] of byRow) {
      const node = table.node(other);
      if (node !== undefined && placeOf(node, label) === place) here += count;
    }
    return Math.floor((here * SCORE_MAX) / total);
  };
}
