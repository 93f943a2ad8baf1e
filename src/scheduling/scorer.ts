import { assert } from '../base/assert.ts';
import type { SchedulingConfig } from '../model/scheduling-config.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { Outlook } from './outlook.ts';
import type { Ask } from './shape.ts';

/** 0 (avoid) … 10,000 (prefer). Integers, so that ties break the same way on every machine. */
export const SCORE_MAX = 10_000;

/** What scorers are configured with. */
export interface SiteScoring extends Pick<SchedulingConfig, 'interference'> {
  /** A trained model, where there is one. It must give the same score for the same arguments. */
  readonly learned?: Scorer['score'] | undefined;
}

/** Prefers one node over another among those that fit. */
export interface Scorer<Name extends string = string> {
  readonly name: Name;
  /** One sentence for `docs/policies.md` and `config explain`. */
  readonly what: string;
  /**
   * Set when scores depend on the outlook, which is then kept, and scores follow when it changes. Such a
   * scorer sees the amounts of a node and the models and memory of its GPUs, and neither name nor labels.
   */
  readonly looksAhead?: true;
  /** Set when scores depend on names, labels or anything else of a node: nodes that are alike may score apart. */
  readonly readsNodes?: true;
  /** Set when scores depend on whose the task is: each workload is then a shape of its own. */
  readonly knowsWho?: true;
  /** Set when the score of a node depends on others for such a task: every node is then looked at each time. */
  readonly looksAround?: true;
  /** The scorer as a site configured it, where it takes data. */
  readonly configured?: (site: SiteScoring) => Scorer;
  /** Scores of all nodes may change when this number does. Read at every search, so it must be cheap. */
  readonly mode?: (table: NodeTable) => number;
  score(table: NodeTable, row: NodeIndex, ask: Ask, outlook: Outlook): number;
  /** Index of the device for a share of a GPU on a node where the ask fits; without it, the fullest. */
  chooseShare?(table: NodeTable, row: NodeIndex, ask: Ask, outlook: Outlook): number;
}

export function defineScorer<const Name extends string>(scorer: Scorer<Name>): Scorer<Name> {
  return Object.freeze(scorer);
}

/** One scorer from several: the weighted mean of what they say. The first that chooses devices does so. */
export function weightedSum(
  parts: readonly { readonly scorer: Scorer; readonly weight: number }[],
): Scorer {
  const [first] = parts;
  assert(first !== undefined, 'a site has a scorer');
  if (parts.length === 1) return first.scorer;
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  const chooseShare = parts.find(({ scorer }) => scorer.chooseShare)?.scorer.chooseShare;
  return {
    name: parts.map(({ scorer, weight }) => `${weight} ${scorer.name}`).join(' + '),
    what: 'The weighted mean of several scorers.',
    ...(parts.some(({ scorer }) => scorer.looksAhead) && { looksAhead: true }),
    ...(parts.some(({ scorer }) => scorer.readsNodes) && { readsNodes: true }),
    ...(parts.some(({ scorer }) => scorer.knowsWho) && { knowsWho: true }),
    ...(parts.some(({ scorer }) => scorer.looksAround) && { looksAround: true }),
    ...(parts.some(({ scorer }) => scorer.mode) && {
      mode: (table) => parts.reduce((all, { scorer }) => all * 16 + (scorer.mode?.(table) ?? 0), 0),
    }),
    score(table, row, ask, outlook) {
      let sum = 0;
      for (const { scorer, weight } of parts) {
        sum += weight * scorer.score(table, row, ask, outlook);
      }
      return Math.floor(sum / total);
    },
    ...(chooseShare && { chooseShare }),
  };
}
