import assert from 'node:assert/strict';
import type { Engine } from '../../src/engine/engine.ts';
import type { Event } from '../../src/model/messages.ts';
import type { BudgetConfig } from '../../src/model/money.ts';

interface Held {
  readonly spender: Spender;
  readonly perHour: number;
  readonly amount: number;
  readonly since: number;
}

interface Spender {
  readonly workload: string;
  readonly tenant: string;
  readonly queue: string;
}

/**
 * A second ledger, kept from the events alone and added up anew whenever it is asked: every amount that was
 * ever settled, with who spent it and when, and all that is held back.
 */
export class MoneyBook {
  readonly #held = new Map<string, Held>();
  readonly #settled: { readonly spender: Spender; readonly amount: number; readonly at: number }[] =
    [];
  readonly #spenders = new Map<string, Spender>();
  /** Who stands in line behind whom. */
  readonly #next = new Map<string, string>();

  record(event: Event): void {
    switch (event.kind) {
      case 'workload-submitted': {
        const { workload, tenant, spec } = event;
        this.#spenders.set(workload, { workload, tenant, queue: spec.queue });
        break;
      }
      case 'task-placed':
        if (event.reserved !== undefined) this.#hold(event.attempt, event.reserved, event.at);
        break;
      case 'attempts-lined-up': {
        let before: string = event.behind;
        for (const id of event.attempts) {
          this.#next.set(before, id);
          before = id;
        }
        break;
      }
      case 'reserve-renewed': {
        const { since, perHour } = this.#held.get(event.attempt)!;
        assert.equal(
          event.charged,
          cost(perHour, event.at - since),
          `${event.attempt} pays its time`,
        );
        this.#settle(event.attempt, event.charged, event.at);
        this.#hold(event.attempt, event.reserved, event.at);
        break;
      }
      case 'task-ended':
        this.#end(event);
        break;
      case 'spend-settled': {
        const { tenant, queue, amount = 0 } = event.spending;
        const spender = { workload: event.workload ?? '', tenant, queue };
        this.#settled.push({ spender, amount, at: event.at });
        break;
      }
      default:
    }
  }

  /** What an attempt is charged with is for time in which it held its place, and no more. */
  #end({ attempt, charged, at, end }: Extract<Event, { kind: 'task-ended' }>): void {
    const held = this.#held.get(attempt);
    const next = this.#next.get(attempt);
    if (held === undefined) return;
    // Who takes over its place goes on at its price.
    if (next !== undefined && end.cause === 'succeeded') this.#hold(next, held, at);
    assert.ok(charged !== undefined, `${attempt} is paid when it ends`);
    assert.ok(
      charged <= cost(held.perHour, at - held.since),
      `${attempt} pays for its time at most`,
    );
    this.#settle(attempt, charged, at);
    this.#held.delete(attempt);
  }

  #hold(
    attempt: string,
    { perHour, amount }: { perHour: number; amount: number },
    at: number,
  ): void {
    const spender = this.#spenders.get(attempt.slice(0, attempt.indexOf('.')))!;
    this.#held.set(attempt, { spender, perHour, amount, since: at });
  }

  #settle(attempt: string, amount: number, at: number): void {
    this.#settled.push({ spender: this.#held.get(attempt)!.spender, amount, at });
  }

  /** Nothing is lost and nothing counted twice: each workload's sums are those of its events. */
  compare(engine: Engine): void {
    for (const { id, spent } of engine.state.workloads()) {
      const own = (one: { spender: Spender }) => one.spender.workload === id;
      assert.equal(spent.charged, sum(this.#settled.filter(own)), `what workload ${id} has cost`);
      const held = [...this.#held.values()].filter(own);
      assert.equal(spent.reserved, sum(held), `what is held back for workload ${id}`);
    }
  }

  /** Settled in a period, and held back now, of those that a budget counts. */
  taken({ scope }: BudgetConfig, from: number, to: number): { settled: number; held: number } {
    const counts = ({ spender }: { spender: Spender }): boolean =>
      scope.kind === 'site' ||
      (scope.kind === 'queue' && scope.queue === spender.queue) ||
      (scope.kind === 'tenant' && scope.tenant === spender.tenant) ||
      (scope.kind === 'team' && (scope.members as readonly string[]).includes(spender.tenant));
    const settled = this.#settled.filter((one) => counts(one) && one.at >= from && one.at < to);
    return { settled: sum(settled), held: sum([...this.#held.values()].filter(counts)) };
  }

  get total(): number {
    return sum(this.#settled);
  }
}

const sum = (amounts: readonly { readonly amount: number }[]): number =>
  amounts.reduce((total, { amount }) => total + amount, 0);

const cost = (perHour: number, ms: number): number =>
  Number((BigInt(perHour) * BigInt(Math.max(0, ms)) + 3_599_999n) / 3_600_000n);
