import type { RebalancePlan } from '../model/live-change.ts';
import type { Node } from '../model/node.ts';
import { chooseCores } from '../scheduling/core-choice.ts';
import { pinsCores } from './pinned-cores.ts';
import type { AttemptRecord } from './records.ts';
import type { State } from './state.ts';

/**
 * The node where most tasks with cores of their own have them on more NUMA nodes than they need. Each move is to
 * other CPUs of the same node, and none is stopped for it. Undefined where all is well. Of a node whose CPUs are
 * not known, nothing is. Tasks without cores of their own are kept off those of others as they run: see `CoreKeeper`.
 */
export function planRepin(state: State, movesMax: number): RebalancePlan | undefined {
  let best: RebalancePlan | undefined;
  for (const node of state.nodes()) {
    const found = repinsOf(state, node).slice(0, movesMax);
    const gained = found.reduce((sum, one) => sum + one.gained, 0);
    if (gained === 0 || (best !== undefined && gained <= best.gained)) continue;
    const moves = found.map(({ attempt: { id }, cores }) => ({
      attempt: id,
      from: node.id,
      to: node.id,
      cores,
    }));
    best = { node: node.id, moves, gained, moved: moves.length, cost: 0 };
  }
  return best;
}

interface Repin {
  readonly attempt: AttemptRecord;
  readonly cores: readonly number[];
  /** NUMA nodes that are not needed any more. */
  readonly gained: number;
}

/** At most one: it changes what is free for the next. */
function repinsOf(state: State, node: Node): Repin[] {
  const { cpus } = node;
  if (cpus === undefined) return [];
  const taken = state.parts.cores.on(node.id);
  const numaOf = new Map(cpus.map(({ id, numa }) => [id, numa]));
  const nodesOf = (cores: readonly number[]) => new Set(cores.map((id) => numaOf.get(id))).size;
  for (const attempt of runningOn(state, node)) {
    const own = attempt.placement.cores;
    if (own === undefined || !pinsCores(attempt.task.step.spec)) continue;
    const others = new Set([...taken].filter((id) => !own.includes(id)));
    const cores = chooseCores(cpus, others, own.length);
    const gained = cores === undefined ? 0 : nodesOf(own) - nodesOf(cores);
    if (gained > 0) return [{ attempt, cores: cores!, gained }];
  }
  return [];
}

function* runningOn(state: State, { id }: Node): Iterable<AttemptRecord> {
  for (const attempt of state.runningAttempts()) {
    if (attempt.placement.node !== id || attempt.stop !== undefined) continue;
    if (attempt.startedAt === undefined || attempt.task.step.spec.run.kind === 'held') continue;
    yield attempt;
  }
}

/** Whether it may have these CPUs now; undefined stands for all of them. */
export function mayHave(
  state: State,
  { placement, task }: AttemptRecord,
  cores: readonly number[] | undefined,
): boolean {
  const others = new Set(state.parts.cores.on(placement.node));
  const pins = pinsCores(task.step.spec);
  if (pins) for (const id of placement.cores ?? []) others.delete(id);
  if (cores === undefined) return !pins;
  return cores.every((id) => !others.has(id));
}
