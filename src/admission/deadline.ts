import type { TimeMs } from '../base/units.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Usage } from '../model/scheduling-config.ts';

/** Work that is to be done by a time: what it still holds × how long it is expected to. */
export interface DueWork {
  readonly deadlineAt: TimeMs;
  readonly work: Usage;
}

/**
 * The demand-bound test of EDF admission: by each deadline from the new one on, no more work may be due than
 * all nodes could do until then. Necessary on any number of nodes and, on one processor with work that can
 * be cut anywhere, sufficient. Work without a deadline is not counted: EDF lets it wait.
 */
export function deadlineRefusal(
  asked: DueWork,
  promised: readonly DueWork[],
  capacity: Usage,
  at: TimeMs,
): Refusal | undefined {
  const all = [...promised, asked].sort((a, b) => a.deadlineAt - b.deadlineAt);
  const due = { cpu: 0, memory: 0, gpu: 0 };
  for (const [i, { deadlineAt, work }] of all.entries()) {
    for (const resource of ['cpu', 'memory', 'gpu'] as const) due[resource] += work[resource];
    if (deadlineAt < asked.deadlineAt || all[i + 1]?.deadlineAt === deadlineAt) continue;
    const seconds = Math.max(0, deadlineAt - at) / 1000;
    for (const resource of ['cpu', 'memory', 'gpu'] as const) {
      const possible = Math.floor(capacity[resource] * seconds);
      if (due[resource] <= possible) continue;
      return { code: 'deadline', deadlineAt, resource, due: due[resource], possible };
    }
  }
  return undefined;
}
