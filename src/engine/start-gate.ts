import type { QuotaBook } from '../admission/quota.ts';
import type { StartGate } from '../scheduling/scheduler.ts';
import type { Money } from './money.ts';
import { quotaGate } from './quota-gate.ts';
import { runMaxOf, type TaskRecord } from './records.ts';

/** A step of a workload with limits of its own: no two of them have the same number, and all are below 0. */
const STEPS_MAX = 100_000;

/** Quotas and money as the scheduler asks them; undefined where neither can ever refuse. */
export function startGate(
  quotas: QuotaBook | undefined,
  money: Money,
): StartGate<TaskRecord> | undefined {
  const byQuota = quotas && quotaGate(quotas);
  if (!money.isKnown) return byQuota;
  return {
    // Any workload may have a limit of its own.
    governs: () => true,
    kindOf: (task) => {
      const { workload, index } = task.step;
      return money.limits(workload) ? -(workload.number * STEPS_MAX + index + 1) : runMaxOf(task);
    },
    refusal: (task, request, at) =>
      byQuota?.refusal(task, request, at) ?? money.refusal(task, request, at),
    nextChange: (at) => {
      const ofQuotas = byQuota?.nextChange(at);
      const ofBudgets = money.book.nextChange(at);
      if (ofQuotas === undefined || ofBudgets === undefined) return ofQuotas ?? ofBudgets;
      return ofQuotas < ofBudgets ? ofQuotas : ofBudgets;
    },
  };
}
