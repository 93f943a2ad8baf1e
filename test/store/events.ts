import { timeMs } from '../../src/base/units.ts';
import type { AttemptId, WorkloadId } from '../../src/model/ids.ts';
import type { Event } from '../../src/model/messages.ts';

export const retired = (workload: number, at = 1000): Event => ({
  kind: 'workload-retired',
  at: timeMs(at),
  workload: String(workload) as WorkloadId,
});

/** A batch whose every event says to which batch it belongs, where in it, and how long that is. */
export function markedBatch(batch: number, size: number): Event[] {
  return Array.from({ length: size }, (_, index) => ({
    kind: 'task-started',
    at: timeMs(batch),
    attempt: `${batch}.of-${size}.${index}.1` as AttemptId,
    pid: 1,
  }));
}

/** Throws unless the events are whole batches, each once, numbered from `first` without a gap. */
export function countMarkedBatches(events: Iterable<Event>, first: number): number {
  let batch = first;
  let index = 0;
  for (const event of events) {
    if (event.kind !== 'task-started') throw new Error(`a stray ${event.kind}`);
    const [number, of, position] = event.attempt.split('.');
    if (Number(number) !== batch || Number(position) !== index) {
      throw new Error(`batch ${batch}, event ${index} expected, found ${event.attempt}`);
    }
    index++;
    if (index === Number(of?.slice('of-'.length))) {
      batch++;
      index = 0;
    }
  }
  if (index !== 0) throw new Error(`batch ${batch} has only ${index} events`);
  return batch - first;
}
