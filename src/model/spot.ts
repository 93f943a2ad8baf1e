import { type BasisPoints, type MicroDollars, type TimeMs, UNLIMITED } from '../base/units.ts';
import type { NodeId } from './ids.ts';
import type { Node } from './node.ts';

/** Nodes with this label of the value `true` may be taken away, and cost what the market says. */
const SPOT_LABEL = 'spot';
/** Nodes of one type have one price. */
const TYPE_LABEL = 'instance-type';

export const isSpot = ({ labels }: Pick<Node, 'labels'>): boolean => labels[SPOT_LABEL] === 'true';

export const onInterruptions = ['checkpoint_and_retry', 'retry', 'fail'] as const;
/**
 * What becomes of a task whose node is taken away. `checkpoint_and_retry`: it is asked to save its work, and
 * starts again elsewhere; `retry`: it starts again from what it saved before; `fail`: it has failed.
 */
export type OnInterruption = (typeof onInterruptions)[number];

/** What a site says of its spot nodes. Without it they are as all others, but for those that ask for them. */
export interface SpotPolicy {
  /** False: nothing is placed on them. */
  readonly enabled: boolean;
  /** Of the tasks that run and may be there, so many at most are. */
  readonly percentage: number;
  readonly onInterruption: OnInterruption;
  /** Of the base price; above it they take nothing new. Absent: at any price. */
  readonly priceMax?: BasisPoints;
  /** Ids of steps, names of workloads, or values of their label `task_type`. */
  readonly suitableTasks: readonly string[];
}

/** What a node of one type costs in an hour, as a provider tells it. */
export interface SpotQuote {
  /** Value of the label `instance-type`; absent: of all spot nodes that no other quote names. */
  readonly type?: string;
  /** What it usually is. Not 0. */
  readonly base: MicroDollars;
  readonly price: MicroDollars;
  /** Of the same node on demand. Not 0; absent where nobody told. */
  readonly onDemand?: MicroDollars;
  /** Who told it. */
  readonly source: string;
}

/** Why a task does not start on a spot node. */
export type SpotObstacle =
  | { readonly why: 'disabled' | 'unsuitable' }
  | {
      readonly why: 'price';
      readonly type?: string;
      readonly price: MicroDollars;
      readonly base: MicroDollars;
      readonly most: MicroDollars;
    }
  /** One more would be more than its part of those that run and may be there. */
  | {
      readonly why: 'share';
      readonly onSpot: number;
      readonly running: number;
      readonly percentage: number;
    };

/** Word of nodes that are taken away. */
export interface SpotWord {
  readonly node: NodeId;
  readonly deadline: TimeMs;
}

export interface SpotReading {
  readonly quotes: readonly SpotQuote[];
  readonly notices: readonly SpotWord[];
}

/** What tells prices and interruptions: a file that a cloud's agent writes, or a market that is made up. */
export interface SpotProvider {
  /** All that holds at `at`; undefined where nothing can be said. */
  read(at: TimeMs): SpotReading | undefined;
}

/** The quote of a node; undefined where it is none of the market's. */
export function quoteOf(quotes: readonly SpotQuote[], node: Node): SpotQuote | undefined {
  if (!isSpot(node)) return undefined;
  const type = node.labels[TYPE_LABEL];
  const own = type === undefined ? undefined : quotes.find((quote) => quote.type === type);
  return own ?? quotes.find((quote) => quote.type === undefined);
}

/** The highest price at which such a node takes tasks: never more than the same costs on demand. */
export function ceilingOf({ base, onDemand }: SpotQuote, priceMax: BasisPoints): MicroDollars {
  const raised = Number((BigInt(base) * BigInt(priceMax)) / 10_000n);
  return Math.min(raised, onDemand ?? UNLIMITED) as MicroDollars;
}

export const samePrice = (a: SpotQuote | undefined, b: SpotQuote | undefined): boolean =>
  a?.price === b?.price && a?.base === b?.base && a?.onDemand === b?.onDemand;
