import { type SpanMs, type TimeMs, UNLIMITED } from '../base/units.ts';
import type { QueueName } from '../model/ids.ts';
import type {
  Claim,
  EvictionRule,
  OptionScore,
  Preemption,
  PreemptionStrategy,
} from '../model/preemption.ts';
import type { PreemptionConfig } from '../model/scheduling-config.ts';
import type { Topology } from '../model/workload.ts';
import { heldWeight, latePenalty } from './eviction-cost.ts';
import { domainsOf, freeBy } from './free-by.ts';
import { earlier } from './gang-answers.ts';
import type { NodeTable } from './node-table.ts';
import type { Occupancy, Occupant } from './occupancy.ts';
import { keptAsk } from './preempting.ts';
import type { Reclaim } from './reclaim.ts';
import type { Candidate } from './scheduler.ts';
import type { Ask } from './shape.ts';
import { findVictims, type Ranking, type Victims } from './victim-search.ts';
import { highestClass, weightOfClass } from './victim-units.ts';

export interface PreemptionAsk<T extends Candidate> {
  readonly task: T;
  readonly ask: Ask;
  readonly members: number;
  readonly topology?: Topology | undefined;
  readonly at: TimeMs;
  /** What stopping and waiting cost is reckoned as of this moment, at most `at`; `at`, when not given. */
  readonly pricedAt?: TimeMs;
  readonly options: PreemptionConfig;
  /** Tasks of the queue that may still be stopped in this hour. */
  readonly budget: (queue: QueueName) => number;
  /** What it may take from other queues; without it, priorities decide everywhere. */
  readonly reclaim?: Reclaim<T> | undefined;
}

export type PreemptionVerdict =
  | { readonly kind: 'preempt'; readonly preemption: Preemption }
  /** It fits once those that were told to stop have stopped, or waiting is cheaper than stopping anybody. */
  | {
      readonly kind: 'wait';
      readonly until: TimeMs | undefined;
      readonly options: readonly OptionScore[];
    }
  /** No set of victims helps now; `until` is when the next one leaves its minimum run time. */
  | { readonly kind: 'no-help'; readonly until: TimeMs | undefined };

interface Option<T extends Candidate> {
  readonly score: OptionScore;
  readonly victims: Victims<T> | undefined;
  readonly until: TimeMs | undefined;
}

const rankings: readonly Ranking[] = ['least-cost', 'preempt_oldest', 'preempt_least_progress'];

/**
 * Whether somebody is stopped for a task or a gang that found no place, who, and why. Every option is priced;
 * among those that stop somebody, the lowest class of service and priority that is hit decides, then the price; and waiting wins
 * where it is cheaper than the best of them. Each eviction strictly raises what the rule compares, so that a
 * cluster left alone comes to rest (Kueue's rules S2-a and S2-b for shares).
 */
export function decidePreemption<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  ask: PreemptionAsk<T>,
): PreemptionVerdict {
  const policy = new Policy(ask);
  const options: Option<T>[] = [];
  for (const ranking of rankings) {
    const victims = searchDomains(table, occupancy, ask, policy, ranking);
    if (victims === undefined) break;
    if (victims.units.length === 0) return { kind: 'wait', until: undefined, options: [] };
    options.push(optionOf(ranking, victims));
  }
  if (options.length === 0) return { kind: 'no-help', until: policy.nextFree(occupancy) };
  const best = options.reduce((a, b) => (comparePrices(b.score, a.score) < 0 ? b : a));
  const wait = waitOption(table, occupancy, ask);
  const scores = [...options.map((option) => option.score), wait.score];
  if (wait.score.total < best.score.total) {
    // Somebody cheaper may be stopped before that, once his time to be left alone is over.
    const until = earlier(wait.until, policy.nextFree(occupancy));
    return { kind: 'wait', until, options: scores };
  }
  return { kind: 'preempt', preemption: record(table, ask, best, scores) };
}

function comparePrices(a: OptionScore, b: OptionScore): number {
  const [hit, other] = [a, b].map((one) => weightOfClass(one.highestClass, one.highestPriority));
  return hit! - other! || a.total - b.total || a.victims - b.victims;
}

/** One search, or one for each place that a required topology allows: the cheapest of them. */
function searchDomains<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  ask: PreemptionAsk<T>,
  policy: Policy<T>,
  ranking: Ranking,
): Victims<T> | undefined {
  const base = { ask: ask.ask, members: ask.members, ranking, policy };
  const { topology } = ask;
  if (topology === undefined || !topology.required) return findVictims(table, occupancy, base);
  let best: { victims: Victims<T>; score: OptionScore } | undefined;
  for (const rows of domainsOf(table, topology)) {
    const victims = findVictims(table, occupancy, { ...base, rows });
    if (victims === undefined) continue;
    const { score } = optionOf(ranking, victims);
    if (best === undefined || comparePrices(score, best.score) < 0) best = { victims, score };
  }
  return best?.victims;
}

function optionOf<T extends Candidate>(strategy: Ranking, victims: Victims<T>): Option<T> {
  let [lost, count, highest] = [0, 0, Number.NEGATIVE_INFINITY];
  let classed: number | undefined;
  for (const unit of victims.units) {
    lost += unit.cost;
    count += unit.members.length;
    highest = Math.max(highest, unit.priority);
    classed = highestClass(classed, unit.classPriority);
  }
  const score = {
    strategy,
    victims: count,
    highestPriority: highest,
    ...(classed !== undefined && { highestClass: classed }),
    lost,
    waiting: 0,
    total: lost,
  };
  return { score, victims, until: undefined };
}

/** Until enough has ended by the estimates: the preemptor's weight for so long, and what its promise costs. */
function waitOption<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  preemption: PreemptionAsk<T>,
): Option<T> {
  const { task, ask, members, options } = preemption;
  const at = preemption.pricedAt ?? preemption.at;
  const until = freeBy(table, occupancy, { ...preemption, at });
  let waiting: number = UNLIMITED;
  if (until !== undefined) {
    const waitS = Math.ceil((until - at) / 1000);
    const waitedMs = (until - task.submittedAt) as SpanMs;
    waiting = heldWeight(ask) * members * waitS;
    if (options.promise !== undefined) waiting += latePenalty(options.promise, waitedMs);
  }
  const strategy: PreemptionStrategy = 'wait_for_completion';
  const score = { strategy, victims: 0, highestPriority: 0, lost: 0, waiting, total: waiting };
  return { score, victims: undefined, until };
}

/** Who may be stopped for this task now. */
class Policy<T extends Candidate> {
  /** As of when costs are reckoned. */
  readonly at: TimeMs;
  readonly #ask: PreemptionAsk<T>;
  readonly budget: (queue: QueueName) => number;

  constructor(ask: PreemptionAsk<T>) {
    this.#ask = ask;
    this.at = ask.pricedAt ?? ask.at;
    this.budget = ask.budget;
  }

  mayStop(occupant: Occupant<T>): boolean {
    return this.#eligible(occupant) && this.#ask.at >= this.#freeAt(occupant);
  }

  allows(victim: Occupant<T>, alsoStopped: Iterable<Occupant<T>>): boolean {
    const { task, reclaim } = this.#ask;
    if (reclaim?.isOther(victim.running.task) === true) return reclaim.allows(victim, alsoStopped);
    return task.priority > victim.running.task.priority;
  }

  /** When the first task that only its minimum run time protects may be stopped. */
  nextFree(occupancy: Occupancy<T>): TimeMs | undefined {
    let next: number | undefined;
    for (const occupant of occupancy.all()) {
      if (!this.#eligible(occupant)) continue;
      const freeAt = this.#freeAt(occupant);
      if (freeAt > this.#ask.at && (next === undefined || freeAt < next)) next = freeAt;
    }
    return next as TimeMs | undefined;
  }

  #freeAt({ running }: Occupant<T>): number {
    const own = running.task.stops?.minRunMs ?? 0;
    return running.placedAt + Math.max(own, this.#ask.options.minRunMs);
  }

  #eligible({ running, stopping }: Occupant<T>): boolean {
    const { task, reclaim } = this.#ask;
    const { task: victim } = running;
    if (stopping || victim.stops?.preemptible === false) return false;
    if (reclaim?.isOther(victim) === true) return reclaim.mayTake(victim);
    return victim.priority < task.priority;
  }
}

function record<T extends Candidate>(
  table: NodeTable,
  ask: PreemptionAsk<T>,
  { score, victims }: Option<T>,
  options: readonly OptionScore[],
): Preemption {
  const stopped = victims!.units.flatMap((unit) => unit.members);
  const claims: Claim[] = [...victims!.seats].map(([row, members]) => {
    return { node: table.node(row)!.id, members };
  });
  return {
    preemptor: ask.task.id,
    ask: keptAsk(ask.ask),
    victims: victims!.units.flatMap((unit) =>
      unit.members.map(({ running }) => ({
        attempt: running.attempt,
        queue: running.task.queue,
        priority: running.task.priority,
        cost: unit.cost,
      })),
    ),
    claims,
    rule: ruleOf(ask, stopped),
    chosen: score.strategy,
    options,
  };
}

function ruleOf<T extends Candidate>(
  { task, reclaim }: PreemptionAsk<T>,
  stopped: readonly Occupant<T>[],
): EvictionRule {
  const between = reclaim?.rule(stopped);
  if (between !== undefined) return between;
  const victim = Math.max(...stopped.map(({ running }) => running.task.priority));
  return { kind: 'priority', preemptor: task.priority, victim };
}
