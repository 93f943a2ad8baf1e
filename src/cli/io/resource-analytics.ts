import type { SuggestionList, UsageReportDocument } from '../../api/contract/money-documents.ts';
import { OperationError } from '../../model/errors.ts';
import { parseSpan } from '../../spec/quantities.ts';
import type { Client } from '../client.ts';

const DAYS = { day: 1, week: 7, month: 30 } as const;

/** Usage and savings at the daemon that `client` talks to, from its journal. */
export class ResourceAnalytics {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Sums by `pipeline`, `user`, `model`, `queue`, `node` or `step`; amounts of money are micro-dollars.
   * `timeRange`: `last_7_days`, or a span such as `36h`. Rejects with OperationError USAGE.
   */
  async getUsageReport(
    asked: { readonly timeRange?: string; readonly groupBy?: readonly string[] } = {},
  ): Promise<UsageReportDocument> {
    const { timeRange = 'last_7_days', groupBy = ['pipeline'] } = asked;
    return this.#client.usageReport(secondsOf(timeRange), groupBy);
  }

  /** The largest saving first; micro-dollars in 30 days, null where it is not known. */
  async getOptimizationSuggestions(
    timeRange = 'last_7_days',
  ): Promise<SuggestionList['suggestions']> {
    return (await this.#client.suggestions(secondsOf(timeRange))).suggestions;
  }
}

function secondsOf(timeRange: string): number {
  const [, count = '1', unit] = /^last_(?:(\d{1,4})_)?(day|week|month)s?$/.exec(timeRange) ?? [];
  if (unit !== undefined) return Number(count) * DAYS[unit as keyof typeof DAYS] * 86_400;
  const parsed = parseSpan(timeRange);
  if (parsed.ok && parsed.value > 0) return Math.ceil(parsed.value / 1_000);
  const hint = 'As `last_7_days`, or a span such as 36h.';
  throw new OperationError('USAGE', `${JSON.stringify(timeRange)} is no range of time.`, { hint });
}
