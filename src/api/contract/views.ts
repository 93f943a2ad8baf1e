import type { SpanMs } from '../../base/units.ts';
import type { AttemptId, QueueName, TenantId, WorkloadId } from '../../model/ids.ts';
import type { Command } from '../../model/messages.ts';
import type { Refusal } from '../../model/refusal.ts';
import type { WorkloadSpec } from '../../model/workload.ts';
import type { CacheCleared, CacheList } from './cache-documents.ts';
import type {
  LogChunk,
  NodeList,
  Status,
  Usage,
  Why,
  WorkloadDocument,
  WorkloadList,
} from './documents.ts';
import type { CpuUse, InventoryChanges, InventoryDocument } from './inventory-documents.ts';
import type { NetworkQuery, NetworkStatus } from './network-documents.ts';
import type { PreemptionList } from './preemption-documents.ts';
import type { ClassList, QueueList, QuotaList, ReservationList } from './queue-documents.ts';

import type { RebalanceDocument, RebalanceRequest } from './rebalance-documents.ts';

/** What the routes need of the running daemon. `app/` composes it; `run` uses the same without HTTP. */
export interface Site {
  status(): Status;
  /** Refusals come as values; throws OperationError only when the journal cannot be written. */
  submit(spec: WorkloadSpec, by: Asker): Promise<SubmitOutcome>;
  /** The same document again, for the same tenant; what succeeded is taken over, unless it starts afresh. */
  retry(workload: WorkloadId, by: Asker, afresh: boolean): Promise<RetryOutcome>;
  /**
   * False when there is no such workload; cancelling an ended one changes nothing.
   * @throws OperationError FORBIDDEN where it is not for the asker to cancel.
   */
  cancel(workload: WorkloadId, by: Asker): Promise<boolean>;
  /** Adjusts, pauses or resumes what runs of a workload. */
  change(change: LiveChange): Promise<ChangeOutcome>;
  /** Plans moves, and begins with them unless it is a dry run; why not, as a refusal. */
  rebalance(asked: RebalanceRequest): Promise<RebalanceDocument | Refusal>;
  rebalancing(): RebalanceDocument;
  /** Of a service: so many replicas are wanted from now on. */
  scale(workload: WorkloadId, replicas: number): Promise<ChangeOutcome>;
  /** Of a service: a new revision. */
  update(workload: WorkloadId, spec: WorkloadSpec): Promise<ChangeOutcome>;
  /** Whose it is; undefined when there is no such workload. */
  owner(id: WorkloadId): TenantId | undefined;
  workload(id: WorkloadId): WorkloadDocument | undefined;
  workloads(filter: WorkloadFilter): WorkloadList;
  /**
   * Resolves when it is known, as far as it can be in a second, when what waits starts: `why` and the like then say
   * so. At once where `id` waits for nothing.
   */
  lookAhead(id?: WorkloadId): Promise<void>;
  why(id: WorkloadId): Why | undefined;
  source(id: WorkloadId): string | undefined;
  nodes(): NodeList;
  queues(): QueueList;
  classes(): ClassList;
  quotas(): QuotaList;
  reservations(): ReservationList;
  /** Those that are kept, newest first; a bounded number. */
  preemptions(limit: number): PreemptionList;
  /** Results that are kept, as far as `tenant` may have them; all, when nobody in particular asks. */
  cache(tenant?: TenantId): CacheList;
  clearCache(tenant?: TenantId): Promise<CacheCleared>;
  /** Limits of the network, and what went through the proxy. @throws OperationError USAGE. */
  network(query: NetworkQuery): NetworkStatus;
  usage(window: SpanMs): Usage;
  /** What this machine has, at most some seconds old; `fresh` asks the programs of drivers, too. */
  inventory(fresh: boolean): Promise<InventoryDocument>;
  /** What changed in it, newest first; a bounded number. */
  inventoryChanges(): Promise<InventoryChanges>;
  cpuUse(): Promise<CpuUse>;
  /** A piece of one attempt's log; undefined when there is no such attempt. */
  log(request: LogRequest): Promise<LogChunk | undefined>;
  /** Calls back after each change, at most every 100 ms, until the signal aborts. */
  changes(onChange: (change: SiteChange) => void, signal: AbortSignal): void;
  /** Ends the daemon after the answer; what runs goes on running under the launcher. */
  shutDown(): void;
}

/** Who asks for something. */
export interface Asker {
  readonly tenant: TenantId;
  /** The task that asks by a token of its own: for it and what it submitted, and nothing else. */
  readonly attempt?: AttemptId;
}

/** A command of a person, without its time. */
export type LiveChange =
  | Omit<Extract<Command, { readonly kind: 'adjust' }>, 'at'>
  | Omit<Extract<Command, { readonly kind: 'pause' | 'unpause' }>, 'at'>;

export type RetryOutcome =
  | { readonly kind: 'accepted'; readonly id: WorkloadId }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type SubmitOutcome =
  | RetryOutcome
  /** Accepted, and waits on disk behind `ahead` others until its queue has room. */
  | {
      readonly kind: 'spilled';
      readonly id: WorkloadId;
      readonly queue: QueueName;
      readonly ahead: number;
    };

export type ChangeOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface WorkloadFilter {
  /** `active` is waiting or running. */
  readonly state: 'active' | 'ended' | 'all';
  /** Of this queue and all below it. */
  readonly queue?: string | undefined;
  /** Of this tenant only. */
  readonly tenant?: TenantId | undefined;
  readonly limit: number;
  readonly offset: number;
  /** With when those that wait start, as far as it was looked ahead. */
  readonly starts?: boolean | undefined;
}

export interface LogRequest {
  readonly attempt: string;
  readonly stream: 'stdout' | 'stderr';
  /** Byte offset since the attempt began; negative counts from the end. */
  readonly from: number;
  readonly maxBytes: number;
}

export interface SiteChange {
  /** Workloads that changed since the last call. */
  readonly workloads: readonly string[];
  /** What a node has, gives out, or holds. */
  readonly nodes: boolean;
  readonly sample: boolean;
}
