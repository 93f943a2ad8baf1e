import type { QueueName, TenantId, WorkloadId } from '../model/ids.ts';
import type { Refusal } from '../model/refusal.ts';

/** A submission that was accepted, and waits on disk for room in its queue. */
export interface Waiting {
  readonly workload: WorkloadId;
  readonly tenant: TenantId;
  readonly queue: QueueName;
}

/** Of all queues together: submissions, and bytes of their documents as they are kept. */
export interface OverflowUse {
  readonly rows: number;
  readonly bytes: number;
}

/** Why `more` is not kept beside what is; undefined where it is. */
export function overflowRefusal(
  queue: QueueName,
  use: OverflowUse,
  more: OverflowUse,
  max: OverflowUse,
): Refusal | undefined {
  const { rows, bytes } = use;
  if (rows + more.rows <= max.rows && bytes + more.bytes <= max.bytes) return undefined;
  return { code: 'overflow-full', queue, rows, rowsMax: max.rows, bytes, bytesMax: max.bytes };
}

/**
 * Who was found to have to wait on, in one pass over those that wait. Nobody of a queue that has no room goes
 * before whom it was refused to; nobody of a tenant, where the tenant was refused something there. What is
 * refused for its own sake holds nobody else up.
 */
export class HeldBack {
  readonly #queues = new Map<QueueName, Refusal | undefined>();
  readonly #tenants = new Map<QueueName, Map<TenantId, Refusal>>();
  readonly #workloads = new Map<WorkloadId, Refusal | undefined>();

  /** It was refused. */
  note(one: Waiting, refusal: Refusal): void {
    const { workload, queue, tenant } = one;
    const scope = scopeOf(refusal);
    if (scope === 'queue') this.#queues.set(queue, refusal);
    else if (scope === 'workload') this.#workloads.set(workload, refusal);
    else {
      const tenants = this.#tenants.get(queue) ?? new Map<TenantId, Refusal>();
      this.#tenants.set(queue, tenants.set(tenant, refusal));
    }
  }

  /** It cannot ask now, and nobody of its queue may go before it. */
  holdQueue({ queue }: Waiting): void {
    this.#queues.set(queue, undefined);
  }

  /** It cannot ask at all, and holds nobody up. */
  passOver({ workload }: Waiting): void {
    this.#workloads.set(workload, undefined);
  }

  has({ workload, queue, tenant }: Waiting): boolean {
    return (
      this.#workloads.has(workload) ||
      this.#tenants.get(queue)?.has(tenant) === true ||
      this.#queues.has(queue)
    );
  }

  /** What it waits for, as far as that was said to it or to whoever it waits behind. */
  reason({ workload, queue, tenant }: Waiting): Refusal | undefined {
    return (
      this.#workloads.get(workload) ??
      this.#tenants.get(queue)?.get(tenant) ??
      this.#queues.get(queue)
    );
  }
}

/** The first that may ask to be let in. */
export function nextToEnter<W extends Waiting>(
  waiting: Iterable<W>,
  held: HeldBack,
): W | undefined {
  for (const one of waiting) if (!held.has(one)) return one;
  return undefined;
}

function scopeOf(refusal: Refusal): 'queue' | 'tenant' | 'workload' {
  switch (refusal.code) {
    case 'queue-full':
      return 'queue';
    case 'queue-cap':
      return refusal.tenant === undefined ? 'queue' : 'tenant';
    case 'quota':
    case 'budget':
      return 'tenant';
    default:
      return 'workload';
  }
}
