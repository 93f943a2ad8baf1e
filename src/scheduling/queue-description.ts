import type { NodeId, QueueName, TenantId } from '../model/ids.ts';
import type { Reservation } from '../model/reservation.ts';
import type { Resources } from '../model/resources.ts';
import type { Amounts, QueueConfig, TenantConfig, Usage } from '../model/scheduling-config.ts';

/** What a scheduler says of its queues: for people, and read-only. */
export interface SchedulerDescription {
  /** Parents first; a queue that is cut into teams has them as children. */
  readonly queues: readonly QueueDescription[];
  /** The queue at the end of the tree in which tasks of a tenant wait that were submitted to `queue`. */
  leafOf(queue: QueueName, tenant: TenantId): QueueName;
  /** In the order of the configuration; empty where the scheduler keeps none. */
  readonly reservations: readonly ReservationDescription[];
}

export interface QueueDescription {
  readonly config: QueueConfig;
  readonly parent: QueueName | undefined;
  readonly isLeaf: boolean;
  /** The name under which people submit to it; its own, but for teams. */
  readonly entryName: QueueName;
  /** As counted, with its oversubscription. */
  readonly guaranteed: Amounts;
  /** The smaller of its limit and of its guarantee with what it may borrow. */
  readonly limit: Amounts;
  /** With all below it; memory of each task in whole MiB, rounded up, as limits count it. */
  readonly held: Amounts;
  readonly running: number;
  /** Largest part of the site that it holds of one resource, in billionths. */
  readonly share: number;
  /** What it may have of the site by weight beside siblings that run or wait for something, in billionths. */
  readonly entitled: number;
  /** Of a leaf: those that wait, hold or used something that counts; sorted by name. */
  readonly tenants: readonly TenantDescription[];
}

export interface TenantDescription {
  readonly tenant: TenantId;
  readonly config: TenantConfig;
  readonly held: Amounts;
  readonly running: number;
  readonly share: number;
  /** Decayed as the order of the queue says: milli-CPU-seconds, MiB-seconds, milli-GPU-seconds. */
  readonly usage: Usage;
}

export interface ReservationDescription {
  readonly reservation: Reservation;
  readonly parts: readonly { readonly node: NodeId; readonly used: Resources }[];
  readonly isOpen: boolean;
  /** When it opens or closes next; undefined when it never does. */
  readonly changesAt: number | undefined;
}
