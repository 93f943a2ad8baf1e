import { UsageReport } from '../../src/analysis/usage-report.ts';
import type { IncidentSite } from '../../src/api/contract/incident-documents.ts';
import type { MoneySite } from '../../src/api/contract/money-documents.ts';
import { suggestionList, usageReport } from '../../src/api/views/money.ts';

const window = { from: 0, to: 1, complete: true };

/** A site on which nothing has a price, nobody did anything, and nothing failed. */
export const noMoney: { readonly money: MoneySite; readonly incidents: IncidentSite } = {
  money: {
    budgets: () => ({ now: 0, budgets: [] }),
    prices: () => ({ now: 0, file: null, rates: [], spot: [], models: [] }),
    report: async (_span, by) => usageReport(window, by, new UsageReport([])),
    suggestions: async () => suggestionList(window, []),
  },
  incidents: {
    incidents: async () => ({ ...window, failures: 0, incidents: [], slower: [], loss: null }),
  },
};
