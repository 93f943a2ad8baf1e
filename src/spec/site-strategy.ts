import type { OrderConfig, SchedulingConfig, WeightedScorer } from '../model/scheduling-config.ts';
import { plainWord } from './fields.ts';
import type { Path } from './issue.ts';
import type { SiteReading } from './site-reading.ts';

/** An order and scorers that go together, as the registry of strategies has them. */
export interface SiteStrategy {
  readonly name: string;
  readonly order: Partial<OrderConfig>;
  readonly scorers: readonly WeightedScorer[];
  readonly plan?: SchedulingConfig['plan'];
}

/**
 * The strategy that is meant, where the name is one: under the key `strategy` before orders of a like name,
 * elsewhere only where no order is called so.
 */
export function strategyMeant(
  strategies: readonly SiteStrategy[],
  written: string | undefined,
  key: string | undefined,
  isOrder: (name: string) => boolean,
): SiteStrategy | undefined {
  if (written === undefined) return undefined;
  const plain = plainWord(written);
  if (key !== 'strategy' && isOrder(written)) return undefined;
  return strategies.find(({ name }) => plainWord(name) === plain);
}

/** What plans all that waits at once knows neither queues nor quotas. */
export function checkPlan(
  reading: SiteReading,
  {
    plan,
    policyPath,
  }: { readonly plan?: string | undefined; readonly policyPath: Path | undefined },
): void {
  if (plan === undefined || policyPath === undefined) return;
  const alone: readonly Path[] = [
    ['queues'],
    ['multi_tenancy'],
    ['quotas'],
    ['budgets'],
    ['scheduling', 'config'],
    ['scheduling', 'backfill'],
  ];
  for (const path of alone) {
    if (reading.value(path) === undefined) continue;
    const message = `${path.at(-1)} cannot be together with the strategy of line ${reading.line(policyPath)}`;
    reading.error(path, message, { expected: 'another strategy, or one queue alone', at: 'key' });
  }
}
