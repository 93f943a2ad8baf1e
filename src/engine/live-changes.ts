import { assert } from '../base/assert.ts';
import type { SpanMs, TimeMs } from '../base/units.ts';
import {
  type AttemptEnd,
  mayRetry,
  type StopReason,
  type TermEnforcement,
} from '../model/attempt.ts';
import type { NodeId, TenantId } from '../model/ids.ts';
import type {
  AdjustedLimits,
  Eviction,
  MoveOutcome,
  PlannedMove,
  RebalancePlan,
} from '../model/live-change.ts';
import type { Event, LiveEvent } from '../model/messages.ts';
import type { Node } from '../model/node.ts';
import type { Resources } from '../model/resources.ts';
import { isSpot, quoteOf, samePrice } from '../model/spot.ts';
import { spanOf } from './quota-gate.ts';
import {
  type AttemptRecord,
  currentAttempt,
  isStopped,
  runningOf,
  type TaskRecord,
} from './records.ts';
import type { State } from './state.ts';

/** Evictions kept for explaining them; of the older ones the journal tells. */
const EVICTIONS_KEPT = 1_000;
const MOVES_KEPT = 100;

/** What was changed of an attempt while it ran. */
export interface LiveRecord {
  /** All limits since the last adjustment; absent where none was made. */
  readonly limits?: AdjustedLimits;
  readonly pausedBy?: TenantId;
  /** It was paused at least once: a driver may still hold it. */
  readonly wasPaused?: boolean;
  /** It was moved to other CPUs while it ran. */
  readonly repinned?: boolean;
  /** As the driver read it back. */
  readonly terms?: readonly TermEnforcement[];
  /** What it held before, and until when; the last is followed by what it holds now. */
  readonly before: readonly { readonly held: Resources; readonly until: TimeMs }[];
}

export interface EvictionRecord {
  readonly at: TimeMs;
  readonly eviction: Eviction;
}

export interface MoveRecord {
  readonly at: TimeMs;
  readonly move: PlannedMove;
  readonly outcome: MoveOutcome;
}

export interface SpotNotice {
  readonly deadline: TimeMs;
  /** As it was: it is that again if it is still there at the deadline. */
  readonly node: Node;
}

/** A rebalance in force. */
export interface Rebalance {
  readonly plan: RebalancePlan;
  readonly settleMs: SpanMs;
  /** Of the plan's moves, how many have ended. */
  readonly done: number;
  readonly current?: {
    readonly move: PlannedMove;
    readonly orderedAt: TimeMs;
    /** `back`: it did not go well, and returns. */
    readonly phase: 'out' | 'back';
    /** Of another task on the new node, since the move was ordered. */
    readonly failedBeside: boolean;
    /** Of a move to other CPUs, those that it had; absent where it had all. */
    readonly former?: readonly number[];
  };
}

export interface SavedLive {
  readonly evictions: readonly EvictionRecord[];
  readonly notices: readonly (readonly [NodeId, SpotNotice])[];
  readonly rebalance?: Rebalance;
  readonly moves: readonly MoveRecord[];
}

const kinds: Record<LiveEvent['kind'], true> = {
  'attempt-adjusted': true,
  'attempt-paused': true,
  'attempt-resumed': true,
  'adjustment-reported': true,
  'priority-changed': true,
  'eviction-ordered': true,
  'spot-noticed': true,
  'spot-priced': true,
  'rebalance-started': true,
  'move-ordered': true,
  'move-ended': true,
};

export const isLiveEvent = (event: Event): event is LiveEvent => Object.hasOwn(kinds, event.kind);

/** What changes of tasks while they run, and what is in force of it. Written by `apply` alone. */
export class LiveChanges {
  readonly #state: State;
  #evictions: EvictionRecord[] = [];
  readonly #lastEviction = new Map<NodeId, EvictionRecord>();
  readonly #notices = new Map<NodeId, SpotNotice>();
  #rebalance: Rebalance | undefined;
  #moves: MoveRecord[] = [];

  constructor(state: State) {
    this.#state = state;
  }

  /** The last ones, the oldest first. */
  get evictions(): readonly EvictionRecord[] {
    return this.#evictions;
  }

  lastEviction(node: NodeId): EvictionRecord | undefined {
    return this.#lastEviction.get(node);
  }

  notice(node: NodeId): SpotNotice | undefined {
    return this.#notices.get(node);
  }

  /** In the order in which they came. */
  get notices(): Iterable<SpotNotice> {
    return this.#notices.values();
  }

  /** That ended last, the oldest first. */
  get moves(): readonly MoveRecord[] {
    return this.#moves;
  }

  get rebalance(): Rebalance | undefined {
    return this.#rebalance;
  }

  apply(event: LiveEvent): void {
    switch (event.kind) {
      case 'attempt-adjusted':
        this.#adjust(event);
        break;
      case 'attempt-paused': {
        const attempt = this.#attempt(event.attempt);
        attempt.live = { ...liveOf(attempt), pausedBy: event.by, wasPaused: true };
        break;
      }
      case 'attempt-resumed': {
        const attempt = this.#attempt(event.attempt);
        const { pausedBy: _, ...rest } = liveOf(attempt);
        attempt.live = rest;
        break;
      }
      case 'adjustment-reported': {
        const attempt = this.#attempt(event.attempt);
        const live = liveOf(attempt);
        attempt.live = { ...live, terms: newerTerms(live.terms, event.terms) };
        break;
      }
      case 'priority-changed':
        this.#prioritise(event);
        break;
      case 'eviction-ordered':
        this.#evict({ at: event.at, eviction: event.eviction });
        this.#stop(this.#attempt(event.eviction.attempt), 'evicted');
        break;
      case 'spot-noticed':
        this.#noticeSpot(event);
        break;
      case 'spot-priced':
        this.#price(event);
        break;
      case 'rebalance-started':
        this.#rebalance = { plan: event.plan, settleMs: event.settleMs, done: 0 };
        break;
      case 'move-ordered':
        this.#move(event);
        break;
      case 'move-ended':
        this.#endMove(event);
        break;
    }
  }

  /** A node came or came again: whatever was said of it before is over. */
  joined(node: Node): void {
    this.#notices.delete(node.id);
    const { table, parts } = this.#state;
    const row = table.rowOf(node.id);
    const before = row === undefined ? undefined : table.node(row);
    this.#rejoin(node);
    if (before === undefined || isSpot(before) === isSpot(node)) return;
    for (const attempt of this.#state.runningAttempts()) {
      if (attempt.placement.node === node.id) parts.holdSpot(attempt);
    }
  }

  left(node: NodeId): void {
    this.#notices.delete(node);
    this.#lastEviction.delete(node);
    this.#state.table.leave(node);
  }

  /** Whether the node of a move in force goes on well is judged by this, too. */
  ended(attempt: AttemptRecord): void {
    const current = this.#rebalance?.current;
    if (current === undefined || current.phase === 'back' || attempt.end === undefined) return;
    if (!endedBadly(attempt.end) || attempt.placement.node !== current.move.to) return;
    if (attempt.task === this.#state.attempt(current.move.attempt)?.task) return;
    this.#rebalance = { ...this.#rebalance!, current: { ...current, failedBeside: true } };
  }

  save(): SavedLive {
    return {
      evictions: this.#evictions,
      notices: [...this.#notices],
      ...(this.#rebalance && { rebalance: this.#rebalance }),
      moves: this.#moves,
    };
  }

  restore({ evictions, notices, rebalance, moves }: SavedLive): void {
    for (const record of evictions) this.#evict(record);
    for (const [id, notice] of notices) this.#notices.set(id, notice);
    this.#rebalance = rebalance;
    this.#moves = [...moves];
  }

  #evict(record: EvictionRecord): void {
    this.#evictions.push(record);
    if (this.#evictions.length > EVICTIONS_KEPT) this.#evictions.shift();
    this.#lastEviction.set(record.eviction.node, record);
  }

  /** As if what it held had ended and what it holds now had begun; it is the same attempt to everybody else. */
  #adjust(event: Extract<Event, { kind: 'attempt-adjusted' }>): void {
    const { at, held, limits, cores } = event;
    const attempt = this.#attempt(event.attempt);
    const { table, scheduler, quotas, parts, money } = this.#state;
    const row = table.rowOf(attempt.placement.node);
    assert(row !== undefined && attempt.end === undefined, 'only what runs is adjusted');
    const former = attempt.placement;
    const before = runningOf(attempt, row);
    table.give(former.node, former.held, former.gpus);
    quotas?.ended(attempt.id, spanOf(attempt), at);
    attempt.task.step.workload.attained.end(former.held, at);
    const live = liveOf(attempt);
    attempt.live = { ...live, limits, before: [...live.before, { held: former.held, until: at }] };
    parts.cores.remove(attempt);
    attempt.placement = { ...former, held, memoryLimit: limits.memory, ...(cores && { cores }) };
    parts.cores.add(attempt);
    table.take(row, held, former.gpus);
    attempt.task.step.workload.attained.start(held, at);
    quotas?.started(attempt.id, spanOf(attempt));
    money.adjusted(attempt, at);
    scheduler.resized(before, runningOf(attempt, row), at);
  }

  #prioritise({ workload: id, priority }: Extract<Event, { kind: 'priority-changed' }>): void {
    const { scheduler } = this.#state;
    const workload = this.#state.workload(id);
    assert(workload !== undefined, 'a workload that is known');
    workload.priority = priority;
    for (const step of workload.steps) {
      const waiting: TaskRecord[] = [];
      for (const task of step.tasks) {
        if (task.state !== 'waiting') continue;
        // It leaves as what it was, so that every order finds it.
        scheduler.withdraw(task, 'again');
        waiting.push(task);
      }
      for (const task of step.tasks) task.priority = priority;
      if (isStopped(workload) || step.counts.failed > 0) continue;
      for (const task of waiting) scheduler.enqueue(task);
    }
    scheduler.reprioritised?.();
  }

  #noticeSpot({ node: id, deadline }: Extract<Event, { kind: 'spot-noticed' }>): void {
    const { table } = this.#state;
    const node = table.node(table.rowOf(id)!)!;
    this.#notices.set(id, { deadline, node: this.#notices.get(id)?.node ?? node });
    this.#rejoin({ ...node, closed: 'drained' });
    for (const attempt of this.#state.runningAttempts()) {
      if (attempt.placement.node === id) this.#stop(attempt, 'spot');
    }
  }

  /** What runs is paid at the old price until now. */
  #price({ at, quotes }: Extract<Event, { kind: 'spot-priced' }>): void {
    const { table, scheduler, money } = this.#state;
    const before = table.spot.quotes;
    table.spot.quote(quotes);
    table.markAll();
    scheduler.nodesChanged();
    for (const attempt of this.#state.runningAttempts()) {
      const row = table.rowOf(attempt.placement.node);
      const node = row === undefined ? undefined : table.node(row);
      if (node === undefined) continue;
      if (!samePrice(quoteOf(before, node), quoteOf(quotes, node))) money.adjusted(attempt, at);
    }
  }

  #move({ at, move }: Extract<Event, { kind: 'move-ordered' }>): void {
    const former = this.#rebalance!;
    const phase = former.current === undefined ? 'out' : 'back';
    const current = { move, orderedAt: at, phase, failedBeside: false } as const;
    if (move.cores !== undefined) {
      const attempt = this.#attempt(move.attempt);
      const had = former.current === undefined ? attempt.placement.cores : former.current.former;
      this.#repin(attempt, phase === 'out' ? move.cores : had);
      this.#rebalance = { ...former, current: { ...current, ...(had && { former: had }) } };
      return;
    }
    this.#rebalance = { ...former, current };
    const task = this.#attempt(move.attempt).task;
    const attempt = currentAttempt(task);
    if (task.state === 'running' && attempt !== undefined) {
      this.#stop(attempt, 'moved');
    }
  }

  #repin(attempt: AttemptRecord, cores: readonly number[] | undefined): void {
    const { parts } = this.#state;
    parts.cores.remove(attempt);
    const { cores: _, ...rest } = attempt.placement;
    attempt.placement = { ...rest, ...(cores && { cores }) };
    attempt.live = { ...liveOf(attempt), repinned: true };
    parts.cores.add(attempt);
  }

  /** One that did not go well is the last. */
  #endMove({ at, move, outcome }: Extract<Event, { kind: 'move-ended' }>): void {
    this.#moves.push({ at, move, outcome });
    if (this.#moves.length > MOVES_KEPT) this.#moves.shift();
    const { plan, settleMs, done } = this.#rebalance!;
    const goesOn = outcome === 'stable' || outcome === 'ended';
    this.#rebalance =
      goesOn && done + 1 < plan.moves.length ? { plan, settleMs, done: done + 1 } : undefined;
  }

  #stop(attempt: AttemptRecord, reason: StopReason): void {
    this.#state.toStop.push({ attempt, reason });
  }

  #rejoin(node: Node): void {
    this.#state.table.join(node);
    this.#state.scheduler.nodesChanged();
  }

  #attempt(id: AttemptRecord['id']): AttemptRecord {
    const attempt = this.#state.attempt(id);
    assert(attempt !== undefined, `an attempt that is known: ${id}`);
    return attempt;
  }
}

/** Who takes over a place takes it as it is by then. */
export function inherit(attempt: AttemptRecord, { placement, live }: AttemptRecord): void {
  if (live?.limits === undefined) return;
  attempt.placement = placement;
  attempt.live = { limits: live.limits, before: [] };
}

export const endedBadly = ({ cause }: AttemptEnd): boolean =>
  mayRetry[cause] && cause !== 'preempted';

/** Of each term what was read back last. */
export function newerTerms(
  former: readonly TermEnforcement[] | undefined,
  news: readonly TermEnforcement[],
): readonly TermEnforcement[] {
  const kept = former?.filter(({ term }) => !news.some((one) => one.term === term));
  return [...(kept ?? []), ...news];
}

/** What became of its execution terms and of what was changed since; undefined where it has none. */
export function termsNow({
  end,
  terms,
  live,
}: AttemptRecord): readonly TermEnforcement[] | undefined {
  if (end !== undefined) return end.enforced.terms;
  return live?.terms === undefined ? terms : newerTerms(terms, live.terms);
}

const liveOf = (attempt: AttemptRecord): LiveRecord => attempt.live ?? { before: [] };
