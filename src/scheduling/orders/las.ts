import type { TimeMs } from '../../base/units.ts';
import type { OrderConfig } from '../../model/scheduling-config.ts';
import { attainedAt } from '../attained.ts';
import { defineOrder } from '../order.ts';
import type { Candidate } from '../scheduler.ts';

/** Above every age. */
const LEVEL = 2 ** 40;

/**
 * Two-dimensional least attained service with discretised queues (Tiresias, Gu et al. 2019): the service
 * of a workload is devices × time, that of its running attempts included; within a level the first submitted
 * goes first.
 */
export const las = defineOrder({
  name: 'las',
  what: 'The workload that was served least, in a few levels; within a level, the oldest.',
  rule: (config) => ({
    taskClass: (task, at) => levelOf(task, at, config),
    classShifts: true,
    heapRank: () => 0,
    headRank: (task, at) => {
      const waitedMs = at - task.waitingSince;
      const starves =
        config.starvationFactor > 0 &&
        waitedMs >= config.starvationFactor * servedSeconds(task, at) * 1000;
      return (starves ? 0 : levelOf(task, at, config)) * LEVEL + task.age;
    },
  }),
});

function levelOf(task: Candidate, at: TimeMs, { levelsAtSeconds }: OrderConfig): number {
  const served = servedSeconds(task, at);
  const level = levelsAtSeconds.findIndex((seconds) => served < seconds);
  return level < 0 ? levelsAtSeconds.length : level;
}

/** GPU-seconds; of a workload without GPUs, CPU-seconds. */
function servedSeconds(task: Candidate, at: TimeMs): number {
  const { cpu, gpu } = attainedAt(task, at);
  return Math.floor((gpu > 0 ? gpu : cpu) / 1000);
}
