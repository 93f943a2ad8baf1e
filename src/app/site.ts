import type { CacheCleared, CacheList } from '../api/contract/cache-documents.ts';
import type {
  LogChunk,
  NodeList,
  Status,
  Usage,
  Why,
  WorkloadDocument,
  WorkloadList,
  WorkloadSummary,
} from '../api/contract/documents.ts';
import type {
  CpuUse,
  InventoryChanges,
  InventoryDocument,
} from '../api/contract/inventory-documents.ts';
import type { NetworkQuery, NetworkStatus } from '../api/contract/network-documents.ts';
import type { PreemptionList } from '../api/contract/preemption-documents.ts';
import type {
  ClassList,
  QueueList,
  QuotaList,
  ReservationList,
} from '../api/contract/queue-documents.ts';
import type { RebalanceDocument, RebalanceRequest } from '../api/contract/rebalance-documents.ts';
import type {
  Asker,
  ChangeOutcome,
  LiveChange,
  LogRequest,
  RetryOutcome,
  Site,
  SiteChange,
  SubmitOutcome,
  WorkloadFilter,
} from '../api/contract/views.ts';
import { classList } from '../api/views/classes.ts';
import { explaining, explainWorkload } from '../api/views/explain.ts';
import { nodeList } from '../api/views/nodes.ts';
import { preemptionList } from '../api/views/preemptions.ts';
import { queueList, queuesBelow } from '../api/views/queues.ts';
import { quotaList } from '../api/views/quotas.ts';
import { rebalanceDocument } from '../api/views/rebalance.ts';
import { reservationList } from '../api/views/reservations.ts';
import { spilledDocument, spilledSummary, spilledWhy, withSpilled } from '../api/views/spilled.ts';
import { workloadStatus } from '../api/views/status.ts';
import { workloadDocument, workloadSummary } from '../api/views/workload.ts';
import type { ScalingDecision } from '../autoscaling/service-scaling.ts';
import { assert } from '../base/assert.ts';
import { type SpanMs, spanMs, type TimeMs } from '../base/units.ts';
import { childSpec } from '../engine/child-spec.ts';
import type { Engine } from '../engine/engine.ts';
import { planRebalance } from '../engine/rebalance.ts';
import type { TaskRecord } from '../engine/records.ts';
import type { CacheStore } from '../execution/io/local/cache-store.ts';
import { OperationError } from '../model/errors.ts';
import type { AttemptId, TenantId, WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { Refusal } from '../model/refusal.ts';
import type { WorkloadSpec } from '../model/workload.ts';
import type { Loop, Request } from '../runtime/loop.ts';
import { workloadOf } from '../store/event-codec.ts';
import { cacheList, clearCache } from './cache-view.ts';
import type { HostInventory } from './host-inventory.ts';
import type { LookAhead } from './look-ahead.ts';
import type { Overflow } from './overflow.ts';

/** Changes are gathered this long before listeners hear of them. */
const GATHER_MS = 100;
/** A submission that cannot be made durable within this is answered with why. */
const SUBMIT_TIMEOUT_MS = 10_000;

/** Whoever asks does not wait longer for what is foreseen: it is there when he asks again. */
const LOOK_TIMEOUT_MS = 1_000;

/** What changes a workload. */
type Changing = Extract<Request, { readonly workload: WorkloadId }>;

export interface LiveSiteDeps {
  readonly engine: Engine;
  readonly loop: Loop;
  readonly ahead: LookAhead;
  /** What waits on disk for full queues. */
  readonly overflow: Overflow;
  readonly status: () => Omit<Status, 'now' | 'counts'>;
  readonly cache: CacheStore;
  readonly network: (query: NetworkQuery) => NetworkStatus;
  readonly usage: (window: SpanMs) => Usage;
  readonly readLog: (request: LogRequest) => Promise<LogChunk | undefined>;
  readonly inventory: HostInventory;
  /** What the autoscaler decided last about a service. */
  readonly decisionOf: (id: WorkloadId) => ScalingDecision | undefined;
  readonly now: () => TimeMs;
  readonly shutDown: () => void;
}

/** The running daemon as the API and the CLI see it. */
export class LiveSite implements Site {
  readonly #deps: LiveSiteDeps;
  readonly #listeners = new Set<(change: SiteChange) => void>();
  #changed = new Set<string>();
  #nodesChanged = false;
  #sampled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: LiveSiteDeps) {
    this.#deps = deps;
  }

  status(): Status {
    const { state } = this.#deps.engine;
    const counts = { waiting: state.spilled.size, running: 0, ended: 0 };
    for (const workload of state.workloads()) {
      const status = workloadStatus(workload);
      if (status === 'waiting' || status === 'running') counts[status]++;
      else counts.ended++;
    }
    return { ...this.#deps.status(), now: this.#deps.now(), counts };
  }

  async submit(asked: WorkloadSpec, by: Asker): Promise<SubmitOutcome> {
    const parent = by.attempt === undefined ? undefined : this.#taskOf(by.attempt);
    const spec = parent === undefined ? asked : childSpec(asked, parent);
    if ('why' in spec) throw new OperationError('FORBIDDEN', `Not for this task: ${spec.why}.`);
    const tenant = parent?.step.workload.tenant ?? by.tenant;
    return this.#inTime(this.#deps.overflow.submit(spec, tenant));
  }

  async retry(workload: WorkloadId, by: Asker, afresh: boolean): Promise<RetryOutcome> {
    this.#checkSubmitter(workload, by);
    if (this.#spilled(workload)) {
      return { kind: 'refused', refusal: { code: 'not-ended', workload } };
    }
    const { loop } = this.#deps;
    const answer = await this.#inTime(loop.send({ kind: 'retry', workload, afresh }));
    if (answer.kind === 'accepted') return { kind: 'accepted', id: answer.workload };
    assert(answer.kind === 'refused', 'a retry is accepted or refused');
    return answer;
  }

  #inTime<T>(entering: Promise<T>): Promise<T> {
    return withTimeout(
      entering,
      SUBMIT_TIMEOUT_MS,
      () =>
        this.#deps.loop.stalled ??
        new OperationError('TIMED_OUT', 'The submission is not durable yet; see `berth ps`.'),
    );
  }

  #spilled(workload: WorkloadId): boolean {
    return this.#deps.engine.state.spilled.of(workload) !== undefined;
  }

  /** A task may have to do only with what it submitted itself. */
  #checkSubmitter(workload: WorkloadId, by: Asker): void {
    if (by.attempt === undefined) return;
    const spec = this.#specOf(workload);
    const { id } = this.#taskOf(by.attempt);
    if (spec === undefined || spec.submittedBy === id) return;
    const whose = `Workload ${workload} was not submitted by task ${id}.`;
    throw new OperationError('FORBIDDEN', whose);
  }

  async cancel(workload: WorkloadId, by: Asker): Promise<boolean> {
    this.#checkSubmitter(workload, by);
    await this.#deps.overflow.cancel(workload, by.tenant);
    const answer = await this.#deps.loop.send({ kind: 'cancel', workload, by: by.tenant });
    return answer.kind !== 'refused' || answer.refusal.code !== 'no-such-workload';
  }

  change(change: LiveChange): Promise<ChangeOutcome> {
    return this.#change(change);
  }

  async rebalance(asked: RebalanceRequest): Promise<RebalanceDocument | Refusal> {
    const { moves: movesMax, settle_ms, dry_run } = asked;
    const { engine, loop, now } = this.#deps;
    if (dry_run) {
      const plan = planRebalance(engine.state, now(), movesMax);
      return plan === undefined
        ? { code: 'no-gain', movesMax }
        : rebalanceDocument(engine.state, now(), plan);
    }
    const answer = await loop.send({ kind: 'rebalance', movesMax, settleMs: spanMs(settle_ms) });
    return answer.kind === 'refused' ? answer.refusal : rebalanceDocument(engine.state, now());
  }

  rebalancing(): RebalanceDocument {
    return rebalanceDocument(this.#deps.engine.state, this.#deps.now());
  }

  scale(workload: WorkloadId, replicas: number): Promise<ChangeOutcome> {
    return this.#change({ kind: 'scale', workload, replicas });
  }

  update(workload: WorkloadId, asked: WorkloadSpec): Promise<ChangeOutcome> {
    const submittedBy = this.#deps.engine.state.workload(workload)?.spec.submittedBy;
    const spec = submittedBy === undefined ? asked : { ...asked, submittedBy };
    return this.#change({ kind: 'update', workload, spec });
  }

  async #change(request: Changing): Promise<ChangeOutcome> {
    const { workload } = request;
    if (this.#spilled(workload)) {
      return { kind: 'refused', refusal: { code: 'nothing-runs', workload, step: undefined } };
    }
    const answer = await this.#deps.loop.send(request);
    assert(answer.kind === 'done' || answer.kind === 'refused', 'a change is made or refused');
    return answer;
  }

  owner(id: WorkloadId): TenantId | undefined {
    const { state } = this.#deps.engine;
    return (state.workload(id) ?? state.spilled.of(id))?.tenant;
  }

  workload(id: WorkloadId): WorkloadDocument | undefined {
    const { engine, overflow } = this.#deps;
    const workload = engine.state.workload(id);
    if (workload !== undefined) return workloadDocument(this.#explaining(true), workload);
    const [place] = overflow.places([id]);
    const spec = place && overflow.spec(id);
    return spec && spilledDocument(this.#explaining(false), place, spec);
  }

  workloads(filter: WorkloadFilter): WorkloadList {
    const { state } = this.#deps.engine;
    const { queue } = filter;
    const queues = queue === undefined ? undefined : queuesBelow(state, queue, this.#deps.now());
    if (queue !== undefined && queues === undefined) {
      const sentence = `There is no queue ${JSON.stringify(queue)}.`;
      throw new OperationError('NOT_FOUND', sentence, { hint: 'See `berth queue`.' });
    }
    const isWanted = (name: string, of: TenantId): boolean =>
      (queues === undefined || queues.has(name)) &&
      (filter.tenant === undefined || of === filter.tenant);
    const ids: WorkloadId[] = [];
    for (const { id, state: end, spec, tenant } of state.workloads()) {
      const isActive = end === 'active';
      if (filter.state !== 'all' && isActive !== (filter.state === 'active')) continue;
      if (isWanted(spec.queue, tenant)) ids.push(id);
    }
    if (filter.state !== 'ended') {
      for (const one of state.spilled.values()) {
        if (isWanted(one.queue, one.tenant)) ids.push(one.workload);
      }
    }
    ids.sort((a, b) => Number(b) - Number(a));
    const page = ids.slice(filter.offset, filter.offset + filter.limit);
    const workloads = this.#summaries(page, filter.starts === true);
    if (filter.starts !== true) return { workloads, total: ids.length };
    return { workloads, total: ids.length, calibration: { ...this.#deps.ahead.calibration } };
  }

  #summaries(ids: readonly WorkloadId[], withStarts: boolean): WorkloadSummary[] {
    const { engine, overflow, now } = this.#deps;
    const context = this.#explaining(withStarts);
    const spilled = overflow.places(ids.filter((id) => this.#spilled(id)));
    const places = new Map(spilled.map((place) => [place.workload, place]));
    return ids.flatMap((id) => {
      const workload = engine.state.workload(id);
      if (workload !== undefined) return [workloadSummary(context, workload)];
      const place = places.get(id);
      return place === undefined ? [] : [spilledSummary(place, now())];
    });
  }

  async lookAhead(id?: WorkloadId): Promise<void> {
    const { engine, ahead } = this.#deps;
    if (id !== undefined) {
      const workload = engine.state.workload(id);
      if (workload?.state !== 'active') return;
      if (workload.steps.every(({ counts }) => counts.waiting === 0)) return;
    }
    const enough = Promise.withResolvers<void>();
    const timer = setTimeout(enough.resolve, LOOK_TIMEOUT_MS);
    await Promise.race([ahead.look(), enough.promise]).finally(() => clearTimeout(timer));
  }

  why(id: WorkloadId): Why | undefined {
    const { state } = this.#deps.engine;
    const workload = state.workload(id);
    if (workload !== undefined) return explainWorkload(this.#explaining(true), workload);
    const [place] = this.#deps.overflow.places([id]);
    return place && spilledWhy(place, this.#deps.now());
  }

  source(id: WorkloadId): string | undefined {
    return this.#specOf(id)?.source;
  }

  #specOf(id: WorkloadId): WorkloadSpec | undefined {
    const { engine, overflow } = this.#deps;
    return engine.state.workload(id)?.spec ?? overflow.spec(id);
  }

  nodes(): NodeList {
    return nodeList(this.#deps.engine.state);
  }

  queues(): QueueList {
    const { engine, overflow, now } = this.#deps;
    return withSpilled(queueList(engine.state, now()), overflow.byQueue());
  }

  classes(): ClassList {
    return classList(this.#deps.engine.state, this.#deps.now());
  }

  quotas(): QuotaList {
    return quotaList(this.#deps.engine.state, this.#deps.now());
  }

  reservations(): ReservationList {
    return reservationList(this.#deps.engine.state, this.#deps.now());
  }

  preemptions(limit: number): PreemptionList {
    return preemptionList(this.#deps.engine.state, limit);
  }

  cache(tenant?: TenantId): CacheList {
    return cacheList(this.#deps.cache, tenant, this.#deps.now());
  }

  clearCache(tenant?: TenantId): Promise<CacheCleared> {
    return clearCache(this.#deps.cache, tenant);
  }

  network(query: NetworkQuery): NetworkStatus {
    return this.#deps.network(query);
  }

  usage(window: SpanMs): Usage {
    return this.#deps.usage(window);
  }

  inventory(fresh: boolean): Promise<InventoryDocument> {
    return this.#deps.inventory.document(fresh);
  }

  inventoryChanges(): Promise<InventoryChanges> {
    return this.#deps.inventory.changes();
  }

  cpuUse(): Promise<CpuUse> {
    return this.#deps.inventory.use();
  }

  log(request: LogRequest): Promise<LogChunk | undefined> {
    return this.#deps.readLog(request);
  }

  changes(onChange: (change: SiteChange) => void, signal: AbortSignal): void {
    this.#listeners.add(onChange);
    signal.addEventListener('abort', () => this.#listeners.delete(onChange), { once: true });
  }

  shutDown(): void {
    this.#deps.shutDown();
  }

  /** The loop's `onBatch`. */
  noteEvents(events: readonly Event[]): void {
    this.#deps.ahead.noteEvents(events);
    if (this.#listeners.size === 0) return;
    for (const event of events) {
      const workload = workloadOf(event);
      if (workload === undefined) this.#nodesChanged = true;
      else this.#changed.add(workload);
    }
    this.#nodesChanged ||= events.some((e) => e.kind === 'task-placed' || e.kind === 'task-ended');
    this.#schedule();
  }

  /** Something was decided about it that is no event. */
  noteWorkload(id: WorkloadId): void {
    if (this.#listeners.size === 0) return;
    this.#changed.add(id);
    this.#schedule();
  }

  noteSample(): void {
    if (this.#listeners.size === 0) return;
    this.#sampled = true;
    this.#schedule();
  }

  /** Something was noticed of the machine. */
  noteInventory(): void {
    if (this.#listeners.size === 0) return;
    this.#nodesChanged = true;
    this.#schedule();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #taskOf(attempt: AttemptId): TaskRecord {
    const found = this.#deps.engine.state.attempt(attempt);
    if (found === undefined) throw new OperationError('UNAUTHORIZED', 'The task has ended.');
    return found.task;
  }

  #explaining(looksAhead: boolean) {
    const { engine, now, decisionOf, ahead } = this.#deps;
    const foreseen = looksAhead && { starts: ahead.starts(), calibration: ahead.calibration };
    return explaining(engine.state, now(), { ...foreseen, decisionOf });
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#tell(), GATHER_MS);
  }

  #tell(): void {
    this.#timer = undefined;
    const change = {
      workloads: [...this.#changed],
      nodes: this.#nodesChanged,
      sample: this.#sampled,
    };
    this.#changed = new Set();
    this.#nodesChanged = false;
    this.#sampled = false;
    for (const listener of this.#listeners) listener(change);
  }
}

async function withTimeout<T>(work: Promise<T>, ms: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(late()), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
