import {
  budgetLeft,
  ObjectiveBook,
  type ObjectiveState,
  type Waiting,
} from '../analysis/objectives.ts';
import { OperationsLedger } from '../analysis/operations-ledger.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { attemptsOf, currentAttempt, readySince, type StepRecord } from '../engine/records.ts';
import type { TenantId } from '../model/ids.ts';
import type { Objective } from '../model/objective.ts';
import type { SqliteJournal } from '../store/io/journal.ts';
import type { Labels, Reading } from '../telemetry/metric.ts';
import { EVENTS_MAX, eventsOf, Pieces, primeActive } from './journal-window.ts';

interface ObjectiveWatchDeps {
  readonly engine: Engine;
  readonly journal: SqliteJournal;
  readonly objectives: readonly Objective[];
  readonly now: () => TimeMs;
}

/** Tasks that wait are looked at one by one; beyond that the rest is left out. */
const WAITING_MAX = 20_000;

/**
 * What is left of the budgets of the site's objectives. Reads on in the journal where it was, whenever it is asked:
 * after a start, from as far back as the longest period goes.
 */
export class ObjectiveWatch {
  readonly #deps: ObjectiveWatchDeps;
  readonly #book: ObjectiveBook;
  #ledger: OperationsLedger | undefined;
  #next = 0;
  #reading: Promise<void> | undefined;

  constructor(deps: ObjectiveWatchDeps) {
    this.#deps = deps;
    this.#book = new ObjectiveBook(deps.objectives);
  }

  /** As of now. Who asks while somebody else does waits for the same answer. */
  async states(): Promise<readonly ObjectiveState[]> {
    const { objectives, now } = this.#deps;
    if (objectives.length === 0) return [];
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
    return this.#book.states(now(), this.#waiting());
  }

  /** For alerts: how fast budgets burn, and what is left of them. What was never counted is not there. */
  async readings(): Promise<readonly Reading[]> {
    return objectiveReadings(await this.states());
  }

  async #readOn(): Promise<void> {
    const { journal } = this.#deps;
    this.#ledger ??= await this.#begin();
    const last = journal.lastSequence;
    const pieces = new Pieces();
    for (const { sequence, event } of journal.readFrom(this.#next)) {
      if (sequence > last) break;
      this.#ledger.read(event);
      this.#next = sequence + 1;
      if (pieces.isOver) await pieces.next();
    }
  }

  async #begin(): Promise<OperationsLedger> {
    const { journal, engine, objectives, now } = this.#deps;
    const period = Math.max(...objectives.map(({ periodMs }) => periodMs));
    const from = Math.max(0, now() - period) as TimeMs;
    this.#next = Math.max(1, journal.sequenceAt(from), journal.lastSequence - EVENTS_MAX + 1);
    const ledger = new OperationsLedger({
      from,
      tell: (occurrence) => this.#book.add(occurrence),
      before: (id) => eventsOf(journal, id),
    });
    await primeActive(engine, from, (id) => ledger.prime(id));
    return ledger;
  }

  #waiting(): Waiting[] {
    const found: Waiting[] = [];
    for (const { state, spec, tenant, steps } of this.#deps.engine.state.workloads()) {
      if (state !== 'active' || spec.kind === 'lease') continue;
      for (const step of steps) {
        if (step.counts.waiting === 0) continue;
        const readyAt = lastReady(step);
        for (const task of step.tasks) {
          if (task.state !== 'waiting') continue;
          if (found.length >= WAITING_MAX) return found;
          const isFirst = attemptsOf(task) === 0;
          found.push({
            whose: { name: spec.name, tenant: tenant as TenantId, queue: spec.queue },
            step: step.spec.id,
            since: isFirst ? Math.max(task.waitingSince, readyAt) : task.waitingSince,
            isHandoff: isFirst && step.spec.needs.length > 0,
          });
        }
      }
    }
    return found;
  }
}

/** Since when a task of it could begin: where it lets in only some at once, since one of them ended. */
function lastReady(step: StepRecord): number {
  let at: number = readySince(step);
  if (step.spec.maxParallel >= step.spec.count) return at;
  for (const task of step.tasks) at = Math.max(at, currentAttempt(task)?.endedAt ?? 0);
  return at;
}

/** `1h` as rules would write it; seconds below a minute. */
function windowName(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const;
  const [unit, by] = units.find(([, size]) => ms % size === 0) ?? ['ms', 1];
  return `${ms / by}${unit}`;
}

function objectiveReadings(states: readonly ObjectiveState[]): Reading[] {
  return states.flatMap(({ objective, counts, windows }) => {
    const { name } = objective;
    const left = budgetLeft(objective, counts);
    // A window may be the long one of a pair and the short one of another.
    const burns = new Map(
      windows.flatMap(({ longMs, shortMs, burnLong, burnShort }) => [
        [windowName(longMs), burnLong] as const,
        [windowName(shortMs), burnShort] as const,
      ]),
    );
    return [
      ...[...burns].flatMap(([window, value]) =>
        reading('berth_objective_burn_ratio', { objective: name, window }, value),
      ),
      ...reading('berth_objective_budget_left_ratio', { objective: name }, left),
    ];
  });
}

const reading = (name: string, labels: Labels, value: number | undefined): Reading[] =>
  value === undefined ? [] : [{ name, labels, value }];
