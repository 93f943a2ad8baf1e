import type { TimeMs } from '../../base/units.ts';
import { newWorkload } from '../../engine/new-records.ts';
import type { QueueName, TenantId, WorkloadId } from '../../model/ids.ts';
import type { Refusal } from '../../model/refusal.ts';
import type { WorkloadSpec } from '../../model/workload.ts';
import type { Reason, Why, WorkloadDocument, WorkloadSummary } from '../contract/documents.ts';
import type { QueueDocument, QueueList } from '../contract/queue-documents.ts';
import type { Explaining } from './explain.ts';
import { refusalSentence } from './sentences.ts';
import { workloadDocument } from './workload.ts';

/** A submission that waits on disk for room in its queue. */
export interface SpilledPlace {
  readonly workload: WorkloadId;
  readonly at: TimeMs;
  readonly tenant: TenantId;
  readonly queue: QueueName;
  readonly name: string;
  readonly kind: WorkloadSpec['kind'];
  readonly priority: number;
  readonly tasks: number;
  /** So many wait before it for the same queue. */
  readonly ahead: number;
  /** What it was last refused for; undefined while it has not asked. */
  readonly reason: Refusal | undefined;
}

/** What waits on disk for one queue. */
export interface SpilledUse {
  readonly queue: QueueName;
  readonly submissions: number;
  /** Of the documents as they are, and as they are kept. */
  readonly plainBytes: number;
  readonly keptBytes: number;
  /** When the one that waits longest was accepted. */
  readonly oldestAt: TimeMs;
}

export function spilledSentence({ queue, ahead, reason }: SpilledPlace, now: TimeMs): string {
  const sentence = refusalSentence({ code: 'spilled', queue, ahead }, now);
  const isFull = reason?.code === 'queue-cap' && reason.queue === queue;
  return reason === undefined || isFull ? sentence : `${sentence}: ${refusalSentence(reason, now)}`;
}

/** As `workloadDocument` will have it once it is let in, but for what it waits for. */
export function spilledDocument(
  context: Explaining,
  place: SpilledPlace,
  spec: WorkloadSpec,
): WorkloadDocument {
  const { workload, tenant, at } = place;
  const document = workloadDocument(context, newWorkload(workload, tenant, spec, at));
  const steps = document.steps.map((step) => ({
    ...step,
    waiting_for: [spilledReason(place, step.tasks.total, context.now)],
  }));
  return { ...document, status: 'spilled', steps };
}

export function spilledSummary(place: SpilledPlace, now: TimeMs): WorkloadSummary {
  const { workload, at, name, kind, queue, tenant, priority, tasks } = place;
  return {
    id: workload,
    name,
    kind,
    status: 'spilled',
    queue,
    tenant,
    priority,
    submitted_at: at,
    started_at: null,
    ended_at: null,
    tasks: { total: tasks, waiting: tasks, running: 0, succeeded: 0, failed: 0, cancelled: 0 },
    reason: spilledSentence(place, now),
  };
}

export const spilledWhy = (place: SpilledPlace, now: TimeMs): Why => ({
  id: place.workload,
  status: 'spilled',
  sentence: spilledSentence(place, now),
  steps: [],
  preemptions: [],
});

function spilledReason(place: SpilledPlace, tasks: number, now: TimeMs): Reason {
  const { queue, ahead } = place;
  const sentence = spilledSentence(place, now);
  return { code: 'spilled', sentence, change: null, facts: { queue, ahead }, tasks };
}

/** The queues, with what waits on disk for each and for those below it. */
export function withSpilled(list: QueueList, use: readonly SpilledUse[]): QueueList {
  if (use.length === 0) return list;
  const byName = new Map(list.queues.map((queue) => [queue.name, { ...queue }]));
  for (const one of use) {
    let queue = byName.get(one.queue);
    while (queue !== undefined) {
      queue.spilled = sum(queue.spilled, one);
      queue = queue.parent === null ? undefined : byName.get(queue.parent);
    }
  }
  return { ...list, queues: [...byName.values()] };
}

function sum(spilled: QueueDocument['spilled'], more: SpilledUse): QueueDocument['spilled'] {
  return {
    submissions: spilled.submissions + more.submissions,
    bytes: spilled.bytes + more.plainBytes,
    kept_bytes: spilled.kept_bytes + more.keptBytes,
    oldest_at: Math.min(spilled.oldest_at ?? more.oldestAt, more.oldestAt),
  };
}
