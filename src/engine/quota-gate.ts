import { chargeOf } from '../admission/charge.ts';
import type { HeldSpan, QuotaBook } from '../admission/quota.ts';
import { UNLIMITED } from '../base/units.ts';
import type { StartGate } from '../scheduling/scheduler.ts';
import { type AttemptRecord, runMaxOf, type TaskRecord } from './records.ts';

/** What an attempt holds, as quotas charge it. */
export function spanOf({ task, placement, placedAt, live }: AttemptRecord): HeldSpan {
  const { queue, tenant } = task;
  // What it held before an adjustment was charged when it was made.
  const since = live?.before.at(-1)?.until ?? placedAt;
  const most = runMaxOf(task);
  const runMaxMs = most === UNLIMITED ? most : Math.max(0, most - (since - placedAt));
  return { queue, tenant, request: placement.held, placedAt: since, runMaxMs };
}

/** Quotas as the scheduler asks them. */
export function quotaGate(quotas: QuotaBook): StartGate<TaskRecord> {
  return {
    governs: (queue, tenant) => quotas.governs(queue, tenant),
    kindOf: runMaxOf,
    refusal: (task, request, at) => {
      const { queue, tenant } = task;
      const most = chargeOf(request, runMaxOf(task));
      return quotas.startRefusal({ queue, tenant, request, most }, at);
    },
    nextChange: (at) => quotas.nextChange(at),
  };
}
