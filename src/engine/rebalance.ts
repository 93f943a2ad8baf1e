import type { TimeMs } from '../base/units.ts';
import type { MoveOutcome, RebalancePlan } from '../model/live-change.ts';
import type { Command, Event } from '../model/messages.ts';
import type { Refusal } from '../model/refusal.ts';
import { feasible } from '../scheduling/place.ts';
import { allocationView } from './allocation-view.ts';
import { endedBadly, type Rebalance } from './live-changes.ts';
import { placedOn } from './placement.ts';
import { currentAttempt, startsMore, type TaskRecord } from './records.ts';
import { mayHave, planRepin } from './repin.ts';
import type { State } from './state.ts';

type Ask = Extract<Command, { kind: 'rebalance' }>;

/** One at a time. */
export function decideRebalance(
  state: State,
  { at, movesMax, settleMs }: Ask,
): { readonly event: Event } | { readonly refusal: Refusal } {
  const { rebalance } = state.live;
  if (rebalance !== undefined) {
    return { refusal: { code: 'rebalancing', node: rebalance.plan.node } };
  }
  const plan = planRebalance(state, at, movesMax);
  if (plan === undefined) return { refusal: { code: 'no-gain', movesMax } };
  return { event: { kind: 'rebalance-started', at, plan, settleMs } };
}

/** Moves to other nodes where they gain more than they move, else to other CPUs of one node. */
export function planRebalance(
  state: State,
  at: TimeMs,
  movesMax: number,
): RebalancePlan | undefined {
  const found = allocationView(state, { at, measurements: [], movesMax }).consolidation;
  if (found === undefined) return planRepin(state, movesMax);
  const { node, gained, moved, cost } = found;
  const moves = found.moves.map(({ attempt, from, to }) => ({ attempt, from, to }));
  return { node, moves, gained, moved, cost };
}

/**
 * The next step of a rebalance in force: a move is a stop, a start elsewhere, and a time in which neither the
 * task nor anybody on its new node may fail; a move that does not go well is taken back, and is the last.
 */
export function nextMove(state: State, at: TimeMs): Event | undefined {
  const { rebalance } = state.live;
  if (rebalance === undefined) return undefined;
  const { plan, done, current } = rebalance;
  if (current === undefined) {
    const move = plan.moves[done]!;
    const attempt = state.attempt(move.attempt);
    const free = state.table.rowOf(move.to) !== undefined;
    if (attempt === undefined || attempt.end !== undefined || attempt.stop !== undefined || !free) {
      return { kind: 'move-ended', at, move, outcome: 'ended' };
    }
    if (move.cores !== undefined && !mayHave(state, attempt, move.cores)) {
      return { kind: 'move-ended', at, move, outcome: 'no-room' };
    }
    return { kind: 'move-ordered', at, move };
  }
  if (current.move.cores !== undefined) return nextRepin(state, rebalance, at);
  const { move, phase } = current;
  const task = state.attempt(move.attempt)?.task;
  const over = (outcome: MoveOutcome): Event => ({ kind: 'move-ended', at, move, outcome });
  if (task === undefined || !lives(task)) return over(phase === 'back' ? 'rolled-back' : 'ended');
  if (task.state === 'waiting') return placed(state, rebalance, task, at) ?? over(missed(phase));
  if (task.state !== 'running') return undefined;
  const attempt = currentAttempt(task)!;
  if (attempt.id === move.attempt || attempt.stop !== undefined) return undefined;
  if (phase === 'back') return over('rolled-back');
  // Its own attempt over there failed, and it was placed again by its retry.
  const tries = attempt.number - (state.attempt(move.attempt)?.number ?? 0);
  if (attempt.placement.node !== move.to) return over('rolled-back');
  if (current.failedBeside || tries > 1) return { kind: 'move-ordered', at, move };
  return settledAt(state, rebalance) === undefined || at < settledAt(state, rebalance)!
    ? undefined
    : over('stable');
}

/** A move to other CPUs is made at once, and is to go well for as long. */
function nextRepin(state: State, rebalance: Rebalance, at: TimeMs): Event | undefined {
  const { move, phase, failedBeside, former } = rebalance.current!;
  const over = (outcome: MoveOutcome): Event => ({ kind: 'move-ended', at, move, outcome });
  const attempt = state.attempt(move.attempt);
  if (phase === 'back') return over('rolled-back');
  if (attempt === undefined) return over('ended');
  // Where it failed itself, nothing more is moved either.
  if (attempt.end !== undefined) return over(endedBadly(attempt.end) ? 'rolled-back' : 'ended');
  if (failedBeside) {
    return mayHave(state, attempt, former) ? { kind: 'move-ordered', at, move } : over('no-room');
  }
  return at < settledAt(state, rebalance)! ? undefined : over('stable');
}

/** When the move in force will have gone well, if nothing happens; undefined before its task runs again. */
export function settledAt(state: State, { current, settleMs }: Rebalance): TimeMs | undefined {
  if (current === undefined) return undefined;
  if (current.move.cores !== undefined) return (current.orderedAt + settleMs) as TimeMs;
  const task = state.attempt(current.move.attempt)?.task;
  const attempt = task && currentAttempt(task);
  if (attempt === undefined || attempt.id === current.move.attempt) return undefined;
  if (attempt.startedAt === undefined || attempt.end !== undefined) return undefined;
  return (attempt.startedAt + settleMs) as TimeMs;
}

const missed = (phase: 'out' | 'back'): MoveOutcome =>
  phase === 'out' ? 'no-room' : 'rolled-back';

const lives = ({ state, step }: TaskRecord): boolean =>
  state === 'running' || ((state === 'waiting' || state === 'resting') && startsMore(step));

/** On the node that it is for; where that has no room any more, it waits as others do. */
function placed(
  state: State,
  { current }: Rebalance,
  task: TaskRecord,
  at: TimeMs,
): Event | undefined {
  const { table, shapes, scheduler } = state;
  const { move, phase } = current!;
  const failed = task.attempts.at(-1)!.id !== move.attempt;
  const node = phase === 'back' || failed ? move.from : move.to;
  const row = table.rowOf(node);
  const ask = shapes.ask(task.shape);
  if (row === undefined || !feasible(table, row, ask)) return undefined;
  if (scheduler.mayGrow?.(task, shapes.request(task.shape), at) !== undefined) return undefined;
  const gpus = table.chooseGpus(row, ask.gpu, ask).map(({ id }) => id);
  return placedOn(state, { task, row, gpus }, at);
}
