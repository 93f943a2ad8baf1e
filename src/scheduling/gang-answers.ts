import type { TimeMs } from '../base/units.ts';
import type { Keep } from '../model/preemption.ts';
import type { Refusal } from '../model/refusal.ts';
import { placeOf } from './company.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { Occupancy } from './occupancy.ts';
import type { Candidate, Gang } from './scheduler.ts';

/** What keeps a gang out before it is asked whether it has room. */
export const beforeRoom: ReadonlySet<string> = new Set([
  'quota',
  'budget',
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

export function earlier(a: TimeMs | undefined, b: TimeMs | undefined): TimeMs | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}

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
