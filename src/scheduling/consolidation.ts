import type { TimeMs } from '../base/units.ts';
import type { AttemptId, NodeId } from '../model/ids.ts';
import type { Resources } from '../model/resources.ts';
import { evictionCost, heldWeight } from './eviction-cost.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { Occupancy, Occupant } from './occupancy.ts';
import { feasible } from './place.ts';
import type { Candidate } from './scheduler.ts';
import type { Ask } from './shape.ts';
import { Trial } from './trial.ts';

export interface Move {
  readonly attempt: AttemptId;
  readonly from: NodeId;
  readonly to: NodeId;
  /** What stopping it here and starting it there costs, in milli-GPU seconds. */
  readonly cost: number;
}

/** Moves in an order in which each finds its place once those before it are done: so it may be done gradually. */
export interface ConsolidationPlan {
  readonly node: NodeId;
  readonly moves: readonly Move[];
  /** What can be used that could not be before, in milli-GPU; more than all that is moved. */
  readonly gained: number;
  readonly moved: number;
  readonly cost: number;
}

export interface ConsolidationAsk<T extends Candidate> {
  readonly at: TimeMs;
  readonly movesMax: number;
  /** Some may be stopped for others and yet are not to be moved. */
  readonly mayMove: (occupant: Occupant<T>) => boolean;
  /** What it asks for, with its constraints; what it holds, when not given. */
  readonly askOf?: (occupant: Occupant<T>) => Ask;
}

/**
 * Moves that make room for one request that fits nowhere: on the node where they cost least. Undefined when
 * there are none, or when more would be moved than is gained.
 */
export function planRoom<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  request: Resources,
  ask: ConsolidationAsk<T>,
): ConsolidationPlan | undefined {
  let best: ConsolidationPlan | undefined;
  for (let row = 0; row < table.rows; row++) {
    if (table.node(row) === undefined) continue;
    if (table.fits(row, request)) return undefined;
    const leaving = smallestLeaving(table, occupancy, row, request, ask);
    const plan = leaving && relocate(table, row, leaving, heldWeight(request), ask, request);
    if (plan === undefined || plan.moves.length > ask.movesMax) continue;
    if (best === undefined || plan.cost < best.cost) best = plan;
  }
  return best !== undefined && best.moved < best.gained ? best : undefined;
}

/** Moves that empty a node, so that it can be used whole, serviced or switched off. */
export function planEmptying<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  row: NodeIndex,
  ask: ConsolidationAsk<T>,
): ConsolidationPlan | undefined {
  const leaving = occupancy.onRow(row).toSorted(bySize);
  if (leaving.length === 0 || leaving.length > ask.movesMax) return undefined;
  if (!leaving.every((occupant) => ask.mayMove(occupant))) return undefined;
  const node = table.node(row)!;
  const whole = { cpu: node.cpu, memory: node.memory, gpu: table.gpuCapacity(row), custom: [] };
  const plan = relocate(table, row, leaving, heldWeight(whole as unknown as Resources), ask);
  return plan !== undefined && plan.moved < plan.gained ? plan : undefined;
}

/** The node with the least on it that can be emptied. */
export function emptiest<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  ask: ConsolidationAsk<T>,
): ConsolidationPlan | undefined {
  let best: ConsolidationPlan | undefined;
  for (let row = 0; row < table.rows; row++) {
    if (table.node(row) === undefined) continue;
    const plan = planEmptying(table, occupancy, row, ask);
    if (plan === undefined) continue;
    if (best === undefined || plan.cost < best.cost) best = plan;
  }
  return best;
}

function smallestLeaving<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  row: NodeIndex,
  request: Resources,
  { at, mayMove }: ConsolidationAsk<T>,
): Occupant<T>[] | undefined {
  const trial = new Trial(table);
  const give = ({ running }: Occupant<T>): void => trial.give(row, running.held, running.gpus);
  const movable = occupancy
    .onRow(row)
    .filter((occupant) => !occupant.stopping && mayMove(occupant))
    .sort((a, b) => evictionCost(a.running, at) - evictionCost(b.running, at) || bySize(a, b));
  const leaving: Occupant<T>[] = [];
  for (const occupant of movable) {
    if (table.fits(row, request)) break;
    give(occupant);
    leaving.push(occupant);
  }
  const fits = table.fits(row, request);
  for (let i = leaving.length - 2; fits && i >= 0; i--) {
    const { running } = leaving[i]!;
    trial.take(row, running.held, running.gpus);
    if (table.fits(row, request)) leaving.splice(i, 1);
    else give(leaving[i]!);
  }
  trial.undo();
  return fits ? leaving.sort(bySize) : undefined;
}

/** Finds each a place elsewhere, the largest first, on the node that is then fullest. */
function relocate<T extends Candidate>(
  table: NodeTable,
  from: NodeIndex,
  leaving: readonly Occupant<T>[],
  gained: number,
  { at, askOf }: ConsolidationAsk<T>,
  request?: Resources,
): ConsolidationPlan | undefined {
  const trial = new Trial(table);
  const moves: Move[] = [];
  let [moved, cost] = [0, 0];
  for (const occupant of leaving) {
    const { running } = occupant;
    const ask = askOf?.(occupant) ?? running.held;
    const to = fullest(table, ask, from);
    if (to === undefined) break;
    trial.place(to, ask);
    trial.give(from, running.held, running.gpus);
    const price = evictionCost(running, at);
    const nodes = { from: table.node(from)!.id, to: table.node(to)!.id };
    moves.push({ attempt: running.attempt, ...nodes, cost: price });
    moved += heldWeight(running.held);
    cost += price;
  }
  const serves = request === undefined || table.fits(from, request);
  const node = table.node(from)!.id;
  trial.undo();
  if (moves.length < leaving.length || !serves) return undefined;
  return { node, moves, gained, moved, cost };
}

function fullest(table: NodeTable, ask: Ask, not: NodeIndex): NodeIndex | undefined {
  let best: NodeIndex | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let row = 0; row < table.rows; row++) {
    if (row === not || !feasible(table, row, ask)) continue;
    const free = {
      cpu: table.freeCpu(row),
      memory: table.freeMemory(row),
      gpu: table.freeGpuSum(row),
      custom: [],
    };
    const weight = heldWeight(free as unknown as Resources);
    // An empty node is not begun for the sake of emptying another.
    if (weight < least && !isEmpty(table, row)) [best, least] = [row, weight];
  }
  return best;
}

function isEmpty(table: NodeTable, row: NodeIndex): boolean {
  const node = table.node(row)!;
  const devices = table.freeGpuSum(row) === table.gpuCapacity(row);
  return devices && table.freeCpu(row) === node.cpu && table.freeMemory(row) === node.memory;
}

function bySize(a: Occupant<Candidate>, b: Occupant<Candidate>): number {
  const [x, y] = [a.running, b.running];
  return heldWeight(y.held) - heldWeight(x.held) || (x.attempt < y.attempt ? -1 : 1);
}
