import { addAmount, type MicroDollars, type TimeMs, UNLIMITED } from '../base/units.ts';
import type { QueueName, TenantId } from '../model/ids.ts';
import type { BudgetConfig, BudgetFacts } from '../model/money.ts';
import type { QueueConfig } from '../model/scheduling-config.ts';
import { BudgetAccount, type SavedSpending } from './budget-account.ts';
import { windowAt } from './quota-window.ts';

/** Who spends. */
export interface Spender {
  readonly queue: QueueName;
  readonly tenant: TenantId;
}

/** What is to be held back, and what it costs in an hour. */
export interface MoneyAsk {
  readonly amount: number;
  readonly perHour: number;
}

/** One account as of a moment. */
export interface BudgetReading {
  readonly budget: BudgetConfig;
  readonly tenant: TenantId | undefined;
  readonly spent: MicroDollars;
  readonly reserved: MicroDollars;
  /** What was settled from here on counts. */
  readonly from: number;
  /** When the next period begins; undefined where no such time is known. */
  readonly resetsAt: number | undefined;
}

export interface SavedBudget {
  readonly budget: string;
  readonly tenant: TenantId | null;
  readonly settled: readonly SavedSpending[];
  readonly warnedFrom?: number | undefined;
}

/** A budget that says no, and what its account is at. */
export interface BudgetRefusal extends BudgetReading {
  readonly asked: MicroDollars;
}

interface Entry {
  readonly budget: BudgetConfig;
  readonly tenant: TenantId | undefined;
  readonly account: BudgetAccount;
}

/**
 * Budgets of a site. Whoever wants to spend reserves in every account that counts him, all or none, and what
 * comes of it is settled in all of them. Settled and reserved together pass a limit only where something has
 * cost more than was reserved for it. Derived: told of every reserve and every settlement.
 */
export class BudgetBook {
  readonly #budgets: readonly BudgetConfig[];
  readonly #queuesAbove = new Map<QueueName, ReadonlySet<QueueName>>();
  readonly #entries = new Map<string, Entry>();
  /** Accounts whose soft limit may have been passed since it was last asked. */
  readonly #changed = new Set<Entry>();

  constructor(budgets: readonly BudgetConfig[], root: QueueConfig | undefined) {
    this.#budgets = budgets;
    const visit = (queue: QueueConfig, above: readonly QueueName[]): void => {
      const path = [...above, queue.name];
      this.#queuesAbove.set(queue.name, new Set(path));
      for (const child of queue.children) visit(child, path);
    };
    if (root !== undefined) visit(root, []);
  }

  governs(who: Spender): boolean {
    return this.#budgets.some((budget) => this.#counts(budget, who));
  }

  reserve(who: Spender, { amount, perHour }: MoneyAsk, sign: 1 | -1): void {
    for (const entry of this.#entriesOf(who)) {
      entry.account.reserve(amount, perHour, sign);
      this.#changed.add(entry);
    }
  }

  settle(who: Spender, amount: number, at: TimeMs): void {
    for (const entry of this.#entriesOf(who)) {
      entry.account.settle(amount, at);
      this.#changed.add(entry);
    }
  }

  /** The first budget in which that is no longer there; `freed` is what would be given back for it. */
  refusal(
    who: Spender,
    ask: MoneyAsk,
    at: TimeMs,
    freed: MoneyAsk = { amount: 0, perHour: 0 },
  ): BudgetRefusal | undefined {
    for (const entry of this.#entriesOf(who)) {
      const { budget } = entry;
      const isRate = budget.window.kind === 'rate';
      const asked = isRate ? ask.perHour : ask.amount;
      if (asked === 0) continue;
      const reading = this.#reading(entry, at);
      const back = isRate ? freed.perHour : freed.amount;
      const taken = reading.spent + reading.reserved - back;
      if (taken + asked > budget.limit) {
        return { ...reading, asked: asked as MicroDollars };
      }
    }
    return undefined;
  }

  /** What every budget that counts him has left; less than nothing where one is passed already. */
  left(who: Spender, at: TimeMs): number {
    let left: number = UNLIMITED;
    for (const entry of this.#entriesOf(who)) {
      if (entry.budget.window.kind === 'rate') continue;
      const { spent, reserved } = this.#reading(entry, at);
      left = Math.min(left, Number(entry.budget.limit) - spent - reserved);
    }
    return left;
  }

  /** The first budget of which even a whole period is less, or that refuses what it has not enough left for. */
  entryRefusal(
    who: Spender,
    largest: MoneyAsk,
    all: MoneyAsk,
    at: TimeMs,
  ): BudgetRefusal | undefined {
    for (const entry of this.#entriesOf(who)) {
      const { budget } = entry;
      const isRate = budget.window.kind === 'rate';
      const one = isRate ? largest.perHour : largest.amount;
      const reading = this.#reading(entry, at);
      if (one > budget.limit) return { ...reading, asked: one as MicroDollars };
      if (isRate || !['refuse', 'stop'].includes(budget.atLimit) || all.amount === 0) continue;
      if (reading.spent + reading.reserved + all.amount > budget.limit) {
        return { ...reading, asked: all.amount as MicroDollars };
      }
    }
    return undefined;
  }

  /** When the first of the budgets starts afresh. */
  nextChange(at: TimeMs): TimeMs | undefined {
    let first: number | undefined;
    for (const { window } of this.#budgets) {
      const to = window.kind === 'rate' ? undefined : windowAt(window, at).to;
      if (to !== undefined && (first === undefined || to < first)) first = to;
    }
    return first as TimeMs | undefined;
  }

  /** A soft limit that was passed in this period and of which nobody was told yet. */
  nextWarning(at: TimeMs): BudgetFacts | undefined {
    for (const entry of this.#changed) {
      const { budget, account } = entry;
      const reading = this.#reading(entry, at);
      const taken = addAmount(reading.spent, reading.reserved);
      if (
        budget.soft !== undefined &&
        taken >= budget.soft &&
        account.warnedFrom !== account.periodAt(at)
      ) {
        return factsOf({ ...reading, asked: 0 as MicroDollars });
      }
      this.#changed.delete(entry);
    }
    return undefined;
  }

  warned({ budget, tenant }: BudgetFacts, at: TimeMs): void {
    const entry = this.#entries.get(keyOf(budget, tenant));
    if (entry !== undefined) entry.account.warnedFrom = entry.account.periodAt(at);
  }

  /** Every account; of a budget that nobody has used yet, one that says so. In the order of the budgets, then by tenant. */
  accounts(at: TimeMs): BudgetReading[] {
    return this.#budgets.flatMap((budget) => {
      const own = [...this.#entries.values()].filter((entry) => entry.budget === budget);
      if (own.length === 0) {
        own.push({ budget, tenant: tenantOf(budget), account: new BudgetAccount(budget.window) });
      }
      own.sort((a, b) => ((a.tenant ?? '') < (b.tenant ?? '') ? -1 : 1));
      return own.map((entry) => this.#reading(entry, at));
    });
  }

  save(): SavedBudget[] {
    const saved: SavedBudget[] = [];
    for (const { budget, tenant, account } of this.#entries.values()) {
      const settled = account.save();
      const { warnedFrom } = account;
      if (settled.length === 0 && warnedFrom === undefined) continue;
      saved.push({ budget: budget.name, tenant: tenant ?? null, settled, warnedFrom });
    }
    return saved.sort((a, b) =>
      keyOf(a.budget, a.tenant ?? undefined) < keyOf(b.budget, b.tenant ?? undefined) ? -1 : 1,
    );
  }

  restore(saved: readonly SavedBudget[]): void {
    for (const { budget: name, tenant, settled, warnedFrom } of saved) {
      const budget = this.#budgets.find((other) => other.name === name);
      if (budget === undefined) continue;
      const { account } = this.#entry(budget, tenant ?? undefined);
      account.restore(settled);
      account.warnedFrom = warnedFrom;
    }
  }

  #reading({ budget, tenant, account }: Entry, at: TimeMs): BudgetReading {
    const { window } = budget;
    const { from, to } = window.kind === 'rate' ? { from: 0, to: undefined } : windowAt(window, at);
    return { budget, tenant, ...account.read(at), from, resetsAt: to };
  }

  #entriesOf(who: Spender): Entry[] {
    return this.#budgets
      .filter((budget) => this.#counts(budget, who))
      .map((budget) => {
        const each = budget.scope.kind === 'each-tenant';
        return this.#entry(budget, each ? who.tenant : tenantOf(budget));
      });
  }

  #counts({ scope }: BudgetConfig, { queue, tenant }: Spender): boolean {
    switch (scope.kind) {
      case 'site':
        return true;
      case 'queue':
        return this.#queuesAbove.get(queue)?.has(scope.queue) ?? false;
      case 'tenant':
        return scope.tenant === tenant;
      case 'each-tenant':
        return !scope.except.includes(tenant);
      case 'team':
        return scope.members.includes(tenant);
    }
  }

  #entry(budget: BudgetConfig, tenant: TenantId | undefined): Entry {
    const key = keyOf(budget.name, tenant);
    let found = this.#entries.get(key);
    if (found === undefined) {
      found = { budget, tenant, account: new BudgetAccount(budget.window) };
      this.#entries.set(key, found);
    }
    return found;
  }
}

export function factsOf({ budget, tenant, spent, reserved, asked }: BudgetRefusal): BudgetFacts {
  const { name, limit } = budget;
  return { budget: name, ...(tenant && { tenant }), spent, reserved, asked, limit };
}

const tenantOf = ({ scope }: BudgetConfig): TenantId | undefined =>
  scope.kind === 'tenant' ? scope.tenant : undefined;

const keyOf = (budget: string, tenant: TenantId | undefined): string =>
  `${budget}\n${tenant ?? ''}`;
