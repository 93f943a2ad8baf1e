import type { BatchAsk, QueueBatches } from '../admission/queue-batches.ts';
import type { QuotaBook } from '../admission/quota.ts';
import type { StorageBook } from '../admission/storage-book.ts';
import type { TimeMs } from '../base/units.ts';
import type { GateKind, StartGate } from '../scheduling/scheduler.ts';
import type { Money } from './money.ts';
import { quotaGate } from './quota-gate.ts';
import { attemptsOf, readySince, runMaxOf, type TaskRecord } from './records.ts';

/** A step of a workload with limits of its own: no two of them have the same number, and all are below 0. */
const STEPS_MAX = 100_000;

/** What may keep tasks from starting although there is room. */
export interface Gates {
  readonly quotas: QuotaBook | undefined;
  readonly storage: StorageBook | undefined;
  readonly money: Money;
  readonly batches: QueueBatches;
}

/** Quotas, storage, money and batches as the scheduler asks them; undefined where none can ever refuse. */
export function startGate(all: Gates): StartGate<TaskRecord> | undefined {
  const { quotas, storage, money, batches } = all;
  const gates: StartGate<TaskRecord>[] = [];
  if (quotas !== undefined) gates.push(quotaGate(quotas));
  if (storage !== undefined) gates.push(storageGate(storage));
  if (money.isKnown) gates.push(moneyGate(money));
  if (!batches.isEmpty) gates.push(batchGate(batches));
  const [first] = gates;
  if (first === undefined || gates.length === 1) return first;
  return {
    governs: (queue, tenant) => gates.some((gate) => gate.governs(queue, tenant)),
    kindOf: (task) => kindOfAll(gates.map((gate) => gate.kindOf(task))),
    refusal: (task, request, at) => {
      for (const gate of gates) {
        const refusal = gate.refusal(task, request, at);
        if (refusal !== undefined) return refusal;
      }
      return undefined;
    },
    nextChange: (at) => earliest(gates.map((gate) => gate.nextChange(at))),
  };
}

function moneyGate(money: Money): StartGate<TaskRecord> {
  return {
    // Any workload may have a limit of its own.
    governs: () => true,
    kindOf: (task) => {
      const { workload, index } = task.step;
      return money.limits(workload) ? -(workload.number * STEPS_MAX + index + 1) : runMaxOf(task);
    },
    refusal: (task, request, at) => money.refusal(task, request, at),
    nextChange: (at) => money.book.nextChange(at),
  };
}

/** What a tenant keeps is the same for all of its tasks; a measurement wakes them by itself. */
function storageGate(storage: StorageBook): StartGate<TaskRecord> {
  return {
    governs: (_, tenant) => storage.governs(tenant),
    kindOf: () => 0,
    refusal: (task) => storage.refusal(task.tenant),
    nextChange: () => undefined,
  };
}

function batchGate(batches: QueueBatches): StartGate<TaskRecord> {
  return {
    governs: (queue) => batches.governs(queue),
    kindOf: batchKindOf,
    refusal: (task, _, at) =>
      startsInBatches(task) ? batches.refusal(batchAskOf(task), at) : undefined,
    nextChange: (at) => batches.nextChange(at),
  };
}

/** Of tasks of one queue, those with the same text are of the same batch. */
export const batchKindOf = (task: TaskRecord): string =>
  startsInBatches(task) ? (task.step.batchKind ?? '') : 'none';

/** One that tries again has had its turn; replicas and leases are for somebody who waits for them. */
export function startsInBatches(task: TaskRecord): boolean {
  const { kind } = task.step.workload.spec;
  return attemptsOf(task) === 0 && kind !== 'service' && kind !== 'lease';
}

function batchAskOf({ queue, step, gang }: TaskRecord): BatchAsk {
  const missing = gang === undefined ? 1 : Math.max(1, gang.min - gang.alive);
  return { queue, since: readySince(step), count: missing };
}

/** Two of which one is the same for all need not be told apart by it. */
const kindOfAll = (kinds: readonly GateKind[]): GateKind => kinds.join('/');

function earliest(times: readonly (TimeMs | undefined)[]): TimeMs | undefined {
  let first: TimeMs | undefined;
  for (const at of times) if (at !== undefined && (first === undefined || at < first)) first = at;
  return first;
}
