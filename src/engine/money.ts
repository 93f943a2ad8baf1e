import { BudgetBook, factsOf, type MoneyAsk, type Spender } from '../admission/budget-book.ts';
import {
  costOf,
  type HourlyRate,
  hourlyRate,
  lastsMs,
  type Priced,
  validAt,
} from '../admission/rates.ts';
import { assertNever } from '../base/assert.ts';
import { Heap } from '../base/heap.ts';
import { addAmount, type MicroDollars, type TimeMs, UNLIMITED } from '../base/units.ts';
import type { AttemptEnd } from '../model/attempt.ts';
import type { TenantId } from '../model/ids.ts';
import type { Event, MoneyEvent, Placement } from '../model/messages.ts';
import { type BudgetFacts, type MoneyConfig, NO_MONEY, type Reserve } from '../model/money.ts';
import type { Refusal } from '../model/refusal.ts';
import type { Resources } from '../model/resources.ts';
import type { QueueConfig } from '../model/scheduling-config.ts';
import { isSpot } from '../model/spot.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import { scaled } from '../scheduling/holds.ts';
import { longestRun } from './entry.ts';
import {
  type AttemptCost,
  type AttemptRecord,
  type StepRecord,
  stopOf,
  type TaskRecord,
  type WorkloadRecord,
} from './records.ts';
import type { State } from './state.ts';

/** Where a whole slice cannot be paid, a part of it is reserved that lasts at least so long. */
const SLICE_MS_MIN = 60_000;
/** A grace that is longer is not paid for in advance. */
const AFTER_MS_MAX = 3_600_000;
const NO_COST = 0 as MicroDollars;
const NO_ASK = { amount: 0, perHour: 0 };
/** Limits of a workload's own, by the names that people see. */
const EXECUTION = 'this execution';
const HOURLY = 'this execution, per hour';

interface Due {
  readonly at: TimeMs;
  readonly attempt: AttemptRecord;
}

/** What a step or a task would have held back for it. */
interface Quote {
  readonly perHour: MicroDollars;
  /** Without it nothing starts; for what says nothing of its time, less than `most`. */
  readonly least: MicroDollars;
  readonly most: MicroDollars;
  readonly unpriced: readonly string[];
}

const kinds: Record<MoneyEvent['kind'], true> = {
  'reserve-renewed': true,
  'spend-settled': true,
  'budget-warned': true,
  'budget-exceeded': true,
};

export const isMoneyEvent = (event: Event): event is MoneyEvent => Object.hasOwn(kinds, event.kind);

/**
 * What things cost and who may spend it. The price of an attempt is agreed when it is placed: rates that change
 * later are those of its next reserve. All amounts are facts of the journal; this only adds them up.
 */
export class Money {
  readonly book: BudgetBook;
  readonly #config: MoneyConfig;
  readonly #state: Pick<State, 'table' | 'nodes' | 'workload' | 'attempt'>;
  readonly #due = new Heap<Due>((a, b) =>
    a.at === b.at ? a.attempt.id < b.attempt.id : a.at < b.at,
  );
  /** Workloads with a limit of their own that may have come to it. */
  readonly #changed = new Set<WorkloadRecord>();
  #gpuModels: readonly string[] | undefined;
  /** Until it is known how what ran meanwhile has ended, nothing is paid. Not part of the state. */
  paused = false;

  constructor(
    config: MoneyConfig | undefined,
    root: QueueConfig | undefined,
    state: Pick<State, 'table' | 'nodes' | 'workload' | 'attempt'>,
  ) {
    this.#config = config ?? NO_MONEY;
    this.book = new BudgetBook(this.#config.budgets, root);
    this.#state = state;
  }

  /** Whether anything has a price: otherwise nothing is ever refused for it. */
  get isKnown(): boolean {
    return this.#config.prices.rates.length > 0;
  }

  /** Whether a budget or a limit of its own may keep it from starting. */
  limits({ spec, tenant }: Pick<WorkloadRecord, 'spec' | 'tenant'>): boolean {
    return hasLimit(spec) || this.book.governs({ queue: spec.queue, tenant });
  }

  nodesChanged(): void {
    this.#gpuModels = undefined;
  }

  /** Something was settled for it. */
  touch(workload: WorkloadRecord): void {
    if (workload.state === 'active' && hasLimit(workload.spec)) this.#changed.add(workload);
  }

  placed(attempt: AttemptRecord, reserve: Reserve | undefined): void {
    if (reserve === undefined) return;
    attempt.cost = { reserve, since: attempt.placedAt, charged: NO_COST };
  }

  started(attempt: AttemptRecord): void {
    const { cost } = attempt;
    if (cost === undefined) return;
    this.#hold(attempt, cost.reserve, 1);
    this.#due.push({ at: cost.reserve.until, attempt });
    const { workload } = attempt.task.step;
    const { spent } = workload;
    const news = (cost.reserve.unpriced ?? []).filter((name) => !spent.unpriced.includes(name));
    if (news.length > 0) workload.spent = { ...spent, unpriced: [...spent.unpriced, ...news] };
  }

  ended(attempt: AttemptRecord, charged: MicroDollars | undefined, at: TimeMs): void {
    const { cost } = attempt;
    if (cost === undefined) return;
    this.#hold(attempt, cost.reserve, -1);
    this.#settle(attempt, charged ?? NO_COST, at);
    attempt.cost = { ...cost, charged: addAmount(cost.charged, charged ?? NO_COST), since: at };
  }

  /** It holds something else from now on: what it held is paid, and the rest at another price. */
  adjusted(attempt: AttemptRecord, at: TimeMs): void {
    if (attempt.cost === undefined || attempt.end !== undefined) return;
    const { reserve } = attempt.cost;
    attempt.cost = { ...attempt.cost, reserve: { ...reserve, until: at } };
    this.#due.push({ at, attempt });
  }

  apply(event: MoneyEvent): void {
    switch (event.kind) {
      case 'reserve-renewed': {
        const attempt = this.#state.attempt(event.attempt)!;
        const before = attempt.cost;
        if (before !== undefined) this.#hold(attempt, before.reserve, -1);
        this.#settle(attempt, event.charged, event.at);
        const charged = addAmount(before?.charged ?? NO_COST, event.charged);
        attempt.cost = { reserve: event.reserved, since: event.at, charged };
        this.started(attempt);
        break;
      }
      case 'spend-settled': {
        const { tenant, queue, amount = NO_COST, tokens, calls, what } = event.spending;
        this.book.settle({ tenant, queue }, amount, event.at);
        const workload = event.workload && this.#state.workload(event.workload);
        if (workload === undefined) break;
        const { spent } = workload;
        const isNew = event.spending.amount === undefined && !spent.unpriced.includes(what);
        workload.spent = {
          ...spent,
          charged: addAmount(spent.charged, amount),
          tokens: spent.tokens + tokens,
          calls: spent.calls + calls,
          unpriced: isNew ? [...spent.unpriced, what] : spent.unpriced,
        };
        this.touch(workload);
        break;
      }
      case 'budget-warned':
        this.book.warned(event.facts, event.at);
        break;
      case 'budget-exceeded':
        break;
      default:
        assertNever(event);
    }
  }

  /** Why a task may not start, as far as money goes: asked for all that starts at once. */
  refusal(task: TaskRecord, request: Resources, at: TimeMs): Refusal | undefined {
    const { step } = task;
    const quote = this.#quoteOf(step.spec, request, at);
    if (quote === undefined) return undefined;
    const ask = { amount: quote.least, perHour: quote.perHour };
    const own = ownRefusal(step.workload, ask);
    if (own !== undefined) return { code: 'budget', ...own, resetsAt: undefined };
    const refused = this.book.refusal(spenderOf(step.workload), ask, at);
    return refused && { code: 'budget', ...factsOf(refused), resetsAt: refused.resetsAt };
  }

  /** Why a workload may not be submitted: a budget or its own limit is less than one task needs, or refuses. */
  entryRefusal(spec: WorkloadSpec, tenant: TenantId, at: TimeMs): Refusal | undefined {
    let largest = { amount: 0, perHour: 0 };
    let all = 0;
    for (const step of spec.steps) {
      const together = step.gangMin ?? 1;
      const quote = this.#quoteOf(step, scaled(step.request, together), at);
      if (quote === undefined) continue;
      if (quote.least > largest.amount) largest = { amount: quote.least, perHour: quote.perHour };
      const one = this.#quoteOf(step, step.request, at)!;
      const known = longestRun(step) < UNLIMITED ? one.most : one.least;
      all = addAmount(all, Math.min(UNLIMITED, known * step.count));
    }
    const nothing = { spent: NO_COST, reserved: NO_COST };
    const own = limitRefusal(spec, nothing, 0, largest);
    if (own !== undefined) return { code: 'budget', ...own, resetsAt: undefined };
    const who = { queue: spec.queue, tenant };
    const refused = this.book.entryRefusal(who, largest, { amount: all, perHour: 0 }, at);
    return refused && { code: 'budget', ...factsOf(refused), resetsAt: refused.resetsAt };
  }

  /** What is held back for a task that is placed there. */
  reserveFor({ step }: TaskRecord, placement: Placement, at: TimeMs): Reserve | undefined {
    const rate = this.#rateOf(this.#pricedAt(step.spec, placement), at);
    if (rate === undefined) return undefined;
    return this.#reserve(step, { ...rate, until: longestRun(step.spec), paid: 0 }, at, NO_ASK);
  }

  /** What an attempt that ends at `at` has cost since it was placed or last paid. */
  chargeFor({ cost, placedAt, startedAt }: AttemptRecord, end: AttemptEnd, at: TimeMs) {
    if (cost === undefined) return {};
    return {
      charged: costOf(cost.reserve.perHour, ranUntil(placedAt, startedAt, end, at) - cost.since),
    };
  }

  /** It was stopped because a budget was used up, and may go on once there is money again. */
  waitsForMoney({ cost, task }: AttemptRecord, at: TimeMs): boolean {
    const costMax = task.step.spec.limits.cost;
    if (cost === undefined || costMax === undefined) return true;
    const { perHour } = cost.reserve;
    const least = costOf(perHour, at - cost.since + SLICE_MS_MIN + afterMs(task.step.spec));
    return cost.charged + least <= costMax;
  }

  /** What follows from what was spent: a reserve that is used up, a workload that is, a soft limit that was passed. */
  next(at: TimeMs): Event | undefined {
    const facts = this.book.nextWarning(at);
    if (facts !== undefined) return { kind: 'budget-warned', at, facts };
    return this.#nextExceeded(at) ?? (this.paused ? undefined : this.#nextRenewal(at));
  }

  nextTimer(): TimeMs | undefined {
    const dueAt = this.paused ? undefined : this.#firstDue()?.at;
    // What costs nothing is paid for ever.
    return dueAt === undefined || dueAt >= UNLIMITED ? undefined : dueAt;
  }

  #nextRenewal(at: TimeMs): Event | undefined {
    const due = this.#firstDue();
    if (due === undefined || due.at > at) return undefined;
    const { attempt } = due;
    const { task, placement, id } = attempt;
    const { step } = task;
    const { reserve, since, charged: paid } = attempt.cost!;
    const charged = costOf(reserve.perHour, at - since);
    const rate = this.#rateOf(this.#pricedAt(step.spec, placement), at) ?? {
      perHour: reserve.perHour,
      unpriced: reserve.unpriced ?? [],
    };
    const ask = {
      amount: costOf(rate.perHour, SLICE_MS_MIN + afterMs(step.spec)),
      perHour: rate.perHour,
    };
    const freed = { amount: reserve.amount - charged, perHour: reserve.perHour };
    const costMax = step.spec.limits.cost ?? UNLIMITED;
    const stop: Event = { kind: 'stop-ordered', at, attempt: id, reason: 'over-budget' };
    if (paid + charged + ask.amount > costMax) return stop;
    const own = ownRefusal(step.workload, ask, freed);
    if (own !== undefined) return exceeded(step.workload, own, at);
    const refused = this.book.refusal(spenderOf(step.workload), ask, at, freed);
    if (refused !== undefined && refused.budget.atLimit !== 'finish-step') {
      if (refused.budget.atLimit !== 'stop') return stop;
      return exceeded(step.workload, factsOf(refused), at);
    }
    const until = UNLIMITED;
    const reserved = this.#reserve(step, { ...rate, until, paid: paid + charged }, at, freed);
    return { kind: 'reserve-renewed', at, attempt: id, charged, reserved };
  }

  /** A workload that has spent more than it may, or that has not enough left for any of its tasks. */
  #nextExceeded(at: TimeMs): Event | undefined {
    for (const workload of this.#changed) {
      const facts = this.#exhausted(workload, at);
      if (facts !== undefined) return exceeded(workload, facts, at);
      this.#changed.delete(workload);
    }
    return undefined;
  }

  #exhausted(workload: WorkloadRecord, at: TimeMs): BudgetFacts | undefined {
    const { state, cancelledBy, spent, spec, steps } = workload;
    if (state !== 'active' || cancelledBy !== undefined) return undefined;
    const limit = spec.limits?.cost ?? UNLIMITED;
    if (spent.charged > limit) return ownFacts(workload, NO_COST);
    if (steps.some(({ counts }) => counts.running > 0)) return undefined;
    let last: BudgetFacts | undefined;
    for (const step of steps) {
      if (step.state !== 'open' || step.counts.failed > 0 || step.counts.waiting === 0) continue;
      const request = scaled(step.spec.request, step.spec.gangMin ?? 1);
      const quote = this.#quoteOf(step.spec, request, at);
      if (quote === undefined) return undefined;
      last = ownRefusal(workload, { amount: quote.least, perHour: quote.perHour });
      if (last === undefined) return undefined;
    }
    return last;
  }

  #firstDue(): Due | undefined {
    for (;;) {
      const first = this.#due.peek();
      if (first === undefined) return undefined;
      const { end, stop, cost, task } = first.attempt;
      // One that is told to stop is paid when it has ended.
      const goesOn =
        end === undefined && stop === undefined && stopOf(task.step.workload) === undefined;
      if (goesOn && cost!.reserve.until === first.at) return first;
      this.#due.pop();
    }
  }

  #hold({ task }: AttemptRecord, { amount, perHour }: Reserve, sign: 1 | -1): void {
    const { workload } = task.step;
    const { spent } = workload;
    workload.spent = {
      ...spent,
      reserved: spent.reserved + sign * amount,
      perHour: spent.perHour + sign * perHour,
    };
    this.book.reserve(spenderOf(workload), { amount, perHour }, sign);
    if (sign === -1) this.touch(workload);
  }

  #settle({ task }: AttemptRecord, amount: number, at: TimeMs): void {
    const { workload } = task.step;
    workload.spent = { ...workload.spent, charged: addAmount(workload.spent.charged, amount) };
    this.book.settle(spenderOf(workload), amount, at);
    this.touch(workload);
  }

  /** As much as it may need, or of what says nothing of its time, as there is left. */
  #reserve(
    { spec, workload }: StepRecord,
    asked: { perHour: MicroDollars; unpriced: readonly string[]; until: number; paid: number },
    at: TimeMs,
    freed: MoneyAsk,
  ): Reserve {
    const { perHour, unpriced, paid } = asked;
    const { wallMs, cost: costMax = UNLIMITED } = spec.limits;
    const ofItself = asked.until < UNLIMITED;
    const graceMs = afterMs(spec);
    let spanMs: number = ofItself ? asked.until : this.#config.sliceMs;
    let amount = costOf(perHour, spanMs + graceMs);
    const left = ofItself ? UNLIMITED : this.#left(workload, at, freed);
    if (left < amount) {
      const least = costOf(perHour, SLICE_MS_MIN + graceMs);
      amount = Math.min(amount, Math.max(left, least)) as MicroDollars;
      spanMs = Math.max(1, lastsMs(amount, perHour) - graceMs);
    }
    if (costMax - paid < amount) {
      amount = Math.max(0, costMax - paid) as MicroDollars;
      spanMs = Math.max(1, lastsMs(amount, perHour) - graceMs);
    } else if (wallMs < UNLIMITED) spanMs += SLICE_MS_MIN;
    const until = Math.min(UNLIMITED, at + spanMs) as TimeMs;
    return { amount, perHour, until, ...(unpriced.length > 0 && { unpriced }) };
  }

  #left({ spec, spent, ...workload }: WorkloadRecord, at: TimeMs, freed: MoneyAsk): number {
    const own = spec.limits?.cost ?? UNLIMITED;
    const ofOwn = own === UNLIMITED ? own : own - spent.charged - spent.reserved;
    const who = { queue: spec.queue, tenant: workload.tenant };
    return Math.max(0, Math.min(ofOwn, this.book.left(who, at)) + freed.amount);
  }

  /** Of what waits: on the dearest device that there is. */
  #quoteOf(spec: StepSpec, request: Resources, at: TimeMs): Quote | undefined {
    this.#gpuModels ??= [
      ...new Set(this.#state.nodes().flatMap(({ gpus }) => gpus.map(({ model }) => model))),
    ];
    const storageBytes = storageOf(spec);
    const priced = { held: request, gpuModels: this.#gpuModels, storageBytes, spot: false };
    const rate = this.#rateOf(priced, at);
    if (rate === undefined) return undefined;
    const { cost: costMax = UNLIMITED } = spec.limits;
    const graceMs = afterMs(spec);
    const runMs = longestRun(spec);
    const spanMs = runMs < UNLIMITED ? runMs : this.#config.sliceMs;
    const whole = costOf(rate.perHour, spanMs + graceMs);
    const least = runMs < UNLIMITED ? whole : costOf(rate.perHour, SLICE_MS_MIN + graceMs);
    const bound = (n: MicroDollars): MicroDollars => Math.min(n, costMax) as MicroDollars;
    return { ...rate, least: bound(least), most: bound(whole) };
  }

  #pricedAt(spec: StepSpec, { node: id, held, gpus }: Placement): Priced {
    const row = this.#state.table.rowOf(id);
    const node = row === undefined ? undefined : this.#state.table.node(row);
    const models = gpus.map((gpu) => node?.gpus.find((one) => one.id === gpu)?.model ?? 'unknown');
    const spot = node !== undefined && isSpot(node);
    const quote = node && this.#state.table.spot.quoteOf(node);
    return { held, gpuModels: models, storageBytes: storageOf(spec), spot, quote };
  }

  /** Undefined where nothing has a price yet. */
  #rateOf(priced: Priced, at: TimeMs): HourlyRate | undefined {
    const rates = validAt(this.#config.prices.rates, at);
    return rates && hourlyRate(priced, rates);
  }
}

/** The next in a line holds the same, at the same price. */
export function inherited(cost: AttemptCost | undefined, at: TimeMs): AttemptCost | undefined {
  if (cost === undefined) return undefined;
  const { reserve } = cost;
  return { reserve: { ...reserve, until: UNLIMITED as TimeMs }, since: at, charged: NO_COST };
}

const hasLimit = ({ limits }: WorkloadSpec): boolean =>
  limits !== undefined && (limits.cost < UNLIMITED || limits.hourlyCost !== undefined);

const spenderOf = ({ spec, tenant }: WorkloadRecord): Spender => ({ queue: spec.queue, tenant });

function ownRefusal(
  { spec, spent }: WorkloadRecord,
  ask: MoneyAsk,
  freed: MoneyAsk = NO_ASK,
): BudgetFacts | undefined {
  const taken = {
    spent: spent.charged as MicroDollars,
    reserved: (spent.reserved - freed.amount) as MicroDollars,
  };
  return limitRefusal(spec, taken, spent.perHour - freed.perHour, ask);
}

function limitRefusal(
  { limits }: WorkloadSpec,
  taken: Pick<BudgetFacts, 'spent' | 'reserved'>,
  perHour: number,
  ask: MoneyAsk,
): BudgetFacts | undefined {
  if (limits === undefined) return undefined;
  const { cost, hourlyCost } = limits;
  if (cost < UNLIMITED && taken.spent + taken.reserved + ask.amount > cost) {
    return { budget: EXECUTION, ...taken, asked: ask.amount as MicroDollars, limit: cost };
  }
  if (hourlyCost === undefined || perHour + ask.perHour <= hourlyCost) return undefined;
  const spent = perHour as MicroDollars;
  const asked = ask.perHour as MicroDollars;
  return { budget: HOURLY, spent, reserved: NO_COST, asked, limit: hourlyCost };
}

function ownFacts({ spec, spent }: WorkloadRecord, asked: MicroDollars): BudgetFacts {
  return {
    budget: EXECUTION,
    spent: spent.charged as MicroDollars,
    reserved: spent.reserved as MicroDollars,
    asked,
    limit: spec.limits!.cost,
  };
}

const exceeded = ({ id }: WorkloadRecord, facts: BudgetFacts, at: TimeMs): Event => ({
  kind: 'budget-exceeded',
  at,
  workload: id,
  facts,
});

/** How long it may run on after it is told to stop; of what is killed at a time, that is counted already. */
const afterMs = ({ limits }: StepSpec): number =>
  limits.wallMs < UNLIMITED ? 0 : Math.min(limits.graceMs, AFTER_MS_MAX);

function storageOf({ execution }: StepSpec): number {
  const storage = execution?.storage;
  const volumes = storage?.volumes.reduce((sum, { size }) => sum + size, 0) ?? 0;
  return volumes + (storage?.scratch?.size ?? 0);
}

/**
 * What was held after the task had truly ended is nobody's fault: a daemon that was down when it ended hears of
 * it later. What never ran costs nothing.
 */
function ranUntil(
  placedAt: TimeMs,
  startedAt: TimeMs | undefined,
  { cause, cachedFrom, usage }: AttemptEnd,
  at: TimeMs,
): number {
  if (cause === 'unstarted' || cause === 'start-failed' || cachedFrom !== undefined)
    return placedAt;
  if (usage.wallMs === undefined) return at;
  return Math.min(at, (startedAt ?? placedAt) + usage.wallMs);
}
