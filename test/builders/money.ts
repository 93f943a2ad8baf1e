import { periodStarts } from '../../src/app/period-starts.ts';
import { type MicroDollars, type SpanMs, timeMs } from '../../src/base/units.ts';
import type { BudgetConfig, MoneyConfig, Rates } from '../../src/model/money.ts';
import { config, node, queueConfig, Site } from './site.ts';

export const HOUR = 3_600_000;
export const START = '2026-01-01T08:00:00Z';

export const dollars = (amount: number): MicroDollars =>
  Math.round(amount * 1_000_000) as MicroDollars;

export const days = (timeZone = 'UTC', from = '2026-01-01T00:00:00Z', count = 400) =>
  periodStarts({
    timeZone,
    every: 'day',
    from: timeMs(Date.parse(from)),
    until: timeMs(Date.parse(from) + count * 24 * HOUR),
  });

/** A dollar for an hour of a CPU, and nothing for the rest. */
export const rates: Rates = {
  validFrom: timeMs(0),
  cpuHour: dollars(1),
  memoryHour: dollars(0),
  gpuHour: { test: dollars(2) },
};

export const budget = (changes: Partial<BudgetConfig> = {}): BudgetConfig => ({
  name: 'day',
  scope: { kind: 'site' },
  limit: dollars(10),
  window: { kind: 'periods', starts: days() },
  atLimit: 'queue',
  ...changes,
});

export const money = (
  budgets: readonly BudgetConfig[] = [],
  changes: Partial<MoneyConfig> = {},
): MoneyConfig => ({
  prices: { rates: [rates], models: [] },
  budgets,
  sliceMs: HOUR as SpanMs,
  ...changes,
});

/** A site with much room and little money. */
export function paidSite(priced: MoneyConfig, start = START): Site {
  const queues = [queueConfig('default'), queueConfig('other')];
  const made = new Site(
    { ...config(queues), money: priced },
    node('n', { cpu: 1_000_000, memory: 2 ** 50, gpus: 8 }),
  );
  made.now = Date.parse(start);
  return made;
}
