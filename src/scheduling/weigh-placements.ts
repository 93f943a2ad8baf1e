import { UNLIMITED } from '../base/units.ts';
import { dominantShare, WHOLE } from './fair-shares.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import {
  conflicts,
  defaultWeights,
  type Measured,
  normalise,
  type Objectives,
  paretoSet,
  weightedScore,
} from './objectives.ts';
import type { Occupancy } from './occupancy.ts';
import { feasible } from './place.ts';
import type { Candidate, Running } from './scheduler.ts';
import { SCORE_MAX } from './scorer.ts';
import { fullnessAfter } from './scorers/fullness.ts';
import type { Ask } from './shape.ts';
import { siteCapacity } from './site-capacity.ts';
import { Trial } from './trial.ts';
import { vectorOf } from './usage-account.ts';

/** A task that waits, and what its tenant has. */
export interface Contender {
  readonly id: string;
  readonly ask: Ask;
  /** How long it is expected to run. */
  readonly runMs: number;
  /** Dominant share of its tenant, and the share that it should have: 0 … 1. */
  readonly share: number;
  readonly fairShare: number;
}

/** One task on one node, now or as soon as there is room. */
export interface WeighedPlacement {
  readonly id: string;
  readonly row: NodeIndex;
  readonly waitMs: number;
  readonly measured: Measured;
  readonly objectives: Objectives;
  readonly score: number;
  /** Nothing is at least as good in every objective and better in one. */
  readonly isPareto: boolean;
}

export interface WeighedPlacements {
  /** Best score first; equals in the order of the contenders, then of the nodes. */
  readonly placements: readonly WeighedPlacement[];
  readonly conflicts: readonly (readonly [string, string])[];
}

/**
 * Every task on every node, by completion time, utilisation and fairness: a weighted choice, and the Pareto
 * set for whoever would rather choose themselves. A node whose tasks do not say how long they run offers
 * what is free now and no later moment. Costs a look at every running task of each node for each contender.
 */
export function weighPlacements<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  contenders: readonly Contender[],
  { at, weights = defaultWeights }: { readonly at: number; readonly weights?: Objectives },
): WeighedPlacements {
  const capacity = siteCapacity(table);
  const found: Pick<WeighedPlacement, 'id' | 'row' | 'waitMs' | 'measured'>[] = [];
  for (const { id, ask, runMs, share, fairShare } of contenders) {
    const shareAfter = share + dominantShare(vectorOf(ask), capacity) / WHOLE;
    for (let row = 0; row < table.rows; row++) {
      if (table.node(row) === undefined) continue;
      const room = roomOn(table, occupancy, row, ask, at);
      if (room === undefined) continue;
      const completionMs = room.waitMs + runMs;
      const { utilisation, waitMs } = room;
      found.push({
        id,
        row,
        waitMs,
        measured: { completionMs, utilisation, share, shareAfter, fairShare },
      });
    }
  }
  const objectives = normalise(found.map(({ measured }) => measured));
  const pareto = new Set(paretoSet(objectives));
  const placements = found.map((one, i) => ({
    ...one,
    objectives: objectives[i]!,
    score: weightedScore(objectives[i]!, weights),
    isPareto: pareto.has(i),
  }));
  return {
    placements: placements.toSorted((a, b) => b.score - a.score),
    conflicts: conflicts(objectives),
  };
}

/** When the node has room, as its tasks end by what they say, and how full it is then with the ask. */
function roomOn<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  row: NodeIndex,
  ask: Ask,
  at: number,
): { waitMs: number; utilisation: number } | undefined {
  const ends = occupancy
    .onRow(row)
    .map(({ running }) => ({ running, endsAt: endOf(running) }))
    .sort((a, b) => a.endsAt - b.endsAt || (a.running.attempt < b.running.attempt ? -1 : 1));
  const trial = new Trial(table);
  let waitMs = 0;
  let fits = feasible(table, row, ask);
  for (const { running, endsAt } of ends) {
    if (fits || endsAt >= UNLIMITED) break;
    trial.give(row, running.held, running.gpus);
    waitMs = Math.max(waitMs, endsAt - at, 0);
    fits = feasible(table, row, ask);
  }
  const utilisation = fits ? fullnessAfter(table, row, ask) / SCORE_MAX : 0;
  trial.undo();
  return fits ? { waitMs, utilisation } : undefined;
}

function endOf({ placedAt, task }: Running<Candidate>): number {
  return task.estimateMs === undefined ? UNLIMITED : placedAt + task.estimateMs;
}
