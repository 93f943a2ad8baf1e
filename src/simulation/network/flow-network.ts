import { assert } from '../../base/assert.ts';
import { Heap } from '../../base/heap.ts';
import type { Bytes, TimeMs } from '../../base/units.ts';
import { type Demand, maxMinRates } from './max-min.ts';
import { shortestWays } from './routes.ts';
import type { Topology } from './topology.ts';

/** Bytes on their way from one vertex to another. */
export interface Transfer {
  /** Unique among those that are on their way. */
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly size: Bytes;
  /** Above 0. */
  readonly weight: number;
  /** Bits in a second that it never exceeds; absent: as the links allow. */
  readonly cap?: number;
}

interface Flow {
  readonly transfer: Transfer;
  /** Undefined: there is no way. */
  way: readonly number[] | undefined;
  /** Bits a millisecond. */
  rate: number;
  /** Bits that were not there yet at `since`. */
  left: number;
  since: number;
  /** Of its entry in the heap, never used again; 0 before the first. */
  version: number;
}

interface Due {
  readonly at: number;
  readonly id: string;
  readonly version: number;
}

/** Bits that count as none: sums of fractions are never exact. */
const NOTHING = 1e-3;

/**
 * Flows that share the links of a topology, each at its max-min fair rate at any moment. When one comes or goes, only
 * those are looked at that it shares links with, over however many others. Told in the order of time.
 */
export class FlowNetwork {
  readonly topology: Topology;
  readonly #flows = new Map<string, Flow>();
  /** By arc, those that cross it. */
  readonly #crossing = new Map<number, Set<Flow>>();
  readonly #down = new Set<number>();
  #versions = 0;
  readonly #due = new Heap<Due>((a, b) => (a.at === b.at ? a.id < b.id : a.at < b.at));

  constructor(topology: Topology) {
    this.topology = topology;
  }

  /** Bits in a second now; undefined when it is not on its way. */
  rateOf(id: string): number | undefined {
    const flow = this.#flows.get(id);
    return flow && flow.rate * 1000;
  }

  /** The vertices that it goes over; undefined while there is no way, or it is not on its way. */
  wayOf(id: string): readonly string[] | undefined {
    const flow = this.#flows.get(id);
    if (flow?.way === undefined) return undefined;
    return [flow.transfer.from, ...flow.way.map((arc) => this.topology.arcs[arc]!.to)];
  }

  /** Part of what an arc carries that is in use. */
  useOf(arc: number): number {
    const rate = [...(this.#crossing.get(arc) ?? [])].reduce((sum, flow) => sum + flow.rate, 0);
    return (rate * 1000) / this.topology.arcs[arc]!.capacity;
  }

  isDown(link: number): boolean {
    return this.#down.has(link);
  }

  start(transfer: Transfer, at: TimeMs): void {
    assert(!this.#flows.has(transfer.id), `the transfer ${transfer.id} is on its way`);
    const left = transfer.size * 8;
    const flow: Flow = { transfer, way: undefined, rate: 0, left, since: at, version: 0 };
    this.#flows.set(transfer.id, flow);
    this.#send(flow, this.#wayFor(flow));
    this.#share([flow], at);
  }

  /** It is over, or nobody wants it any more. */
  stop(id: string, at: TimeMs): void {
    const flow = this.#flows.get(id);
    if (flow === undefined) return;
    const beside = this.#beside([flow]);
    this.#flows.delete(id);
    this.#send(flow, undefined);
    this.#shareAmong(
      [...beside].filter((other) => other !== flow),
      at,
    );
  }

  /** What crosses it takes another way; what has none waits. */
  fail(link: number, at: TimeMs): void {
    if (this.#down.has(link)) return;
    const hit = [...this.#onLink(link)];
    const touched = this.#beside(hit);
    this.#down.add(link);
    for (const flow of hit) this.#send(flow, this.#wayFor(flow));
    this.#shareAmong([...union(touched, this.#beside(hit))], at);
  }

  /** What waits for a way may have one again, and what goes a longer one takes the shorter. */
  repair(link: number, at: TimeMs): void {
    if (!this.#down.delete(link)) return;
    const moved = [...this.#flows.values()].filter((flow) => {
      const [shortest] = this.#waysFor(flow);
      return shortest !== undefined && shortest.length < (flow.way?.length ?? Infinity);
    });
    const touched = this.#beside(moved);
    for (const flow of moved) this.#send(flow, this.#wayFor(flow));
    this.#shareAmong([...union(touched, this.#beside(moved))], at);
  }

  /** When the next one is there, if none comes or goes before. */
  nextEnd(): { readonly at: TimeMs; readonly id: string } | undefined {
    for (let due = this.#due.peek(); due !== undefined; due = this.#due.peek()) {
      if (this.#flows.get(due.id)?.version === due.version) {
        return { at: due.at as TimeMs, id: due.id };
      }
      this.#due.pop();
    }
    return undefined;
  }

  /**
   * How long a transfer would take if it began now and nothing changed: its part of the fullest arc of its way.
   * Infinity without a way. The cost by which a near copy is better than a far one.
   */
  expectedMs({ from, to, size, weight, cap = Infinity }: Omit<Transfer, 'id'>): number {
    let least = Infinity;
    for (const way of shortestWays(this.topology, from, to, (link) => this.#down.has(link))) {
      const rate = way.reduce((slowest, arc) => {
        const { capacity } = this.topology.arcs[arc]!;
        const part = (capacity * weight) / (weight + this.#weightOn(arc));
        return Math.min(slowest, part);
      }, cap);
      least = Math.min(least, rate === Infinity ? 0 : (size * 8 * 1000) / rate);
    }
    return least;
  }

  /** Of the shortest ways the one whose fullest arc has the least weight for what it carries. */
  #wayFor(flow: Flow): readonly number[] | undefined {
    let best: readonly number[] | undefined;
    let least = Infinity;
    for (const way of this.#waysFor(flow)) {
      const load = way.reduce((most, arc) => {
        const { capacity } = this.topology.arcs[arc]!;
        return Math.max(most, this.#weightOn(arc, flow) / capacity);
      }, 0);
      if (load < least) [best, least] = [way, load];
    }
    return best;
  }

  #waysFor({ transfer: { from, to } }: Flow): readonly (readonly number[])[] {
    return shortestWays(this.topology, from, to, (link) => this.#down.has(link));
  }

  #weightOn(arc: number, but?: Flow): number {
    let weight = 0;
    for (const flow of this.#crossing.get(arc) ?? []) {
      if (flow !== but) weight += flow.transfer.weight;
    }
    return weight;
  }

  *#onLink(link: number): Iterable<Flow> {
    const there = new Set([
      ...(this.#crossing.get(2 * link) ?? []),
      ...(this.#crossing.get(2 * link + 1) ?? []),
    ]);
    yield* there;
  }

  /** Takes it from the way that it goes, and puts it on another. */
  #send(flow: Flow, way: readonly number[] | undefined): void {
    for (const arc of flow.way ?? []) this.#crossing.get(arc)!.delete(flow);
    flow.way = way;
    for (const arc of way ?? []) {
      const there = this.#crossing.get(arc);
      if (there === undefined) this.#crossing.set(arc, new Set([flow]));
      else there.add(flow);
    }
  }

  #share(changed: readonly Flow[], at: TimeMs): void {
    this.#shareAmong([...this.#beside(changed)], at);
  }

  /** All whose rates may depend on theirs. */
  #beside(flows: readonly Flow[]): Set<Flow> {
    const found = new Set(flows);
    const seen = new Set<number>();
    for (const { way = [] } of found) {
      for (const arc of way) {
        if (seen.has(arc)) continue;
        seen.add(arc);
        for (const other of this.#crossing.get(arc) ?? []) found.add(other);
      }
    }
    return found;
  }

  /** Their rates depend on nobody else's. */
  #shareAmong(flows: readonly Flow[], at: TimeMs): void {
    const sorted = flows
      .filter(({ transfer }) => this.#flows.has(transfer.id))
      .sort((a, b) => (a.transfer.id < b.transfer.id ? -1 : 1));
    const moving = sorted.filter(({ way }) => way !== undefined);
    const rates = maxMinRates((arc) => this.topology.arcs[arc]!.capacity, moving.map(demandOf));
    const rateBy = new Map(moving.map((flow, i) => [flow, rates[i]! / 1000]));
    for (const flow of sorted) this.#setRate(flow, rateBy.get(flow) ?? 0, at);
  }

  #setRate(flow: Flow, rate: number, at: TimeMs): void {
    if (rate === flow.rate && flow.version > 0) return;
    const span = at - flow.since;
    const left = span === 0 ? flow.left : flow.left - flow.rate * span;
    flow.left = left > NOTHING ? left : 0;
    flow.since = at;
    flow.rate = rate;
    flow.version = ++this.#versions;
    if (flow.left > 0 && rate === 0) return;
    const needMs = flow.left === 0 ? 0 : Math.ceil(flow.left / rate);
    this.#due.push({ at: at + needMs, id: flow.transfer.id, version: flow.version });
  }
}

const demandOf = ({ way, transfer: { weight, cap } }: Flow): Demand => ({
  arcs: way!,
  weight,
  ...(cap !== undefined && { cap }),
});

const union = <T>(a: ReadonlySet<T>, b: ReadonlySet<T>): Set<T> => new Set([...a, ...b]);
