import { assert, InvariantError } from '../base/assert.ts';
import { milliGpu, UNLIMITED } from '../base/units.ts';
import { noConstraints } from '../model/constraints.ts';
import type { Refusal } from '../model/refusal.ts';
import { isSpot, type SpotObstacle } from '../model/spot.ts';
import { allowsGpu } from './allows-gpu.ts';
import { aloneFor, isPlainAsk } from './device-owners.ts';
import { shareOn } from './device-share.ts';
import { filters } from './filters/registry.ts';
import { isGuarded } from './guarded.ts';
import { type NodeIndex, type NodeTable, WHOLE_GPU } from './node-table.ts';
import type { Outlook } from './outlook.ts';
import { SCORE_MAX, type Scorer } from './scorer.ts';
import type { Ask } from './shape.ts';
import { peakOf } from './space-profile.ts';

const NO_GPU = milliGpu(0);
/** As people see it beside the names of filters. */
const SPOT = 'spot';

export type Verdict =
  | { readonly kind: 'place'; readonly row: NodeIndex }
  | { readonly kind: 'refuse'; readonly refusal: Refusal };

/** Of the nodes, which are looked at: tasks that may be on spot nodes go there first. */
export const parts = ['all', 'spot', 'on-demand'] as const;
export type Part = (typeof parts)[number];

const ALL: readonly Part[] = ['all'];
const SPOT_FIRST: readonly Part[] = ['spot', 'on-demand'];

export const partsFor = ({ constraints }: Ask): readonly Part[] =>
  constraints?.spot === undefined ? ALL : SPOT_FIRST;

export function isIn(table: NodeTable, row: NodeIndex, part: Part): boolean {
  const node = table.node(row);
  return part === 'all' || (node !== undefined && isSpot(node) === (part === 'spot'));
}

/** Looks at every node: the best by score, the first of equals, or why there is none. */
export function findPlace(
  table: NodeTable,
  ask: Ask,
  scorer: Scorer,
  outlook: Outlook,
  part: Part = 'all',
): Verdict {
  let best: NodeIndex | undefined;
  let bestScore = -1;
  for (let row = 0; row < table.rows; row++) {
    if (!isIn(table, row, part) || !feasible(table, row, ask)) continue;
    const score = checkedScore(scorer, table, row, ask, outlook);
    if (score > bestScore) {
      best = row;
      bestScore = score;
    }
  }
  if (best !== undefined) return { kind: 'place', row: best };
  return { kind: 'refuse', refusal: whyNot(table, ask) };
}

/** Whether the node has room for the ask, and its constraints allow the node. */
export function feasible(table: NodeTable, row: NodeIndex, ask: Ask): boolean {
  return table.fits(row, ask) && allowed(table, row, ask);
}

/** Whether its constraints allow the node, full as it may be now. */
export function allowed(table: NodeTable, row: NodeIndex, ask: Ask): boolean {
  if (!table.siteFilters.every((filter) => filter.passes(table, row, ask))) return false;
  if (ask.constraints === undefined && !isGuarded(table.node(row), table.spot)) return true;
  if (spotObstacle(table, row, ask) !== undefined) return false;
  const { constraints = noConstraints } = ask;
  const gpu = countedGpu(ask);
  return filters.every((filter) => filter.passes(table, row, gpu, constraints));
}

/** Why it may not start there for the node may be taken away. */
export function spotObstacle(table: NodeTable, row: NodeIndex, ask: Ask): SpotObstacle | undefined {
  return table.spot.obstacle(table, row, ask);
}

/** Of shares by memory and of instances the table itself looks for a device that is allowed. */
const countedGpu = (ask: Ask): Ask['gpu'] => (isPlainAsk(ask) ? ask.gpu : NO_GPU);

export function checkedScore(
  scorer: Scorer,
  table: NodeTable,
  row: NodeIndex,
  ask: Ask,
  outlook: Outlook,
): number {
  const seen = isPlainAsk(ask) ? ask : seenAs(table, row, ask);
  const score = scorer.score(table, row, seen, outlook);
  assert(Number.isInteger(score) && score >= 0 && score <= SCORE_MAX, `${scorer.name}: ${score}`);
  return score;
}

/**
 * The ask as scorers see it, which know whole devices and parts of them: an instance lies on none of those,
 * a share beside nobody else may lie on a device that is full for others, and a share by memory is as large
 * as on the device where it is smallest.
 */
function seenAs(table: NodeTable, row: NodeIndex, ask: Ask): Ask {
  if (ask.mig !== undefined || aloneFor(ask) !== undefined) return { ...ask, gpu: NO_GPU };
  let least: number = WHOLE_GPU;
  for (const [i, gpu] of table.node(row)!.gpus.entries()) {
    if (!table.shareFits(row, i, ask) || !allowsGpu(ask.constraints, gpu)) continue;
    least = Math.min(least, shareOn(gpu, ask));
  }
  return { ...ask, gpu: milliGpu(least) };
}

/** Ids of the devices that the ask gets on a node where it is feasible. */
export function chooseDevices(
  table: NodeTable,
  row: NodeIndex,
  ask: Ask,
  scorer: Scorer,
  outlook: Outlook,
): readonly string[] {
  const seen = isPlainAsk(ask) ? ask : seenAs(table, row, ask);
  if (scorer.chooseShare !== undefined && seen.gpu > 0 && seen.gpu < WHOLE_GPU) {
    return [table.node(row)!.gpus[scorer.chooseShare(table, row, seen, outlook)]!.id];
  }
  return table.chooseGpus(row, ask.gpu, ask).map((gpu) => gpu.id);
}

/** The binding constraint on the node that lacks the smallest share of what is asked. */
export function whyNot(table: NodeTable, ask: Ask): Refusal {
  const failed = failedPlugin(table);
  if (failed !== undefined) return failed;
  let nearest: Refusal | undefined;
  let excluded: readonly string[] = [];
  let nearestLack = Number.POSITIVE_INFINITY;
  for (let row = 0; row < table.rows; row++) {
    const node = table.node(row);
    if (node === undefined) continue;
    const shortage = table.shortage(row, ask);
    if (shortage === undefined) {
      const failed = failedFilters(table, row, ask);
      // The node that comes nearest: the fewest, the first of equals.
      if (excluded.length === 0 || failed.length < excluded.length) excluded = failed;
      continue;
    }
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
  if (excluded.join() === 'scratch-space') return whyNoSpace(table, ask);
  if (excluded.join() === SPOT) return whyNoSpot(table, ask);
  if (excluded.length > 0) return { code: 'constraints', filters: excluded };
  return nearest ?? { code: 'no-nodes' };
}

/** On the node where room comes first, of those where nothing else is in the way. */
function whyNoSpace(table: NodeTable, ask: Ask): Refusal {
  const phases = ask.constraints!.scratch!;
  let found: Extract<Refusal, { code: 'scratch-space' }> | undefined;
  for (let row = 0; row < table.rows; row++) {
    const node = table.node(row);
    if (node?.scratch === undefined || table.shortage(row, ask) !== undefined) continue;
    if (failedFilters(table, row, ask).join() !== 'scratch-space') continue;
    const { scratch: capacity } = node;
    const { bytes: lacking, until } = table.space.shortage(row, capacity, phases);
    const isSooner = (until ?? UNLIMITED) < (found?.until ?? UNLIMITED);
    if (found !== undefined && !isSooner) continue;
    const peak = peakOf(phases);
    found = { code: 'scratch-space', node: node.id, peak, capacity, lacking, until };
  }
  assert(found !== undefined, 'a node lacks nothing but space');
  return found;
}

/** On the first node where nothing else is in the way. */
function whyNoSpot(table: NodeTable, ask: Ask): Refusal {
  for (let row = 0; row < table.rows; row++) {
    const node = table.node(row);
    if (node === undefined || table.shortage(row, ask) !== undefined) continue;
    if (failedFilters(table, row, ask).join() !== SPOT) continue;
    return { code: 'spot', node: node.id, obstacle: spotObstacle(table, row, ask)! };
  }
  throw new InvariantError('a node lacks nothing but leave to be used');
}

/** Nothing is placed while a filter of the site itself has failed. */
function failedPlugin(table: NodeTable): Refusal | undefined {
  return table.siteFilters.find((filter) => filter.failure !== undefined)?.failure;
}

function failedFilters(table: NodeTable, row: NodeIndex, ask: Ask): readonly string[] {
  const { constraints = noConstraints } = ask;
  const gpu = countedGpu(ask);
  const ofSite = table.siteFilters.filter((filter) => !filter.passes(table, row, ask));
  const ofTask = filters.filter((filter) => !filter.passes(table, row, gpu, constraints));
  const names = [...ofSite, ...ofTask].map(({ name }) => name);
  return spotObstacle(table, row, ask) === undefined ? names : [...names, SPOT];
}
