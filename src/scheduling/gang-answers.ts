import type { TimeMs } from '../base/units.ts';
import type { Keep } from '../model/preemption.ts';
import type { Refusal } from '../model/refusal.ts';

/** What keeps a gang out before it is asked whether it has room. */
export const beforeRoom: ReadonlySet<string> = new Set([
  'quota',
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
