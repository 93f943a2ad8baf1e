import { defineScorer, SCORE_MAX } from '../scorer.ts';
import { millionthsOf } from './decimal-label.ts';

/** At so many watts for a core, half of the points for thrift: a server of 2020, 200 W for 32 cores, in use. */
const WATTS_HALF = 6_250_000;

/** `power/state`: on, idle, off, asleep; without it, a node on which something runs is on. */
export const power = defineScorer({
  name: 'power',
  what: 'Nodes that are switched on, and of those the ones that need fewer watts for a core.',
  readsNodes: true,
  score(table, row) {
    const node = table.node(row)!;
    const state = node.labels['power/state'];
    const on = state === undefined ? table.freeCpu(row) < node.cpu : /^(on|idle)$/.test(state);
    const watts = millionthsOf(node, 'power/watts-per-core');
    const half = SCORE_MAX / 2;
    // Unknown is neither thrifty nor wasteful.
    const thrift =
      watts === undefined ? half / 2 : Math.floor((half * WATTS_HALF) / (WATTS_HALF + watts));
    return (on ? half : 0) + thrift;
  },
});
