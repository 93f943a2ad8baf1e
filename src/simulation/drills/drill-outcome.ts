import type { TimeMs } from '../../base/units.ts';
import type { Engine } from '../../engine/engine.ts';
import type { NodeId, WorkloadId } from '../../model/ids.ts';
import type { Event } from '../../model/messages.ts';
import type { RequestLoad, RequestSecond } from '../models/request-load.ts';
import type { Observer } from '../observer.ts';

/** What came of a drill, in numbers. */
export interface DrillOutcome {
  /** Distinct nodes that were lost, and the most that were away at once. */
  readonly nodesLost: number;
  readonly nodesAwayMost: number;
  /** Attempts that ended otherwise than well, by cause. */
  readonly ends: Readonly<Record<string, number>>;
  readonly succeeded: number;
  readonly preempted: number;
  /** Milliseconds from submission to the first start, by name of the job; of those that started. */
  readonly waits: Readonly<Record<string, readonly number[]>>;
  /** Jobs that never started, by name. */
  readonly waiting: Readonly<Record<string, number>>;
  readonly requests: RequestOutcome | undefined;
}

export interface RequestOutcome {
  /** Good answers over requests: before the first node is lost, after it, and in the worst whole minute after. */
  readonly before: number;
  readonly after: number;
  readonly worstMinute: number;
  /** Tries over requests after the first failure: how much retries add to the load. */
  readonly amplification: number;
  /** Of the workers, those that were killed at least once. */
  readonly workersKilled: number;
  /** Part of the compartments that answered less than half of what they were asked, at the end. */
  readonly blastRadius: number;
  readonly refused: number;
  readonly wasted: number;
}

const MINUTE_MS = 60_000;

/** Reads a simulation as it goes, for what a drill is to show. */
export class DrillRecord implements Observer {
  readonly #lost = new Set<NodeId>();
  #away = 0;
  #awayMost = 0;
  #firstLoss: TimeMs | undefined;
  readonly #ends: Record<string, number> = {};
  #succeeded = 0;
  #preempted = 0;
  readonly #submitted = new Map<WorkloadId, { readonly name: string; readonly at: TimeMs }>();
  readonly #waits: Record<string, number[]> = {};

  happened(event: Event, engine: Engine): void {
    switch (event.kind) {
      case 'node-left':
        this.#lost.add(event.node);
        this.#away++;
        this.#awayMost = Math.max(this.#awayMost, this.#away);
        this.#firstLoss ??= event.at;
        return;
      case 'node-joined':
        if (this.#lost.has(event.node.id)) this.#away--;
        return;
      case 'workload-submitted':
        this.#submitted.set(event.workload, { name: event.spec.name, at: event.at });
        return;
      case 'task-placed': {
        const { step } = engine.state.attempt(event.attempt)!.task;
        this.#started(step.workload.id, event.at);
        return;
      }
      case 'task-ended':
        this.#ended(event.end.cause);
        return;
      default:
        return;
    }
  }

  outcome(load: RequestLoad | undefined): DrillOutcome {
    const waiting: Record<string, number> = {};
    for (const { name } of this.#submitted.values()) waiting[name] = (waiting[name] ?? 0) + 1;
    return {
      nodesLost: this.#lost.size,
      nodesAwayMost: this.#awayMost,
      ends: sorted(this.#ends),
      succeeded: this.#succeeded,
      preempted: this.#preempted,
      waits: sorted(this.#waits),
      waiting: sorted(waiting),
      requests: load && requestOutcome(load, this.#firstLoss ?? (0 as TimeMs)),
    };
  }

  #started(id: WorkloadId, at: TimeMs): void {
    const submitted = this.#submitted.get(id);
    if (submitted === undefined) return;
    this.#submitted.delete(id);
    const waits = this.#waits[submitted.name] ?? [];
    waits.push(at - submitted.at);
    this.#waits[submitted.name] = waits;
  }

  #ended(cause: string): void {
    if (cause === 'succeeded') {
      this.#succeeded++;
      return;
    }
    if (cause === 'preempted') this.#preempted++;
    this.#ends[cause] = (this.#ends[cause] ?? 0) + 1;
  }
}

function requestOutcome({ seconds, killed }: RequestLoad, firstLoss: TimeMs): RequestOutcome {
  const before = seconds.filter(({ at }) => at < firstLoss);
  const after = seconds.filter(({ at }) => at >= firstLoss);
  const minutes = [...Map.groupBy(after, ({ at }) => Math.floor((at - firstLoss) / MINUTE_MS))];
  const whole = minutes.filter(([, minute]) => minute.length === MINUTE_MS / 1000);
  const worst = whole.map(([, minute]) => goodput(minute));
  const requests = sum(after, (second) => second.requests);
  const last = after.slice(-MINUTE_MS / 1000);
  const compartments = last[0]?.goodOf.length ?? 0;
  const asked = sum(last, (second) => second.requests) / Math.max(1, compartments);
  const hit = Array.from({ length: compartments }, (_, i) => sum(last, ({ goodOf }) => goodOf[i]!));
  return {
    before: goodput(before),
    after: goodput(after),
    worstMinute: worst.length === 0 ? 1 : Math.min(...worst),
    amplification: (requests + sum(after, ({ retries }) => retries)) / Math.max(1, requests),
    workersKilled: killed.size,
    blastRadius: hit.filter((good) => good < asked / 2).length / Math.max(1, compartments),
    refused: sum(after, ({ refused }) => refused),
    wasted: sum(after, ({ wasted }) => wasted),
  };
}

const sum = (seconds: readonly RequestSecond[], of: (second: RequestSecond) => number): number =>
  seconds.reduce((total, second) => total + of(second), 0);

const goodput = (seconds: readonly RequestSecond[]): number =>
  sum(seconds, ({ good }) => good) /
  Math.max(
    1,
    sum(seconds, ({ requests }) => requests),
  );

const sorted = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
