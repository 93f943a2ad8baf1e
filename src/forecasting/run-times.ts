import { assertNever } from '../base/assert.ts';
import { addAt, BINS_PER_OCTAVE, binPosition, isOne, LogHistogram, TIME_BINS } from './log-bins.ts';
import { BinnedRunTime, type RunTimeDistribution } from './run-time-distribution.ts';

/** What is known of work before it runs. */
export interface Work {
  readonly tenant: string;
  /** The same for the same work: of its workload, step and shape. */
  readonly name: string;
  /** What its user expects, or after how long it is ended; absent where he said nothing. */
  readonly estimateMs?: number;
  /** It is ended after so long; absent where it never is. */
  readonly limitMs?: number;
}

/** Of what a group saw, the newest so many count most. */
const REMEMBERED = { all: 2_000, fine: 50 } as const;
/** Groups that are known at most; those that were not seen for longest are forgotten. */
const GROUPS_MAX = 4_000;
/** Ends of the same work before anything is said of it without its user. */
const KNOWN_MIN = 3;
/** A finer group counts as much as the coarser one when it has seen so many. */
const BELIEF = { all: 4, fine: 4 } as const;
/** What each way of predicting counts for a tenant returns to what it counts for all, by this share an end. */
const FORGETTING = 0.05;
const LIKELIHOOD_MIN = 1e-4;
const ACCOUNTS_MAX = 1_000;
/** Ratios from 2^-20 to 2^8. */
const RATIO_LOWEST = -20 * BINS_PER_OCTAVE;
const RATIO_BINS = 28 * BINS_PER_OCTAVE;

/** What is looked at of earlier work: how it compared to its estimate, how long it took, or to the user's last two. */
type Way = 'estimate' | 'time' | 'last-two';
const ways = ['estimate', 'time', 'last-two'] as const satisfies readonly Way[];

/** Groups of each way, the coarsest first: each is trusted over the one before as far as it has seen work. */
const groupsOf: Record<Way, (work: Work) => readonly string[]> = {
  estimate: ({ tenant, name, estimateMs }) => [
    '',
    `e:${estimateMs}`,
    `t:${tenant}`,
    `te:${tenant}\n${estimateMs}`,
    `n:${tenant}\n${name}\n${estimateMs}`,
  ],
  time: ({ tenant, name }) => ['', `t:${tenant}`, `n:${tenant}\n${name}`],
  'last-two': ({ tenant }) => ['', `t:${tenant}`],
};

/** Of one tenant, or of all. */
interface Account {
  /** What each way counts; together 1. */
  readonly trust: Float64Array;
  last: number | undefined;
  lastButOne: number | undefined;
}

/**
 * Learns from attempts that ended how long the next ones run. Three ways of looking at what was before are mixed by
 * how well each did of late for this tenant: the ratio to the user's estimate, the time itself, and the ratio to the
 * mean of the user's last two (Tsafrir, Etsion and Feitelson, TPDS 2007).
 */
export class RunTimes {
  readonly #groups = new Map<string, LogHistogram>();
  readonly #accounts = new Map<string, Account>();
  /** Of those of whom nothing is known: has no last two. */
  readonly #all: Account = {
    trust: new Float64Array(ways.length).fill(1 / ways.length),
    last: undefined,
    lastButOne: undefined,
  };

  /** An attempt held its place for so long, and ended of its own accord or at its limit. */
  learn(work: Work, tookMs: number): void {
    const took = Math.max(1, tookMs);
    const account = this.#account(work.tenant);
    const bases = ways.map((way) => baseOf(way, work, account));
    const said = ways.map((way, i) => this.#shares(way, work, bases[i], 0)?.likelihood(took, work));
    this.#judge(
      account,
      said.map((likelihood) => likelihood ?? 0),
    );
    ways.forEach((way, i) => {
      const base = bases[i];
      if (base === undefined) return;
      for (const key of groupsOf[way](work)) this.#grown(`${way} ${key}`).add(took / base);
    });
    account.lastButOne = account.last;
    account.last = took;
  }

  /** Undefined where its user said nothing, and the same work has not ended often enough to say more. */
  predict(work: Work): RunTimeDistribution | undefined {
    if (work.estimateMs === undefined && !this.#isKnown(work)) return undefined;
    const { estimateMs, limitMs = Number.POSITIVE_INFINITY } = work;
    const account = this.#accounts.get(work.tenant) ?? this.#all;
    const origin = estimateMs === undefined ? 0 : fractionOf(binPosition(estimateMs));
    const found = ways.flatMap((way, i) => {
      const shares = this.#shares(way, work, baseOf(way, work, account), origin);
      return shares === undefined ? [] : [{ shares, trust: account.trust[i]! }];
    });
    const trusted = found.reduce((sum, { trust }) => sum + trust, 0);
    if (trusted === 0) return undefined;
    const mixed = new Shares();
    for (const { shares, trust } of found) mixed.mix(shares, trust / trusted);
    const exact = estimateMs === undefined ? undefined : { ms: estimateMs, share: mixed.exact };
    return new BinnedRunTime(mixed.bins, { origin, limitMs, ...(exact && { exact }) });
  }

  #isKnown(work: Work): boolean {
    const finest = groupsOf.time(work).at(-1)!;
    return (this.#groups.get(`time ${finest}`)?.total ?? 0) >= KNOWN_MIN;
  }

  /** What this way says; undefined where it has nothing to go by. */
  #shares(way: Way, work: Work, base: number | undefined, origin: number): Shares | undefined {
    if (base === undefined) return undefined;
    const shares = new Shares();
    // Nothing is known: it takes as long as its user says.
    if (way === 'estimate') shares.exact = 1;
    let isKnown = way === 'estimate';
    const shift = binPosition(base) - origin;
    groupsOf[way](work).forEach((key, level) => {
      const group = this.#groups.get(`${way} ${key}`);
      if (group === undefined) return;
      const belief = level === 0 ? BELIEF.all : BELIEF.fine;
      shares.refine(group, isKnown ? group.total / (group.total + belief) : 1, {
        shift,
        isExact: way === 'estimate',
      });
      isKnown = true;
    });
    return isKnown ? shares : undefined;
  }

  /** Bayes' rule over the ways, by what each said of this run time; what did badly once may come back. */
  #judge(account: Account, likelihoods: readonly number[]): void {
    for (const { trust } of [this.#all, account]) {
      let sum = 0;
      for (let i = 0; i < trust.length; i++) {
        trust[i]! *= Math.max(LIKELIHOOD_MIN, likelihoods[i]!);
        sum += trust[i]!;
      }
      for (let i = 0; i < trust.length; i++) {
        const back = trust === this.#all.trust ? 1 / ways.length : this.#all.trust[i]!;
        trust[i] = (1 - FORGETTING) * (trust[i]! / sum) + FORGETTING * back;
      }
    }
  }

  #account(tenant: string): Account {
    let account = this.#accounts.get(tenant);
    if (account === undefined) {
      account = { ...this.#all, trust: this.#all.trust.slice() };
      makeRoom(this.#accounts, ACCOUNTS_MAX);
    } else this.#accounts.delete(tenant);
    this.#accounts.set(tenant, account);
    return account;
  }

  #grown(key: string): LogHistogram {
    let group = this.#groups.get(key);
    if (group === undefined) {
      const most = key.endsWith(' ') ? REMEMBERED.all : REMEMBERED.fine;
      group = key.startsWith('time ')
        ? new LogHistogram(0, TIME_BINS, most)
        : new LogHistogram(RATIO_LOWEST, RATIO_BINS, most);
      makeRoom(this.#groups, GROUPS_MAX);
    } else this.#groups.delete(key);
    this.#groups.set(key, group);
    return group;
  }
}

/** Shares of run times on the grid, and of those that take exactly what was estimated; together 1. */
class Shares {
  readonly bins = new Float64Array(TIME_BINS);
  exact = 0;

  /** A finer group is believed by this share, what was said before by the rest. */
  refine(
    group: LogHistogram,
    belief: number,
    { shift, isExact }: { readonly shift: number; readonly isExact: boolean },
  ): void {
    for (let i = 0; i < this.bins.length; i++) this.bins[i]! *= 1 - belief;
    this.exact *= 1 - belief;
    group.spread(this.bins, belief, shift);
    const met = (belief * group.exact) / group.total;
    if (isExact) this.exact += met;
    else addAt(this.bins, Math.floor(shift), met);
  }

  mix(other: Shares, weight: number): void {
    for (let i = 0; i < this.bins.length; i++) this.bins[i]! += weight * other.bins[i]!;
    this.exact += weight * other.exact;
  }

  /** Of a run time: the share around it; of one that is just as estimated, with those that are. */
  likelihood(tookMs: number, { estimateMs }: Work): number {
    const bin = Math.floor(binPosition(tookMs));
    const at = Math.min(this.bins.length - 2, Math.max(1, bin));
    const around = (this.bins[at - 1]! + 2 * this.bins[at]! + this.bins[at + 1]!) / 2;
    const isMet = estimateMs !== undefined && isOne(tookMs / estimateMs);
    return around + (isMet ? this.exact : 0);
  }
}

/** What run times are compared with; undefined where there is nothing of the kind. */
function baseOf(way: Way, { estimateMs }: Work, { last, lastButOne }: Account): number | undefined {
  switch (way) {
    case 'estimate':
      return estimateMs;
    case 'time':
      return 1;
    case 'last-two':
      return last === undefined ? undefined : (last + (lastButOne ?? last)) / 2;
    default:
      return assertNever(way);
  }
}

const fractionOf = (position: number): number => position - Math.floor(position);

function makeRoom(map: Map<string, unknown>, most: number): void {
  if (map.size < most) return;
  const [oldest] = map.keys();
  map.delete(oldest!);
}
