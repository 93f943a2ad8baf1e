import { queuesBelow } from '../api/views/queues.ts';
import type { Measured } from '../autoscaling/propose.ts';
import { type ScalingDecision, ServiceScaling } from '../autoscaling/service-scaling.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { WorkloadRecord } from '../engine/records.ts';
import type { TaskUse } from '../execution/io/local/task-uses.ts';
import type { AutoscalingTerms, MetricSource, MetricTerms } from '../model/autoscaling.ts';
import type { AttemptId, QueueName, WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { Loop } from '../runtime/loop.ts';
import { ReplicaUses } from './replica-uses.ts';

/** The CPU is measured over so long, as Kubernetes' metrics server does; over less where a cooldown is shorter. */
const WINDOW_MS = 15_000;
const LOOKS_A_WINDOW = 3;
const LOOK_MS_MIN = 100;
/** Queues are counted once for all services that look at about the same time. */
const DEPTHS_KEPT_MS = 1_000;

export interface AutoscalerDeps {
  readonly engine: Pick<Engine, 'state'>;
  readonly loop: Pick<Loop, 'send'>;
  readonly now: () => TimeMs;
  readonly useOf: (attempt: AttemptId) => TaskUse | undefined;
  readonly readMetric: (source: MetricSource, folder: string) => Promise<Measured>;
  /** The folder that replicas run in which name none. */
  readonly folderOf: (workload: WorkloadId) => string;
  /** What was decided about it changed. */
  readonly onDecision: (workload: WorkloadId) => void;
}

interface Follower {
  readonly scaling: ServiceScaling;
  readonly uses: ReplicaUses;
  timer: NodeJS.Timeout | undefined;
  decision: ScalingDecision | undefined;
}

/** Looks at each service that is autoscaled, on a timer of its own, and asks for as many replicas as it should have. */
export class Autoscaler {
  readonly #deps: AutoscalerDeps;
  readonly #followers = new Map<WorkloadId, Follower>();
  #depths: { readonly at: TimeMs; readonly byQueue: ReadonlyMap<QueueName, number> } | undefined;
  #closed = false;

  constructor(deps: AutoscalerDeps) {
    this.#deps = deps;
  }

  /** After a start: every service that there is. */
  watchAll(): void {
    for (const { id, service } of this.#deps.engine.state.workloads()) {
      if (service !== undefined) this.#watch(id);
    }
  }

  noteEvents(events: readonly Event[]): void {
    for (const event of events) {
      switch (event.kind) {
        case 'workload-submitted':
          if (event.spec.kind === 'service') this.#watch(event.workload);
          break;
        case 'service-updated':
        case 'service-rolled-back':
        case 'cancel-requested':
        case 'workload-ended':
          this.#watch(event.workload);
          break;
      }
    }
  }

  /** The last one; undefined for a service that is not autoscaled, or was not looked at yet. */
  decisionOf(id: WorkloadId): ScalingDecision | undefined {
    return this.#followers.get(id)?.decision;
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#followers.values()) clearTimeout(timer);
    this.#followers.clear();
  }

  #watch(id: WorkloadId): void {
    if (this.#closed) return;
    const known = this.#followers.get(id);
    if (this.#scaled(id) === undefined) {
      clearTimeout(known?.timer);
      this.#followers.delete(id);
      return;
    }
    if (known !== undefined) return;
    const follower: Follower = {
      scaling: new ServiceScaling(),
      uses: new ReplicaUses(this.#deps.useOf),
      timer: undefined,
      decision: undefined,
    };
    this.#followers.set(id, follower);
    this.#schedule(id, follower, 0);
  }

  /** A service that is autoscaled, and goes on. */
  #scaled(id: WorkloadId): { workload: WorkloadRecord; terms: AutoscalingTerms } | undefined {
    const workload = this.#deps.engine.state.workload(id);
    const terms = workload?.spec.steps[0]?.service?.autoscaling;
    if (workload?.state !== 'active' || workload.cancelledBy !== undefined) return undefined;
    return terms && { workload, terms };
  }

  #schedule(id: WorkloadId, follower: Follower, inMs: number): void {
    follower.timer = setTimeout(() => void this.#look(id, follower), inMs).unref();
  }

  /** Never rejects; the next look is not taken before this one is answered. */
  async #look(id: WorkloadId, follower: Follower): Promise<void> {
    const [outside] = await Promise.all([this.#readOutside(id), this.#sample(id, follower)]);
    const isFollowed = (): boolean => this.#followers.get(id) === follower;
    const found = this.#scaled(id);
    if (!isFollowed() || found === undefined) return;
    const { workload, terms } = found;
    const before = follower.decision;
    const decision = this.#decide(follower, { workload, terms, outside });
    follower.decision = decision;
    if (decision.reason !== before?.reason) this.#deps.onDecision(id);
    const { to, replicas: from, reason, at, heldUntil } = decision;
    if (to !== from) {
      // Refused, or not durable: it is looked at again.
      const auto = { from, reason };
      await this.#deps.loop
        .send({ kind: 'scale', workload: id, replicas: to, auto })
        .catch(() => {});
    }
    if (!isFollowed()) return;
    const usual = Math.max(LOOK_MS_MIN, windowOf(terms) / LOOKS_A_WINDOW);
    this.#schedule(id, follower, Math.min(usual, (heldUntil ?? Number.POSITIVE_INFINITY) - at));
  }

  #decide(
    follower: Follower,
    {
      workload,
      terms,
      outside,
    }: {
      workload: WorkloadRecord;
      terms: AutoscalingTerms;
      outside: ReadonlyMap<string, Measured>;
    },
  ): ScalingDecision {
    const { replicas, scalings } = workload.service!;
    const at = this.#deps.now();
    const uses = follower.uses.of(workload, windowOf(terms));
    const measured = terms.metrics.map((metric): Measured => {
      if (metric.kind === 'queue-depth') return this.#depthOf(metric.queue, at);
      if (metric.kind === 'custom') return outside.get(metric.name) ?? unread;
      const { kind } = metric;
      return { kind: 'use', replicas: uses.map((use) => use[kind]) };
    });
    const changedAt = scalings.at(-1)?.at;
    return follower.scaling.look({ at, terms, replicas, changedAt, measured });
  }

  async #sample(id: WorkloadId, { uses }: Follower): Promise<void> {
    const found = this.#scaled(id);
    if (found === undefined || !found.terms.metrics.some(isOfUse)) return;
    await uses.sample(found.workload, windowOf(found.terms));
  }

  /** By the names of the metrics. */
  async #readOutside(id: WorkloadId): Promise<ReadonlyMap<string, Measured>> {
    const found = this.#scaled(id);
    if (found === undefined) return new Map();
    const { cwd } = found.workload.spec.steps[0]!;
    const folder = cwd === '' ? this.#deps.folderOf(id) : cwd;
    const custom = found.terms.metrics.filter((metric) => metric.kind === 'custom');
    return new Map(
      await Promise.all(
        custom.map(
          async ({ name, from }) => [name, await this.#deps.readMetric(from, folder)] as const,
        ),
      ),
    );
  }

  #depthOf(queue: QueueName, at: TimeMs): Measured {
    const { state } = this.#deps.engine;
    const below = queuesBelow(state, queue, at);
    if (below === undefined) return { kind: 'unknown', why: `there is no queue ${queue}` };
    if (this.#depths === undefined || at - this.#depths.at >= DEPTHS_KEPT_MS) {
      this.#depths = { at, byQueue: waitingByQueue(state.workloads()) };
    }
    let waiting = 0;
    for (const name of below) waiting += this.#depths.byQueue.get(name as QueueName) ?? 0;
    return { kind: 'total', value: waiting * 1_000 };
  }
}

/** Since it was asked about, an update brought it. */
const unread: Measured = { kind: 'unknown', why: 'it was not read yet' };

const isOfUse = ({ kind }: MetricTerms): boolean => kind === 'cpu' || kind === 'memory';

const windowOf = ({ up, down }: AutoscalingTerms): number =>
  Math.min(WINDOW_MS, up.cooldownMs, down.cooldownMs);

/** Tasks of jobs and pipelines that wait for a place: what a service waits for is its own replicas. */
function waitingByQueue(workloads: Iterable<WorkloadRecord>): ReadonlyMap<QueueName, number> {
  const found = new Map<QueueName, number>();
  for (const { state, spec, steps } of workloads) {
    if (state !== 'active' || spec.kind === 'service' || spec.kind === 'lease') continue;
    let waiting = 0;
    for (const { queued } of steps) waiting += queued;
    if (waiting > 0) found.set(spec.queue, (found.get(spec.queue) ?? 0) + waiting);
  }
  return found;
}
