import type { Prng } from '../base/prng.ts';
import type { MicroDollars, SpanMs, TimeMs } from '../base/units.ts';
import type { NodeId } from '../model/ids.ts';
import type { SpotProvider, SpotQuote, SpotReading, SpotWord } from '../model/spot.ts';
import type { PricePath, PricePoint } from './spot-path.ts';

/** AWS tells two minutes before; Google and Azure tell 30 seconds before. */
export const NOTICE_MS = 120_000 as SpanMs;

export interface MarketOptions {
  readonly path: PricePath;
  /** Without its price, which the path tells. */
  readonly quote: Omit<SpotQuote, 'price'>;
  readonly nodes: readonly NodeId[];
  /** While the price is above it, none of the nodes is given. */
  readonly bid: MicroDollars;
  readonly noticeMs: SpanMs;
  /**
   * Of a million looks at a node, how many find that its owner wants it back, whatever is paid: most
   * interruptions are for capacity, and few for the price.
   */
  readonly takenPerMillion: number;
  /** A node that was taken is not given again sooner. */
  readonly awayMs: SpanMs;
}

/** A cloud that is made up: prices along a path, and nodes that it takes back. The same seed, the same cloud. */
export class SpotMarket implements SpotProvider {
  readonly #options: MarketOptions;
  readonly #prng: Prng;
  readonly #taken = new Map<NodeId, TimeMs>();
  #price: MicroDollars;
  #next: PricePoint | undefined;

  constructor(options: MarketOptions, prng: Prng) {
    this.#options = options;
    this.#prng = prng;
    this.#price = options.quote.base;
    this.#next = this.#pull();
  }

  /** To be asked in the order of time. */
  read(at: TimeMs): SpotReading {
    while (this.#next !== undefined && this.#next.at <= at) {
      this.#price = this.#next.price;
      this.#next = this.#pull();
    }
    const { nodes, bid, noticeMs, takenPerMillion, quote } = this.#options;
    for (const node of nodes) {
      const isWanted = this.#prng.below(1_000_000) < takenPerMillion;
      if (this.#taken.has(node) || !(isWanted || this.#price > bid)) continue;
      this.#taken.set(node, (at + noticeMs) as TimeMs);
    }
    const notices = [...this.#taken].flatMap(([node, deadline]): SpotWord[] =>
      deadline > at ? [{ node, deadline }] : [],
    );
    return { quotes: [{ ...quote, price: this.#price }], notices };
  }

  /** Nodes that have gone by `at`. */
  gone(at: TimeMs): NodeId[] {
    return [...this.#taken].flatMap(([node, deadline]) => (deadline <= at ? [node] : []));
  }

  /** Nodes that are given again from now on. */
  back(at: TimeMs): NodeId[] {
    const { bid, awayMs } = this.#options;
    const back = this.#price > bid ? [] : this.gone((at - awayMs) as TimeMs);
    for (const node of back) this.#taken.delete(node);
    return back;
  }

  #pull(): PricePoint | undefined {
    const pulled = this.#options.path.next();
    return pulled.done === true ? undefined : pulled.value;
  }
}
