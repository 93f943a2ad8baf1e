import { refusalSentence } from '../api/views/sentences.ts';
import type { TimeMs } from '../base/units.ts';
import { qosOfAttempt } from '../engine/evictions.ts';
import type { AttemptRecord, WorkloadRecord } from '../engine/records.ts';
import type { State } from '../engine/state.ts';
import type { AlertRule } from '../model/alert-rule.ts';
import type { AttemptId, NodeId, TenantId } from '../model/ids.ts';
import type { AttemptUse } from '../model/live-change.ts';
import { preemptionPriorities } from '../model/qos.ts';
import type { Loop } from '../runtime/loop.ts';
import { type Consumer, evictionOrder } from '../scheduling/qos.ts';
import type { ActionOrder } from '../telemetry/alerts/alert-state.ts';
import { runWith } from '../telemetry/alerts/io/deliver.ts';
import { type NoticeSite, noticeBody } from '../telemetry/alerts/payloads.ts';

/** What the engine is told that acts for nobody in particular. */
const BY = 'alerts' as TenantId;

export interface AlertActionsDeps {
  readonly state: State;
  readonly loop: Pick<Loop, 'send'>;
  readonly now: () => TimeMs;
  /** Of this machine; undefined before it has joined. */
  readonly node: () => NodeId | undefined;
  readonly memoryOf: (attempt: AttemptId) => AttemptUse['memory'] | undefined;
  readonly site: string;
  readonly signal: AbortSignal;
}

/** Does what a rule says by commands to the engine, and tells what came of it. Never rejects. */
export class AlertActions {
  readonly #deps: AlertActionsDeps;

  constructor(deps: AlertActionsDeps) {
    this.#deps = deps;
  }

  async act(order: ActionOrder, rule: AlertRule): Promise<string> {
    try {
      const { action } = order;
      switch (action.kind) {
        case 'scale_up':
          return await this.#scaleUp(action, order, rule);
        case 'evict_low_priority':
          return await this.#evict(rule);
        case 'pause_low_priority':
          return await this.#pause();
        case 'command':
          return await this.#run(action, order, rule);
      }
    } catch (error) {
      return `failed: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  async #scaleUp(
    { replicas, service }: Extract<ActionOrder['action'], { kind: 'scale_up' }>,
    { alert }: ActionOrder,
    rule: AlertRule,
  ): Promise<string> {
    const wanted = service ?? alert.labels['workload'];
    const services = [...this.#deps.state.workloads()].filter(
      (one) =>
        one.service !== undefined &&
        one.state === 'active' &&
        one.cancelledBy === undefined &&
        (wanted === undefined || one.id === wanted || one.spec.name === wanted),
    );
    if (services.length === 0) {
      return wanted === undefined
        ? 'refused: no service runs'
        : `refused: no service ${wanted} runs`;
    }
    const outcomes: string[] = [];
    for (const one of services) outcomes.push(await this.#scaleOne(one, replicas, rule));
    return outcomes.join('; ');
  }

  async #scaleOne(workload: WorkloadRecord, more: number, rule: AlertRule): Promise<string> {
    const { id, spec } = workload;
    const name = `${spec.name} (${id})`;
    const terms = spec.steps[0]?.service?.autoscaling;
    if (terms === undefined) return `refused: ${name} is not autoscaled`;
    const { replicas: from } = workload.service!;
    const to = Math.min(from + more, terms.maxReplicas);
    if (to <= from) return `refused: ${name} has ${from} replicas, and may have no more`;
    const reason = `alert ${rule.name}: ${rule.text}`;
    const answer = await this.#deps.loop.send({
      kind: 'scale',
      workload: id,
      replicas: to,
      auto: { from, reason },
    });
    if (answer.kind === 'refused') return this.#refusal(answer.refusal);
    const now = this.#deps.state.workload(id)?.service?.replicas;
    return now === to
      ? `${name} has ${to} replicas instead of ${from}`
      : `refused: ${name} was changed meanwhile`;
  }

  /** The engine chooses; whether it did shows in what it remembers. */
  async #evict({ name, text }: AlertRule): Promise<string> {
    const { state, loop } = this.#deps;
    const node = this.#deps.node();
    if (node === undefined) return 'refused: this machine has not joined yet';
    const before = state.live.lastEviction(node);
    const use = this.#consumers(node).map(([{ attempt, used }]) => ({ attempt, memory: used }));
    const answer = await loop.send({
      kind: 'report-pressure',
      node,
      pressure: {},
      use: use.filter((one): one is AttemptUse => one.memory !== undefined),
      relief: `alert ${name}: ${text}`,
    });
    if (answer.kind === 'refused') return this.#refusal(answer.refusal);
    const last = state.live.lastEviction(node);
    if (last !== undefined && last !== before) return `evicted ${last.eviction.attempt}`;
    return 'refused: nothing runs that may be evicted, or somebody leaves already';
  }

  async #pause(): Promise<string> {
    const node = this.#deps.node();
    if (node === undefined) return 'refused: this machine has not joined yet';
    const consumers = new Map(this.#consumers(node));
    const first = evictionOrder([...consumers.keys()])[0];
    if (first === undefined) return 'refused: nothing runs that may be paused';
    const workload = consumers.get(first)!.task.step.workload.id;
    const answer = await this.#deps.loop.send({ kind: 'pause', workload, by: BY });
    if (answer.kind === 'refused') return this.#refusal(answer.refusal);
    return `paused ${workload}: \`berth resume ${workload}\` lets it go on`;
  }

  /** Those that may give way: what is guaranteed, kept alive or paused already does not. */
  #consumers(node: NodeId): readonly [Consumer, AttemptRecord][] {
    const found: [Consumer, AttemptRecord][] = [];
    for (const attempt of this.#deps.state.runningAttempts()) {
      const { id, task, placement, stop, live } = attempt;
      const qos = qosOfAttempt(attempt);
      if (placement.node !== node || stop !== undefined || live?.pausedBy !== undefined) continue;
      if (qos === 'guaranteed' || task.step.spec.run.kind === 'held') continue;
      const consumer: Consumer = {
        attempt: id,
        qos,
        classPriority: task.stops?.preemptionPriority ?? preemptionPriorities[qos],
        priority: task.priority,
        requested: placement.held.memory,
        used: this.#deps.memoryOf(id),
      };
      found.push([consumer, attempt]);
    }
    return found;
  }

  async #run(
    { argv, timeoutMs }: Extract<ActionOrder['action'], { kind: 'command' }>,
    { alert }: ActionOrder,
    rule: AlertRule,
  ): Promise<string> {
    const { now, site, signal } = this.#deps;
    const of: NoticeSite = { site, ruleOf: () => rule };
    const notice = { to: 'action', at: now(), items: [{ what: 'firing' as const, alert }] };
    const [input] = noticeBody(notice, of).alerts;
    const ran = await runWith(argv, { input: JSON.stringify(input), timeoutMs, signal });
    return ran.ok ? `${argv[0]} ended well` : `failed: ${argv[0]}: ${ran.why}`;
  }

  #refusal(refusal: Parameters<typeof refusalSentence>[0]): string {
    return `refused: ${refusalSentence(refusal, this.#deps.now())}`;
  }
}
