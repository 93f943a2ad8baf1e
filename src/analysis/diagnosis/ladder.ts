import type { ResourceName, Severity } from '../finding.ts';

/** What kind of answer a trouble calls for: the ladder of seed 001, by its names. */
export type StrategyName =
  | 'immediate-cpu-reallocation'
  | 'memory-rebalancing'
  | 'io-optimization'
  | 'comprehensive-rebalancing'
  | 'gradual-resource-adjustment'
  | 'process-priority-optimization'
  | 'monitoring-and-minor-adjustments'
  | 'preventive-optimization';

const atCritical: Partial<Record<ResourceName, StrategyName>> = {
  cpu: 'immediate-cpu-reallocation',
  memory: 'memory-rebalancing',
  io: 'io-optimization',
};

export function strategyFor(severity: Severity, resource: ResourceName): StrategyName {
  switch (severity) {
    case 'critical':
      return atCritical[resource] ?? 'comprehensive-rebalancing';
    case 'high':
      return resource === 'cpu' || resource === 'memory'
        ? 'gradual-resource-adjustment'
        : 'process-priority-optimization';
    case 'moderate':
      return 'monitoring-and-minor-adjustments';
    default:
      return 'preventive-optimization';
  }
}
