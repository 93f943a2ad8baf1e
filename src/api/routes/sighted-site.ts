import type { SpanMs } from '../../base/units.ts';
import { OperationError } from '../../model/errors.ts';
import { parseAttemptId, type TenantId, type WorkloadId } from '../../model/ids.ts';
import type { WorkloadSpec } from '../../model/workload.ts';
import type { LeaseSite } from '../contract/lease-documents.ts';
import type { NetworkQuery } from '../contract/network-documents.ts';
import type { RebalanceRequest } from '../contract/rebalance-documents.ts';
import type {
  Asker,
  ChangeOutcome,
  LiveChange,
  LogRequest,
  RetryOutcome,
  Site,
  SiteChange,
  WorkloadFilter,
} from '../contract/views.ts';
import { mayChange, maySee } from './access.ts';
import type { Identity } from './api-env.ts';

/**
 * The site as somebody may see and change it who is not its admin. What he may not see is not there; what he may
 * see and not change is refused with FORBIDDEN. Every method of `Site` is here, so that a new one has to choose.
 */
export class SightedSite implements Site {
  readonly #identity: Identity;
  readonly #site: Site;

  constructor(identity: Identity, site: Site) {
    this.#identity = identity;
    this.#site = site;
  }

  status() {
    return this.#site.status();
  }

  submit(spec: WorkloadSpec, by: Asker) {
    return this.#site.submit(spec, by);
  }

  async retry(id: WorkloadId, by: Asker, afresh: boolean): Promise<RetryOutcome> {
    if (this.#isChangeable(id)) return this.#site.retry(id, by, afresh);
    return { kind: 'refused', refusal: { code: 'no-such-workload', workload: id } };
  }

  async cancel(id: WorkloadId, by: Asker): Promise<boolean> {
    return this.#isChangeable(id) && this.#site.cancel(id, by);
  }

  scale(id: WorkloadId, replicas: number): Promise<ChangeOutcome> {
    return this.#change(id, () => this.#site.scale(id, replicas));
  }

  update(id: WorkloadId, spec: WorkloadSpec): Promise<ChangeOutcome> {
    return this.#change(id, () => this.#site.update(id, spec));
  }

  change(change: LiveChange): Promise<ChangeOutcome> {
    return this.#change(change.workload, () => this.#site.change(change));
  }

  /** Whom it moves belongs to all: the routes keep it for the admin. */
  rebalance(asked: RebalanceRequest) {
    return this.#site.rebalance(asked);
  }

  rebalancing() {
    const document = this.#site.rebalancing();
    const { plan, ended } = document;
    const moves = plan?.moves.filter(({ attempt }) => this.#seesTask(attempt)) ?? [];
    return {
      ...document,
      plan: plan && { ...plan, moves },
      ended: ended.filter(({ attempt }) => this.#seesTask(attempt)),
    };
  }

  owner(id: WorkloadId) {
    const owner = this.#site.owner(id);
    return maySee(this.#identity, owner) ? owner : undefined;
  }

  workload(id: WorkloadId) {
    return this.#sees(id) ? this.#site.workload(id) : undefined;
  }

  workloads(filter: WorkloadFilter) {
    const { tenant, sees } = this.#identity;
    if (sees === 'all') return this.#site.workloads(filter);
    const isOwn = filter.tenant === undefined || filter.tenant === tenant;
    if (!isOwn) return { workloads: [], total: 0 };
    return this.#site.workloads({ ...filter, tenant });
  }

  lookAhead(id?: WorkloadId) {
    return this.#site.lookAhead(id);
  }

  why(id: WorkloadId) {
    return this.#sees(id) ? this.#site.why(id) : undefined;
  }

  source(id: WorkloadId) {
    return this.#sees(id) ? this.#site.source(id) : undefined;
  }

  nodes() {
    return this.#site.nodes();
  }

  queues() {
    const list = this.#site.queues();
    if (this.#identity.sees === 'all') return list;
    const queues = list.queues.map((queue) => ({
      ...queue,
      tenants: queue.tenants.filter(({ tenant }) => tenant === this.#identity.tenant),
      waiting_for: queue.waiting_for.map((reason) =>
        this.#sees(reason.first?.workload) ? reason : { ...reason, first: null },
      ),
    }));
    return { ...list, queues };
  }

  classes() {
    return this.#site.classes();
  }

  quotas() {
    const list = this.#site.quotas();
    if (this.#identity.sees === 'all') return list;
    const isOwn = ({ tenant }: { readonly tenant: string | null }): boolean =>
      tenant === null || tenant === this.#identity.tenant;
    return { ...list, quotas: list.quotas.filter(isOwn), storage: list.storage.filter(isOwn) };
  }

  reservations() {
    return this.#site.reservations();
  }

  preemptions(limit: number) {
    const list = this.#site.preemptions(limit);
    if (this.#identity.sees === 'all') return list;
    const preemptions = list.preemptions.filter(
      ({ preemptor, victims }) =>
        this.#seesTask(preemptor.task) || victims.some(({ attempt }) => this.#seesTask(attempt)),
    );
    return { ...list, preemptions };
  }

  cache() {
    const { sees, tenant } = this.#identity;
    return this.#site.cache(sees === 'all' ? undefined : tenant);
  }

  clearCache() {
    return this.#site.clearCache(this.#identity.tenant);
  }

  network(query: NetworkQuery) {
    return this.#site.network(query);
  }

  usage(window: SpanMs) {
    return this.#site.usage(window);
  }

  inventory(fresh: boolean) {
    return this.#site.inventory(fresh);
  }

  inventoryChanges() {
    return this.#site.inventoryChanges();
  }

  cpuUse() {
    return this.#site.cpuUse();
  }

  async log(request: LogRequest) {
    return this.#seesTask(request.attempt) ? this.#site.log(request) : undefined;
  }

  changes(onChange: (change: SiteChange) => void, signal: AbortSignal): void {
    this.#site.changes((change) => {
      const workloads = change.workloads.filter((id) => this.#sees(id));
      if (workloads.length > 0 || change.nodes || change.sample) onChange({ ...change, workloads });
    }, signal);
  }

  shutDown(): void {
    this.#site.shutDown();
  }

  #sees(id: string | undefined): boolean {
    return id !== undefined && maySee(this.#identity, this.#site.owner(id as WorkloadId));
  }

  /** Of a task or an attempt. */
  #seesTask(id: string): boolean {
    return this.#sees(parseAttemptId(id)?.workload ?? id.split('.')[0]);
  }

  #isChangeable(id: WorkloadId): boolean {
    if (!this.#sees(id)) return false;
    if (mayChange(this.#identity, this.#site.owner(id))) return true;
    throw new OperationError('FORBIDDEN', `Workload ${id} belongs to another tenant.`);
  }

  async #change(id: WorkloadId, make: () => Promise<ChangeOutcome>): Promise<ChangeOutcome> {
    if (this.#isChangeable(id)) return make();
    return { kind: 'refused', refusal: { code: 'no-such-workload', workload: id } };
  }
}

/** Leases as somebody may see and end them who is not the admin of the site. A lease is a workload. */
export class SightedLeases implements LeaseSite {
  readonly #identity: Identity;
  readonly #leases: LeaseSite;

  constructor(identity: Identity, deps: { readonly leases: LeaseSite }) {
    this.#identity = identity;
    this.#leases = deps.leases;
  }

  ask(request: unknown, tenant: string) {
    return this.#leases.ask(request, tenant);
  }

  lease(id: string) {
    const lease = this.#leases.lease(id);
    return lease && this.#sees(lease) ? lease : undefined;
  }

  leases() {
    return this.#leases.leases().filter((lease) => this.#sees(lease));
  }

  async renew(id: string, waitMs: number) {
    return this.#isChangeable(id) ? this.#leases.renew(id, waitMs) : undefined;
  }

  async release(id: string, by: string) {
    return this.#isChangeable(id) ? this.#leases.release(id, by) : undefined;
  }

  pools() {
    return this.#leases.pools();
  }

  addPool(definition: unknown) {
    return this.#leases.addPool(definition);
  }

  removePool(name: string) {
    return this.#leases.removePool(name);
  }

  #sees({ tenant }: { readonly tenant: string }): boolean {
    return maySee(this.#identity, tenant as TenantId);
  }

  #isChangeable(id: string): boolean {
    const lease = this.lease(id);
    if (lease === undefined) return false;
    if (mayChange(this.#identity, lease.tenant as TenantId)) return true;
    throw new OperationError('FORBIDDEN', `Lease ${id} belongs to another tenant.`);
  }
}
