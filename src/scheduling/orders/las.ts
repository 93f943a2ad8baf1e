import type { OrderConfig } from '../../model/scheduling-config.ts';
import { defineOrder } from '../order.ts';
import type { Candidate } from '../scheduler.ts';

/** Above every age. */
const LEVEL = 2 ** 40;

/**
 * Two-dimensional least attained service with discretised queues (Tiresias, Gu et al. 2019): the service
 * of a workload is devices × time of its ended attempts; within a level the first submitted goes first.
 */
export const las = defineOrder({
  name: 'las',
  what: 'The workload that was served least, in a few levels; within a level, the oldest.',
  rule: (config) => ({
    taskClass: (task) => levelOf(task, config),
    classShifts: true,
    heapRank: () => 0,
    headRank: (task, at) => {
      const waitedMs = at - task.waitingSince;
      const starves =
        config.starvationFactor > 0 &&
        waitedMs >= config.starvationFactor * servedSeconds(task) * 1000;
      return (starves ? 0 : levelOf(task, config)) * LEVEL + task.age;
    },
  }),
});

function levelOf(task: Candidate, { levelsAtSeconds }: OrderConfig): number {
  const served = servedSeconds(task);
  const level = levelsAtSeconds.findIndex((at) => served < at);
  return level < 0 ? levelsAtSeconds.length : level;
}

/** GPU-seconds; of a workload without GPUs, CPU-seconds. */
function servedSeconds({ attained }: Candidate): number {
  return Math.floor((attained.gpu > 0 ? attained.gpu : attained.cpu) / 1000);
}
