import { SubmissionBook } from '../admission/submission-book.ts';
import type { QueueName, TenantId } from '../model/ids.ts';
import type { SubmissionLimit } from '../model/scheduling-config.ts';
import type { WorkloadRecord } from './records.ts';
import type { SpilledSubmission } from './spilled.ts';

/**
 * Tasks of workloads that have not ended, by the queue that they were submitted to and by tenant; and the
 * workloads themselves, as limits on submissions count them.
 */
export class ActiveTasks {
  readonly submissions: SubmissionBook;
  readonly #byQueue = new Map<QueueName, Map<TenantId, number>>();
  #total = 0;

  constructor(limits: readonly SubmissionLimit[] = []) {
    this.submissions = new SubmissionBook(limits);
  }

  get total(): number {
    return this.#total;
  }

  /** In one queue; of one tenant, when given. */
  of(queue: QueueName, tenant?: TenantId): number {
    const byTenant = this.#byQueue.get(queue);
    if (byTenant === undefined) return 0;
    if (tenant !== undefined) return byTenant.get(tenant) ?? 0;
    let sum = 0;
    for (const count of byTenant.values()) sum += count;
    return sum;
  }

  submitted(workload: WorkloadRecord): void {
    this.count(workload, 1);
    if (workload.spec.kind === 'lease') return;
    const { tenant, spec, submittedAt } = workload;
    this.submissions.submitted({ tenant, queue: spec.queue }, submittedAt);
  }

  /** A submission that waits outside counts as one that was made and has not ended; it is taken back with −1. */
  spilled(one: SpilledSubmission, sign: 1 | -1): void {
    this.submissions.count(one, sign);
    this.submissions.submitted(one, one.at, sign);
  }

  /** What waited outside was counted as submitted then. */
  letIn(workload: WorkloadRecord): void {
    this.submissions.count({ tenant: workload.tenant, queue: workload.spec.queue }, -1);
    this.count(workload, 1);
  }

  count({ spec, tenant }: WorkloadRecord, sign: 1 | -1): void {
    if (spec.kind !== 'lease') {
      this.submissions.count({ tenant, queue: spec.queue }, sign);
    }
    const tasks = sign * spec.steps.reduce((sum, step) => sum + step.count, 0);
    this.#total += tasks;
    const byTenant = this.#byQueue.get(spec.queue) ?? new Map<TenantId, number>();
    this.#byQueue.set(spec.queue, byTenant);
    const count = (byTenant.get(tenant) ?? 0) + tasks;
    if (count > 0) byTenant.set(tenant, count);
    else byTenant.delete(tenant);
  }
}
