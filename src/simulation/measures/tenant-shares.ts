import type { TenantId } from '../../model/ids.ts';
import type { Vector } from '../../scheduling/usage-account.ts';
import { type Claimant, drfShares } from './drf-shares.ts';

/** Parts of a site that differ by less are the same. */
const ROUNDING = 1e-12;

/** One tenant: what it holds and what it wants beside that, in milli-CPU, MiB and milli-GPU. */
export interface TenantAccount {
  readonly name: TenantId;
  readonly index: number;
  readonly weight: number;
  readonly held: [number, number, number];
  readonly wants: [number, number, number];
  /** Tasks that run or could start if there were room. */
  tasks: number;
  /** Dominant share × milliseconds until `since`. */
  received: number;
  share: number;
  since: number;
  /** The same of what it was entitled to, as sampled. */
  entitled: number;
}

/** How fair what is held now is, or was over a time. */
export interface Fairness {
  /** Jain's index of what tenants hold, each for what it is entitled to: 1 when all get the same part of that. */
  readonly jain: number | undefined;
  /** Of the site, what tenants are entitled to and want and do not hold. */
  readonly shareError: number;
}

/**
 * What tenants hold of the site beside what they are entitled to: dominant-resource fairness by weight (Ghodsi et
 * al., NSDI'11) of what each of them holds and could start. What is held is followed change by change; what they
 * are entitled to is worked out when asked.
 */
export class TenantShares {
  readonly #byName = new Map<TenantId, TenantAccount>();
  readonly #accounts: TenantAccount[] = [];
  readonly #weightOf: (tenant: TenantId) => number;
  #capacity: Vector = [0, 0, 0];
  #active = 0;
  #activeWeight = 0;

  constructor(weightOf: (tenant: TenantId) => number) {
    this.#weightOf = weightOf;
  }

  /** With something that runs or could start. */
  get active(): number {
    return this.#active;
  }

  get activeWeight(): number {
    return this.#activeWeight;
  }

  accounts(): readonly TenantAccount[] {
    return this.#accounts;
  }

  of(name: TenantId): TenantAccount {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const made: TenantAccount = {
      name,
      index: this.#accounts.length,
      weight: this.#weightOf(name),
      held: [0, 0, 0],
      wants: [0, 0, 0],
      tasks: 0,
      received: 0,
      share: 0,
      since: 0,
      entitled: 0,
    };
    this.#byName.set(name, made);
    this.#accounts.push(made);
    return made;
  }

  setCapacity(capacity: Vector, at: number): void {
    this.#capacity = capacity;
    for (const account of this.#accounts) this.#weigh(account, at);
  }

  /** So many times `amount` more is held; fewer when `times` is negative. */
  hold(account: TenantAccount, amount: Vector, times: number, at: number): void {
    add(account.held, amount, times);
    this.#count(account, times);
    this.#weigh(account, at);
  }

  /** What one of its tasks holds has changed. */
  change(account: TenantAccount, before: Vector, after: Vector, at: number): void {
    add(account.held, before, -1);
    add(account.held, after, 1);
    this.#weigh(account, at);
  }

  want(account: TenantAccount, amount: Vector, times: number): void {
    if (times === 0) return;
    add(account.wants, amount, times);
    this.#count(account, times);
  }

  /** Held dominant share × milliseconds until `at`. */
  receivedBy(account: TenantAccount, at: number): number {
    return account.received + account.share * (at - account.since);
  }

  /** Now; and for `spanMs` everybody counts as entitled to what he is entitled to now. */
  sample(spanMs: number): Fairness {
    const claims: Claimant[] = [];
    const claimants: TenantAccount[] = [];
    for (const account of this.#accounts) {
      if (account.tasks === 0) continue;
      const { held, wants, weight } = account;
      claims.push({ weight, demand: sharesOf(held, wants, this.#capacity) });
      claimants.push(account);
    }
    const entitled = drfShares(claims);
    let shareError = 0;
    const parts: number[] = [];
    claimants.forEach((account, i) => {
      const due = entitled[i]!;
      account.entitled += due * spanMs;
      if (due - account.share > ROUNDING) shareError += due - account.share;
      if (due > 0) parts.push(account.share / due);
    });
    return { jain: jainIndex(parts), shareError };
  }

  /** Over all that was sampled. */
  jainOverall(at: number): number | undefined {
    const parts = this.#accounts
      .filter(({ entitled }) => entitled > 0)
      .map((account) => this.receivedBy(account, at) / account.entitled);
    return jainIndex(parts);
  }

  #count(account: TenantAccount, times: number): void {
    const before = account.tasks;
    account.tasks += times;
    if (before === 0 && account.tasks > 0) {
      this.#active++;
      this.#activeWeight += account.weight;
    } else if (before > 0 && account.tasks === 0) {
      this.#active--;
      this.#activeWeight -= account.weight;
    }
  }

  #weigh(account: TenantAccount, at: number): void {
    account.received = this.receivedBy(account, at);
    account.since = at;
    account.share = dominantOf(account.held, this.#capacity);
  }
}

/**
 * (Σx)² ÷ n·Σx² (Jain, Chiu & Hawe 1984): 1 when all are equal, 1/n when one has everything; undefined of nobody, or
 * when nobody has anything.
 */
export function jainIndex(parts: readonly number[]): number | undefined {
  let sum = 0;
  let squares = 0;
  for (const part of parts) {
    sum += part;
    squares += part * part;
  }
  return squares === 0 ? undefined : (sum * sum) / (parts.length * squares);
}

/** The largest part of any resource of the site. */
export const dominantOf = (amount: Vector, capacity: Vector): number =>
  Math.max(
    partOf(amount[0], capacity[0]),
    partOf(amount[1], capacity[1]),
    partOf(amount[2], capacity[2]),
  );

const partOf = (amount: number, capacity: number): number =>
  capacity <= 0 ? 0 : amount / capacity;

const sharesOf = (held: Vector, wants: Vector, capacity: Vector): Vector => [
  partOf(held[0] + wants[0], capacity[0]),
  partOf(held[1] + wants[1], capacity[1]),
  partOf(held[2] + wants[2], capacity[2]),
];

function add(to: [number, number, number], amount: Vector, times: number): void {
  for (let r = 0; r < 3; r++) to[r] = to[r]! + amount[r]! * times;
}
