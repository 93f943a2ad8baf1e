import type { AutoscalingTerms, MetricTerms } from '../../src/model/autoscaling.ts';
import { span } from './service.ts';

export const cpu = (percent: number): MetricTerms => ({ kind: 'cpu', target: percent * 1_000 });
export const memory = (percent: number): MetricTerms => ({
  kind: 'memory',
  target: percent * 1_000,
});
export const depth = (tasks: number, queue = 'default'): MetricTerms => ({
  kind: 'queue-depth',
  queue: queue as never,
  target: tasks * 1_000,
});

/** At 70 % of the CPU, 2 to 20 replicas, +2 in 60 s, -1 in 300 s. */
export const scalingTerms = (changes: Partial<AutoscalingTerms> = {}): AutoscalingTerms => ({
  metrics: [cpu(70)],
  minReplicas: 2,
  maxReplicas: 20,
  up: { replicas: 2, cooldownMs: span(60_000) },
  down: { replicas: 1, cooldownMs: span(300_000) },
  ...changes,
});
