import type { TimeMs } from '../../base/units.ts';
import type { MoveRecord } from '../../engine/live-changes.ts';
import type { State } from '../../engine/state.ts';
import type { RebalancePlan } from '../../model/live-change.ts';
import type { RebalanceDocument } from '../contract/rebalance-documents.ts';

/** What is in force, or `planned`, which is not. */
export function rebalanceDocument(
  state: State,
  now: TimeMs,
  planned?: RebalancePlan,
): RebalanceDocument {
  const { rebalance, moves } = state.live;
  const plan = planned ?? rebalance?.plan;
  return {
    now,
    plan: plan === undefined ? null : planDocument(plan),
    started: planned === undefined && rebalance !== undefined,
    done: planned === undefined ? (rebalance?.done ?? 0) : 0,
    ended: moves.map(endedDocument).toReversed(),
  };
}

function planDocument(plan: RebalancePlan): NonNullable<RebalanceDocument['plan']> {
  const moves = plan.moves.map(({ cores, ...move }) => ({
    ...move,
    ...(cores && { cores: [...cores] }),
  }));
  return { ...plan, moves };
}

const endedDocument = ({ at, move, outcome }: MoveRecord) => ({
  at,
  attempt: move.attempt,
  outcome,
});
