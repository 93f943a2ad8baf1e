import type { TimeMs } from '../../base/units.ts';
import { describeScheduling } from '../../engine/describe-scheduling.ts';
import type { State } from '../../engine/state.ts';
import type { ReservationList } from '../contract/queue-documents.ts';
import { resourcesDocument } from './resources.ts';

/** What is kept, for whom, when and where. */
export function reservationList(state: State, now: TimeMs): ReservationList {
  const { reservations } = describeScheduling(state, now);
  return {
    now,
    reservations: reservations.map(({ reservation, parts, isOpen, changesAt }) => {
      const { name, selector, amount, duration } = reservation;
      return {
        name,
        for: {
          pipelines: selector.pipelines === undefined ? null : [...selector.pipelines],
          queues: selector.queues === undefined ? null : [...selector.queues],
          tenants: selector.tenants === undefined ? null : [...selector.tenants],
          classes: selector.classes === undefined ? null : [...selector.classes],
        },
        amount: resourcesDocument(amount),
        parts: reservation.parts,
        lent_below: reservation.lentBelow ?? null,
        unbound: reservation.parts - parts.length,
        nodes: parts.map(({ node, used }) => ({ node, used: resourcesDocument(used) })),
        window:
          duration.kind === 'always'
            ? null
            : {
                start_ms: duration.startMs,
                end_ms: duration.endMs,
                zone: duration.zone.name,
              },
        open: isOpen,
        changes_at: changesAt ?? null,
      };
    }),
  };
}
