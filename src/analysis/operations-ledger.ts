import type { EndCause, ToldUse } from '../model/attempt.ts';
import { type AttemptId, parseAttemptId, type StepId, type WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { ServiceTerms } from '../model/service.ts';
import type { WorkloadSpec } from '../model/workload.ts';

export interface Whose {
  readonly workload: WorkloadId;
  readonly name: string;
  readonly tenant: string;
  readonly queue: string;
}

/** What reports and objectives count, as the journal tells it. */
export type Occurrence =
  | {
      readonly kind: 'workload-ended';
      readonly at: number;
      readonly whose: Whose;
      readonly of: WorkloadSpec['kind'];
      readonly state: 'succeeded' | 'failed' | 'cancelled';
      readonly tookMs: number;
    }
  /** `isHandoff`: its step came after another one, and this is its first try. */
  | {
      readonly kind: 'task-placed';
      readonly at: number;
      readonly whose: Whose;
      readonly step: string;
      readonly waitMs: number;
      readonly isHandoff: boolean;
    }
  | {
      readonly kind: 'attempt-ended';
      readonly at: number;
      readonly whose: Whose;
      readonly step: string;
      readonly attempt: AttemptId;
      readonly node: string;
      readonly cause: EndCause;
      /** Of itself where it was measured, else from its placement to its end. */
      readonly tookMs: number;
    }
  /** More calls and money than before, of attempts that run or ran. `charged` in micro-dollars. */
  | {
      readonly kind: 'spent';
      readonly at: number;
      readonly whose: Whose | undefined;
      readonly calls: number;
      readonly settledCalls: number;
      readonly charged: number;
      readonly isUnpriced: boolean;
    }
  /** `up`: at least one replica is ready. `off`: none is wanted, or it has ended. */
  | {
      readonly kind: 'service';
      readonly at: number;
      readonly whose: Whose;
      readonly state: 'up' | 'down' | 'off';
    }
  /** `off`: it was drained or announced before it left. `lost`: it is there, and tasks on it were lost. */
  | {
      readonly kind: 'node';
      readonly at: number;
      readonly node: string;
      readonly state: 'up' | 'down' | 'off' | 'lost';
    };

/** Only what is needed of it: a book may be kept for as long as the daemon runs. */
interface Known {
  readonly whose: Whose;
  readonly of: WorkloadSpec['kind'];
  readonly steps: readonly {
    readonly id: string;
    readonly needs: readonly string[];
    /** Its tasks wait for each other. */
    readonly isHeld: boolean;
  }[];
  readonly at: number;
  /** Since when tasks of a step could be placed. */
  readonly readyAt: Map<string, number>;
  readonly ended: Set<string>;
  readonly service: ServiceKnown | undefined;
}

interface ServiceKnown {
  /** By step, one for each revision. */
  readonly terms: Map<string, ServiceTerms>;
  readonly health: Map<AttemptId, { isUp: boolean; answers: boolean; isOut: boolean }>;
  /** Tasks that are not wanted any more; what starts of them late is not ready. */
  readonly retired: Set<string>;
  state: 'up' | 'down' | 'off';
  isCancelled: boolean;
}

interface Open {
  readonly at: number;
  readonly node: string;
  told: ToldUse;
  readonly isUnpriced: boolean;
}

/** Workloads that are remembered; the oldest goes that is no service. */
const KNOWN_MAX = 50_000;
const POOL_LABEL = 'berth.pool';

/**
 * Reads the journal event by event, in order, and says what there is to count. What happened to a workload before
 * the first event that is read is asked for when it is met; told, it may lie before that.
 */
export class OperationsLedger {
  readonly #tell: (occurrence: Occurrence) => void;
  readonly #before: (id: WorkloadId) => Iterable<Event>;
  readonly #from: number;
  readonly #known = new Map<WorkloadId, Known>();
  readonly #primed = new Set<WorkloadId>();
  readonly #open = new Map<AttemptId, Open>();
  readonly #next = new Map<AttemptId, AttemptId>();
  /** When a task that tries again, or a replica, could have been placed. */
  readonly #taskReadyAt = new Map<string, number>();
  readonly #spilledAt = new Map<WorkloadId, number>();
  readonly #leaving = new Set<string>();
  readonly #down = new Set<string>();

  constructor(options: {
    readonly from: number;
    readonly tell: (occurrence: Occurrence) => void;
    readonly before?: (id: WorkloadId) => Iterable<Event>;
  }) {
    this.#from = options.from;
    this.#tell = options.tell;
    this.#before = options.before ?? (() => []);
  }

  /** Learns what there was of a workload before. */
  prime(id: WorkloadId): void {
    if (this.#primed.has(id) || this.#known.has(id)) return;
    this.#primed.add(id);
    for (const event of this.#before(id)) {
      if (event.at >= this.#from) return;
      this.#take(event);
    }
  }

  read(event: Event): void {
    const id = 'attempt' in event ? parseAttemptId(event.attempt)?.workload : workloadOfTask(event);
    if (id !== undefined && event.kind !== 'workload-submitted') this.prime(id);
    this.#take(event);
  }

  #take(event: Event): void {
    switch (event.kind) {
      case 'workload-spilled':
        this.#spilledAt.set(event.workload, event.at);
        return;
      case 'workload-submitted':
        this.#submitted(event);
        return;
      case 'step-opened':
      case 'step-expanded':
        this.#known.get(event.workload)?.readyAt.set(event.step, event.at);
        return;
      case 'step-ended':
        this.#stepEnded(event.workload, event.step, event.at);
        return;
      case 'task-placed':
        this.#placed(event.attempt, event.placement.node, event.at, {
          isUnpriced: (event.reserved?.unpriced ?? []).length > 0,
        });
        return;
      case 'attempts-lined-up': {
        let before = event.behind;
        for (const attempt of event.attempts) {
          this.#next.set(before, attempt);
          before = attempt;
        }
        return;
      }
      case 'attempt-used':
        this.#told(event.attempt, event.used, event.at);
        return;
      case 'reserve-renewed':
        this.#charged(event.attempt, event.charged, event.at);
        return;
      case 'spend-settled':
        this.#settled(event);
        return;
      case 'task-ended':
        this.#ended(event);
        return;
      case 'replica-opened':
        this.#serviceOf(event.task)?.retired.delete(event.task);
        this.#taskReadyAt.set(event.task, event.at);
        return;
      case 'retry-due':
        this.#taskReadyAt.set(event.task, event.at);
        return;
      case 'cancel-requested':
        this.#serviceOff(event.workload, event.at);
        this.#cancelled(event.workload);
        return;
      case 'workload-ended':
        this.#workloadEnded(event);
        return;
      case 'node-joined':
        if (event.node.labels[POOL_LABEL] === undefined) {
          this.#node(event.node.id, event.at, stateOfNode(event.node.closed));
        }
        return;
      case 'spot-noticed':
        this.#leaving.add(event.node);
        return;
      case 'node-left':
        if (!event.node.startsWith('pool:')) {
          this.#node(event.node, event.at, this.#leaving.has(event.node) ? 'off' : 'down');
        }
        return;
      default:
        this.#takeOfService(event);
    }
  }

  #takeOfService(event: Event): void {
    switch (event.kind) {
      case 'task-started':
        this.#health(event.attempt, event.at, () => {});
        return;
      case 'task-probed':
        this.#health(event.attempt, event.at, (health) => {
          if (event.probe === 'startup') health.isUp = event.ok;
          if (event.probe === 'readiness') health.answers = event.ok;
          if (event.probe !== 'readiness' && !event.ok) health.isOut = true;
        });
        return;
      case 'stop-ordered':
        this.#health(event.attempt, event.at, (health) => {
          health.isOut = true;
        });
        return;
      case 'replica-retired': {
        const service = this.#serviceOf(event.task);
        service?.retired.add(event.task);
        for (const [attempt, health] of service?.health ?? []) {
          if (attempt.startsWith(`${event.task}.`)) health.isOut = true;
        }
        this.#judge(event.task, event.at);
        return;
      }
      case 'service-scaled':
        if (event.replicas === 0) this.#serviceOff(event.workload, event.at);
        return;
      case 'service-updated': {
        const service = this.#known.get(event.workload)?.service;
        const [step] = event.spec.steps;
        const [base] = service?.terms.keys() ?? [];
        if (service === undefined || base === undefined || step?.service === undefined) return;
        service.terms.set(`${base.slice(0, 50)}-r${event.revision}`, step.service);
        return;
      }
      default:
    }
  }

  #submitted({ workload, tenant, spec, at }: Extract<Event, { kind: 'workload-submitted' }>): void {
    this.#makeRoom();
    const since = this.#spilledAt.get(workload) ?? at;
    this.#spilledAt.delete(workload);
    const { name, queue, steps } = spec;
    const [step] = steps;
    this.#known.set(workload, {
      whose: { workload, name, tenant, queue },
      of: spec.kind,
      steps: steps.map(({ id, needs, count, maxParallel }) => {
        return { id, needs, isHeld: maxParallel < count };
      }),
      at: since,
      readyAt: new Map(),
      ended: new Set(),
      service:
        step?.service === undefined
          ? undefined
          : {
              terms: new Map([[step.id as string, step.service]]),
              health: new Map(),
              retired: new Set(),
              isCancelled: false,
              state: 'off',
            },
    });
  }

  #makeRoom(): void {
    if (this.#known.size < KNOWN_MAX) return;
    for (const [id, { service }] of this.#known) {
      if (service !== undefined) continue;
      this.#known.delete(id);
      return;
    }
  }

  #stepEnded(id: WorkloadId, step: StepId, at: number): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    known.ended.add(step);
    for (const later of known.steps) {
      if (!later.needs.includes(step)) continue;
      if (later.needs.every((need) => known.ended.has(need))) known.readyAt.set(later.id, at);
    }
  }

  #placed(id: AttemptId, node: string, at: number, more: { readonly isUnpriced: boolean }): void {
    const { workload, step, task } = parseAttemptId(id)!;
    this.#open.set(id, { at, node, told: {}, ...more });
    const known = this.#known.get(workload);
    const again = this.#taskReadyAt.get(task);
    this.#taskReadyAt.delete(task);
    if (known === undefined || known.of === 'lease') return;
    const readyAt = again ?? known.readyAt.get(step) ?? known.at;
    const needs = known.steps.find((one) => one.id === step)?.needs ?? [];
    this.#tell({
      kind: 'task-placed',
      at,
      whose: known.whose,
      step,
      waitMs: Math.max(0, at - readyAt),
      isHandoff: needs.length > 0 && again === undefined,
    });
  }

  #told(attempt: AttemptId, used: ToldUse, at: number): void {
    const open = this.#open.get(attempt);
    if (open === undefined) return;
    const calls = (used.modelCalls ?? 0) - (open.told.modelCalls ?? 0);
    open.told = { ...open.told, ...used };
    if (calls > 0) this.#spent(attempt, at, { calls });
  }

  #charged(attempt: AttemptId, charged: number, at: number): void {
    if (charged > 0) this.#spent(attempt, at, { charged });
  }

  #spent(
    attempt: AttemptId,
    at: number,
    more: { readonly calls?: number; readonly charged?: number },
  ): void {
    this.#tell({
      kind: 'spent',
      at,
      whose: this.#known.get(parseAttemptId(attempt)!.workload)?.whose,
      calls: more.calls ?? 0,
      settledCalls: 0,
      charged: more.charged ?? 0,
      isUnpriced: this.#open.get(attempt)?.isUnpriced ?? false,
    });
  }

  #settled({ workload, spending, at }: Extract<Event, { kind: 'spend-settled' }>): void {
    this.#tell({
      kind: 'spent',
      at,
      whose: workload && this.#known.get(workload)?.whose,
      calls: 0,
      settledCalls: spending.calls,
      charged: spending.amount ?? 0,
      isUnpriced: spending.amount === undefined,
    });
  }

  #ended({ attempt, at, end, charged }: Extract<Event, { kind: 'task-ended' }>): void {
    const open = this.#open.get(attempt);
    const next = this.#next.get(attempt);
    this.#next.delete(attempt);
    if (open === undefined) return;
    if (end.used !== undefined) this.#told(attempt, end.used, at);
    this.#charged(attempt, charged ?? 0, at);
    this.#open.delete(attempt);
    const { workload, step } = parseAttemptId(attempt)!;
    const known = this.#known.get(workload);
    if (known === undefined || known.of === 'lease') return;
    // The next one could be placed only now.
    if (known.steps.find((one) => one.id === step)?.isHeld === true) known.readyAt.set(step, at);
    if (end.cause === 'lost' && !this.#down.has(open.node)) this.#node(open.node, at, 'lost');
    this.#tell({
      kind: 'attempt-ended',
      at,
      whose: known.whose,
      step,
      attempt,
      node: open.node,
      cause: end.cause,
      tookMs: end.usage.wallMs ?? Math.max(0, at - open.at),
    });
    known.service?.health.delete(attempt);
    this.#judge(attempt, at);
    if (next !== undefined && end.cause === 'succeeded') {
      this.#placed(next, open.node, at, { isUnpriced: open.isUnpriced });
    }
  }

  #workloadEnded({ workload, state, at }: Extract<Event, { kind: 'workload-ended' }>): void {
    this.#serviceOff(workload, at);
    const known = this.#known.get(workload);
    if (known === undefined) return;
    for (const task of this.#taskReadyAt.keys()) {
      if (task.startsWith(`${workload}.`)) this.#taskReadyAt.delete(task);
    }
    const { whose, of } = known;
    this.#tell({
      kind: 'workload-ended',
      at,
      whose,
      of,
      state,
      tookMs: Math.max(0, at - known.at),
    });
    // From now on only its name is needed, for what is settled later.
    this.#known.delete(workload);
    this.#known.set(workload, { ...known, service: undefined, steps: [] });
  }

  #serviceOf(id: string): ServiceKnown | undefined {
    return this.#known.get(id.slice(0, id.indexOf('.')) as WorkloadId)?.service;
  }

  #health(
    attempt: AttemptId,
    at: number,
    change: (health: { isUp: boolean; answers: boolean; isOut: boolean }) => void,
  ): void {
    const service = this.#serviceOf(attempt);
    if (service === undefined) return;
    const { step, task } = parseAttemptId(attempt)!;
    const terms = service.terms.get(step);
    const health = service.health.get(attempt) ?? {
      isUp: terms?.startup === undefined,
      answers: terms?.readiness === undefined,
      isOut: service.retired.has(task),
    };
    service.health.set(attempt, health);
    change(health);
    this.#judge(attempt, at);
  }

  /** Of a task or an attempt of a service: whether it is up from now on. */
  #judge(id: string, at: number): void {
    const workload = id.slice(0, id.indexOf('.')) as WorkloadId;
    const known = this.#known.get(workload);
    if (known?.service === undefined || known.service.isCancelled) return;
    const { service, whose } = known;
    const isUp = [...service.health.values()].some((one) => one.isUp && one.answers && !one.isOut);
    // Before it was ready for the first time, and while it is not wanted, it is not down.
    const state = isUp ? 'up' : service.state === 'off' ? 'off' : 'down';
    if (state === service.state) return;
    service.state = state;
    this.#tell({ kind: 'service', at, whose, state });
  }

  #serviceOff(id: WorkloadId, at: number): void {
    const known = this.#known.get(id);
    if (known?.service === undefined || known.service.state === 'off') return;
    known.service.state = 'off';
    for (const health of known.service.health.values()) health.isOut = true;
    this.#tell({ kind: 'service', at, whose: known.whose, state: 'off' });
  }

  /** What starts of it until it has ended is not wanted. */
  #cancelled(id: WorkloadId): void {
    const service = this.#known.get(id)?.service;
    if (service !== undefined) service.isCancelled = true;
  }

  #node(node: string, at: number, state: 'up' | 'down' | 'off' | 'lost'): void {
    if (state === 'down') this.#down.add(node);
    if (state === 'up') {
      this.#down.delete(node);
      this.#leaving.delete(node);
    }
    if (state === 'off') this.#leaving.add(node);
    this.#tell({ kind: 'node', at, node, state });
  }
}

function stateOfNode(closed: 'drained' | 'unhealthy' | undefined): 'up' | 'down' | 'off' {
  if (closed === undefined) return 'up';
  return closed === 'drained' ? 'off' : 'down';
}

function workloadOfTask(event: Event): WorkloadId | undefined {
  if ('workload' in event) return event.workload;
  return 'task' in event ? (event.task.slice(0, event.task.indexOf('.')) as WorkloadId) : undefined;
}
