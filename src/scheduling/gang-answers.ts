import type { TimeMs } from '../base/units.ts';
import type { Keep } from '../model/preemption.ts';
import type { Refusal } from '../model/refusal.ts';
import type { SchedulingConfig } from '../model/scheduling-config.ts';
import { besideNobody, looksAround, placeOf } from './company.ts';
import { planGang } from './gang.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { Occupancy } from './occupancy.ts';
import { emptyCopy } from './reservations.ts';
import type { Candidate, Gang, Together } from './scheduler.ts';
import type { Shapes } from './shape.ts';

export type GangSchedulerOptions = Partial<
  Pick<SchedulingConfig, 'preemption' | 'reservations' | 'keepAfterMs'>
>;

/** Tasks for which victims are sought in one pass; the others look again when something changes. */
export const SEARCHES_MAX = 16;

/** Waiting tasks that are tried on what is kept for some, in one pass. */
export const HELD_MAX = 100;

/** So many are tried in one pass: the first may not fit on empty nodes any more. */
export const KEEPS_TRIED = 4;

/** Why nobody was stopped for a task in the last pass. */
export interface Unhelped {
  /** Waiting was cheaper, by the costs of this moment; absent where nothing would have helped. */
  readonly waitsAt?: TimeMs;
  readonly until: TimeMs | undefined;
}

/** What should have ended by now is looked at when something else is: time alone does not wake it. */
export const wakesAt = ({ until }: Unhelped, at: TimeMs): TimeMs | undefined =>
  until === undefined || until <= at ? undefined : until;

export const isOutdated = ({ until, waitsAt }: Unhelped, pricedAt: TimeMs, at: TimeMs): boolean =>
  (waitsAt !== undefined && waitsAt !== pricedAt) || (until !== undefined && until <= at);

/** What is cheaper changes as time goes by: it is reckoned again so often at most. */
export const PRICES_MS = 1_000;

/** What keeps a gang out before it is asked whether it has room. */
export const beforeRoom: ReadonlySet<string> = new Set([
  'quota',
  'budget',
  'next-batch',
  'queue-cap',
  'queue-limit',
  'kept-for-others',
  'behind',
]);

/** For a snapshot. */
export interface SavedGangs {
  readonly inner: unknown;
  readonly kept?: Keep;
  readonly owner?: string;
}

/** A limit, a quota or the turn comes before what is kept for others. */
export const lacksRoom = ({ code }: Refusal): boolean =>
  code === 'insufficient' || code === 'constraints' || code === 'reserved-for';

/** Not even on empty nodes: its members grew beyond them after they ran out of memory. */
export function neverFitsWhole(
  table: NodeTable,
  { ask, members, smaller, topology }: Together,
): boolean {
  const alone = { ask: besideNobody(ask), members, smaller, topology };
  return planGang(emptyCopy(table), alone).kind === 'short';
}

export function earlier(a: TimeMs | undefined, b: TimeMs | undefined): TimeMs | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}

/** It needs one seat, whoever is near or far. */
export const isPlain = ({ gang, shape }: Candidate, shapes: Shapes): boolean =>
  gang === undefined && !looksAround(shapes.ask(shape).constraints);

/** Whether a node is where a gang that runs already is kept by its topology. */
export function joins<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  { key, topology }: Gang,
  row: NodeIndex,
): boolean {
  const [other] = occupancy.ofGang(key);
  if (other === undefined || topology === undefined) return true;
  const place = (of: NodeIndex) => {
    const node = table.node(of);
    return node && placeOf(node, topology.label);
  };
  return place(row) === place(other.running.row);
}
