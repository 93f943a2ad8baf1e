import type { Prng } from '../../base/prng.ts';
import { type TimeMs, UNLIMITED } from '../../base/units.ts';
import type { NodeId } from '../../model/ids.ts';
import { isSpot, type SpotQuote } from '../../model/spot.ts';
import type { SpotPoolTerms } from '../../model/world.ts';
import type { ModelledSite, SiteModel } from '../site-model.ts';
import { SpotMarket } from '../spot-market.ts';
import { type PricePoint, randomPath } from '../spot-path.ts';
import type { AbsentNodes } from './absent-nodes.ts';

const AWAY = 'taken by the market';
/** Prices of a file go on from the beginning of the simulation, whenever they were recorded. */
export type RecordedPrices = ReadonlyMap<string, readonly PricePoint[]>;

/** Markets of spot nodes: their prices move, and their nodes are taken with a notice and given again. */
export class SpotNodes implements SiteModel {
  readonly #pools: readonly SpotPoolTerms[];
  readonly #absent: AbsentNodes;
  readonly #recorded: RecordedPrices;
  readonly #markets: SpotMarket[] = [];
  #quotes = '';

  constructor(pools: readonly SpotPoolTerms[], absent: AbsentNodes, recorded: RecordedPrices) {
    this.#pools = pools;
    this.#absent = absent;
    this.#recorded = recorded;
  }

  begin(site: ModelledSite, prng: Prng): void {
    const nodes = poolsOf(this.#pools, this.#absent);
    this.#pools.forEach((pool, i) => {
      const { base, onDemand, bid, noticeMs, awayMs, stepMs, betweenMs, type } = pool;
      const mood = { ...pool, base, onDemand };
      const drawn = randomPath(mood, site.now, prng.fork());
      const path =
        pool.prices === undefined
          ? drawn
          : shifted(this.#recorded.get(pool.prices) ?? [], site.now);
      const quote: Omit<SpotQuote, 'price'> = {
        ...(type !== undefined && { type }),
        base,
        onDemand,
        source: 'simulated',
      };
      const takenPerMillion =
        betweenMs === UNLIMITED ? 0 : Math.min(1_000_000, Math.round((1e6 * stepMs) / betweenMs));
      const options = { path, quote, nodes: nodes[i]!, bid, noticeMs, takenPerMillion, awayMs };
      this.#markets.push(new SpotMarket(options, prng.fork()));
    });
    const stepMs = Math.min(...this.#pools.map((pool) => pool.stepMs));
    const look = (): void => {
      this.#look(site);
      site.at((site.now + stepMs) as TimeMs, look);
    };
    site.at(site.now, look);
  }

  #look(site: ModelledSite): void {
    const at = site.now;
    const readings = this.#markets.map((market) => market.read(at));
    const quotes = readings.flatMap((reading) => reading.quotes);
    const told = JSON.stringify(quotes);
    if (told !== this.#quotes) site.send({ kind: 'spot-price', at, quotes });
    this.#quotes = told;
    for (const { node, deadline } of readings.flatMap((reading) => reading.notices)) {
      if (this.#absent.isAway(node)) continue;
      site.send({ kind: 'spot-notice', at, node, deadline });
      // Just before: at its deadline a node that is still there would take tasks again.
      site.at((deadline - 1) as TimeMs, () => this.#absent.take(site, node, AWAY));
    }
    for (const market of this.#markets) {
      for (const node of market.back(at)) this.#absent.give(site, node, AWAY);
    }
  }
}

/** Each spot node belongs to the pool of its type, and to the one without a type if there is none. */
function poolsOf(pools: readonly SpotPoolTerms[], { nodes }: AbsentNodes): NodeId[][] {
  const lists: NodeId[][] = pools.map(() => []);
  for (const node of nodes) {
    if (!isSpot(node)) continue;
    const type = node.labels['instance-type'];
    const own = pools.findIndex((pool) => pool.type !== undefined && pool.type === type);
    const index = own === -1 ? pools.findIndex((pool) => pool.type === undefined) : own;
    lists[index]?.push(node.id);
  }
  return lists;
}

function* shifted(points: readonly PricePoint[], start: TimeMs): Generator<PricePoint> {
  const first = points[0]?.at ?? start;
  for (const { at, price } of points) yield { at: (at - first + start) as TimeMs, price };
}
