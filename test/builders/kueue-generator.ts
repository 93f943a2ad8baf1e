const set = (
  name: string,
  count: number,
  everyMs: number,
  runMs: number,
  priority: number,
  cores: number,
): string => `
    - count: ${count}
      creationIntervalMs: ${everyMs}
      workloads:
      - className: ${name}
        runtimeMs: ${runMs}
        priority: ${priority}
        request: ${cores}`;

/** The parameters of Kueue's performance test `baseline`, of which results are published. */
export const baselineGenerator = `cohorts:
- className: cohort
  count: 5
  queuesSets:
  - className: cq
    count: 6
    # Of each queue, in cores.
    nominalQuota: 20
    borrowingLimit: 100
    reclaimWithinCohort: Any
    withinClusterQueue: LowerPriority
    workloadsSets:${set('small', 350, 100, 200, 50, 1)}${set('medium', 100, 500, 500, 100, 5)}${set('large', 50, 1_200, 1_000, 200, 20)}
`;
