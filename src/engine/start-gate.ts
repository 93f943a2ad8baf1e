import type { QuotaBook } from '../admission/quota.ts';
import type { StorageBook } from '../admission/storage-book.ts';
import type { StartGate } from '../scheduling/scheduler.ts';
import type { Money } from './money.ts';
import { quotaGate } from './quota-gate.ts';
import { runMaxOf, type TaskRecord } from './records.ts';

/** A step of a workload with limits of its own: no two of them have the same number, and all are below 0. */
const STEPS_MAX = 100_000;

/** Quotas, storage and money as the scheduler asks them; undefined where none of them can ever refuse. */
export function startGate(
  quotas: QuotaBook | undefined,
  money: Money,
  storage: StorageBook | undefined,
): StartGate<TaskRecord> | undefined {
  const byQuota = gateOf(quotas && quotaGate(quotas), storage);
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

/** What a tenant keeps is the same for all of its tasks; a measurement wakes them by itself. */
function gateOf(
  byQuota: StartGate<TaskRecord> | undefined,
  storage: StorageBook | undefined,
): StartGate<TaskRecord> | undefined {
  if (storage === undefined) return byQuota;
  return {
    governs: (queue, tenant) => storage.governs(tenant) || byQuota?.governs(queue, tenant) === true,
    kindOf: (task) => byQuota?.kindOf(task) ?? 0,
    refusal: (task, request, at) =>
      byQuota?.refusal(task, request, at) ?? storage.refusal(task.tenant),
    nextChange: (at) => byQuota?.nextChange(at),
  };
}
