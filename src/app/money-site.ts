import { validAt } from '../admission/rates.ts';
import { Adviser } from '../analysis/suggestions.ts';
import { UsageLedger, type UsageRecord } from '../analysis/usage-ledger.ts';
import { type UsageKey, UsageReport, usageKeys } from '../analysis/usage-report.ts';
import type {
  BudgetList,
  MoneySite,
  PriceList,
  SuggestionList,
  UsageReportDocument,
} from '../api/contract/money-documents.ts';
import {
  budgetList,
  priceList,
  type ReadWindow,
  suggestionList,
  usageReport,
} from '../api/views/money.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { OperationError } from '../model/errors.ts';
import type { TenantId } from '../model/ids.ts';
import type { MoneyConfig } from '../model/money.ts';
import type { SqliteJournal } from '../store/io/journal.ts';
import { eventsOf, openJournalWindow } from './journal-window.ts';

export interface LiveMoneyDeps {
  readonly engine: Engine;
  readonly journal: SqliteJournal;
  readonly prices: MoneyConfig['prices'];
  readonly file: string | undefined;
  readonly now: () => TimeMs;
}

/** Money and usage of the running daemon. Reports are read from the journal, so what has retired counts, too. */
export class LiveMoney implements MoneySite {
  readonly #deps: LiveMoneyDeps;

  constructor(deps: LiveMoneyDeps) {
    this.#deps = deps;
  }

  budgets(only: TenantId | undefined): BudgetList {
    return budgetList(this.#deps.engine.state, this.#deps.now(), only);
  }

  prices(): PriceList {
    const { prices, now, file } = this.#deps;
    return priceList(prices, now(), file, this.#deps.engine.state.table.spot);
  }

  async report(
    spanMs: number,
    by: readonly string[],
    only: TenantId | undefined,
  ): Promise<UsageReportDocument> {
    const unknown = by.find((key) => !isKey(key));
    if (unknown !== undefined) {
      const hint = `It is one of ${usageKeys.join(', ')}.`;
      throw new OperationError('USAGE', `Usage is not told by ${JSON.stringify(unknown)}.`, {
        hint,
      });
    }
    const report = new UsageReport(by.filter(isKey));
    const window = await this.#read(spanMs, only, (record) => report.add(record));
    return usageReport(window, by, report);
  }

  async suggestions(spanMs: number, only: TenantId | undefined): Promise<SuggestionList> {
    const adviser = new Adviser((at) => new Date(at).getHours());
    const window = await this.#read(spanMs, only, (record) => adviser.add(record));
    const { rates, models } = this.#deps.prices;
    const context = {
      windowMs: Math.max(1, window.to - window.from),
      rates: validAt(rates, this.#deps.now()),
      models,
    };
    return suggestionList(window, adviser.suggestions(context));
  }

  async #read(
    spanMs: number,
    only: TenantId | undefined,
    take: (record: UsageRecord) => void,
  ): Promise<ReadWindow> {
    const { journal, now, engine } = this.#deps;
    const window = openJournalWindow(journal, now(), spanMs);
    const { from, to, complete } = window;
    const kept = (record: UsageRecord | undefined): void => {
      if (record !== undefined && (only === undefined || record.user === only)) take(record);
    };
    const ledger = new UsageLedger({ from, to }, (id) => eventsOf(journal, id));
    for (const workload of engine.state.workloads()) {
      if (workload.state === 'active' && workload.submittedAt < from) ledger.prime(workload.id);
    }
    for await (const event of window.events()) kept(ledger.read(event));
    for (const record of ledger.rest()) kept(record);
    return { from, to, complete };
  }
}

const isKey = (key: string): key is UsageKey => usageKeys.some((known) => known === key);
