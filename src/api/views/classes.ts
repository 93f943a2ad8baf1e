import type { TimeMs } from '../../base/units.ts';
import { describeScheduling } from '../../engine/describe-scheduling.ts';
import type { State } from '../../engine/state.ts';
import { qosClasses } from '../../model/qos.ts';
import type { ClassList } from '../contract/queue-documents.ts';
import { resourcesDocument } from './resources.ts';

const WHOLE = 10_000;

/** The classes of the site, the most important class of service first. */
export function classList(state: State, now: TimeMs): ClassList {
  const { classes = [], qos, eviction } = state.classes;
  const { reservations } = describeScheduling(state, now);
  const counts = tasksByClass(state);
  return {
    classes: classes.map(({ name, priority, preemptible, multiplier }) => {
      const kept = reservations.find(({ reservation }) =>
        reservation.selector.classes?.includes(name),
      );
      return {
        name,
        priority,
        preemptible: preemptible ?? null,
        multiplier_ratio: ratio(multiplier) ?? 1,
        guaranteed: kept === undefined ? null : resourcesDocument(kept.reservation.amount),
        ...(counts.get(name) ?? { waiting: 0, running: 0 }),
      };
    }),
    service_classes: qosClasses.toReversed().map((name) => {
      const terms = qos?.[name];
      return {
        name,
        guarantee_ratio: ratio(terms?.guarantee),
        burst_ratio: ratio(terms?.burst),
        preemption_priority: terms?.preemptionPriority ?? null,
        network_priority: terms?.networkPriority ?? null,
        eviction_threshold: eviction?.thresholds[name] ?? null,
      };
    }),
  };
}

const ratio = (basisPoints: number | undefined): number | null =>
  basisPoints === undefined ? null : basisPoints / WHOLE;

function tasksByClass(state: State) {
  const counts = new Map<string, { waiting: number; running: number }>();
  for (const { spec, steps, state: is } of state.workloads()) {
    if (spec.class === undefined || is !== 'active') continue;
    const { name } = spec.class;
    const sum = counts.get(name) ?? { waiting: 0, running: 0 };
    counts.set(name, sum);
    for (const step of steps) {
      sum.waiting += step.counts.waiting;
      sum.running += step.counts.running;
    }
  }
  return counts;
}
