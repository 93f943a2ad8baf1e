import type { BasisPoints } from '../../src/base/units.ts';
import { type QueueConfig, queueConfig } from '../../src/model/scheduling-config.ts';

/** Production, research and best effort by 60 : 30 : 10, with their children. */
export const productionResearchBestEffort: readonly QueueConfig[] = [
  queueConfig('production', {
    weight: 6000,
    priority: 100,
    reclaim: 'enabled',
    children: [
      queueConfig('ml_serving', { weight: 7000 }),
      queueConfig('batch_inference', { weight: 3000 }),
    ],
  }),
  queueConfig('research', {
    weight: 3000,
    priority: 50,
    reclaim: 'disabled',
    children: [
      queueConfig('model_training', { weight: 8000 }),
      queueConfig('experimentation', { weight: 2000 }),
    ],
  }),
  queueConfig('best_effort', { weight: 1000, priority: 10, reclaim: 'always' }),
];

export const bp = (n: number): BasisPoints => n as BasisPoints;
