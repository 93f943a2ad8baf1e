import type { NodeTable } from '../node-table.ts';
import { defineScorer } from '../scorer.ts';
import { SiteLoad } from '../site-load.ts';
import { bestFit } from './best-fit.ts';
import { spread } from './spread.ts';
import { tetris } from './tetris.ts';

/** From this part held on, room for large requests is what is scarce; a usual target of utilisation. */
const FULL = 8_000;
/** While less is held and little is broken up, tasks are kept out of each other's way. */
const QUIET = 4_000;
/** Of what is free, so much on nodes in use is broken up. */
const BROKEN = 3_000;

/** In this order; `mode` is the index. */
const parts = [spread, tetris, bestFit] as const;

const loads = new WeakMap<NodeTable, SiteLoad>();

function modeOf(table: NodeTable): number {
  let load = loads.get(table);
  if (load === undefined) {
    load = new SiteLoad(table);
    loads.set(table, load);
  }
  const { held, broken } = load.read();
  if (held >= FULL) return 2;
  if (held < QUIET) return 0;
  return broken >= BROKEN ? 2 : 1;
}

export const adaptive = defineScorer({
  name: 'adaptive',
  what: 'Spreads while the site is quiet, aligns while it fills, packs when it is full or broken up.',
  mode: modeOf,
  score: (table, row, ask, outlook) => parts[modeOf(table)]!.score(table, row, ask, outlook),
});
