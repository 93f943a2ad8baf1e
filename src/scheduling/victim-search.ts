import { Heap } from '../base/heap.ts';
import type { TimeMs } from '../base/units.ts';
import { evictionCost, progress } from './eviction-cost.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { Occupancy, Occupant } from './occupancy.ts';
import { feasible } from './place.ts';
import type { Candidate, Running } from './scheduler.ts';
import { SeatBound } from './seat-bound.ts';
import type { Ask } from './shape.ts';
import { type Seat, Trial } from './trial.ts';
import {
  byId,
  type EvictionPolicy,
  type Unit,
  VictimUnits,
  weightOfClass,
} from './victim-units.ts';

/** What the search spares, most weighty first: two figures of a set of victims, the lower the better. */
export type Ranking = 'least-cost' | 'preempt_oldest' | 'preempt_least_progress';

export interface VictimAsk<T extends Candidate> {
  readonly ask: Ask;
  readonly members: number;
  /** The nodes that may be used; all, when not given. */
  readonly rows?: readonly NodeIndex[];
  readonly ranking: Ranking;
  readonly policy: EvictionPolicy<T>;
}

export interface Victims<T extends Candidate> {
  readonly units: readonly Unit<T>[];
  /** Every seat of the preemptor, those that need no victim included. */
  readonly seats: ReadonlyMap<NodeIndex, number>;
}

/** Below every price: the node comes up, and is priced then. */
const UNPRICED = -1;
/** Lighter than anybody: members that a gang can do without. */
const EXTRA = -Number.MAX_SAFE_INTEGER;

type Rank = readonly [number, number];

/** A way to one more seat on a node: its victims, or only a bound while `units` is missing. */
interface Way<T extends Candidate> {
  readonly row: NodeIndex;
  readonly weight: number;
  readonly cost: number;
  readonly units: readonly Unit<T>[] | undefined;
  readonly stamp: number;
  /** Of all gangs: the other members of one may be on any row. */
  readonly gangs: number;
}

/**
 * Who must stop so that `members` requests fit. What is free is used first; then seat by seat the node whose
 * victims are the cheapest, found best-first: every node is bounded by its cheapest task, and only the nodes
 * that come up are tried out on the table. Who frees nothing that is used is put back, on the node and once
 * more at the end, so that no victim could be left out. Undefined when not even all of them would help.
 */
export function findVictims<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  ask: VictimAsk<T>,
): Victims<T> | undefined {
  const search = new Search(table, occupancy, ask);
  try {
    return search.run();
  } finally {
    search.undo();
  }
}

class Search<T extends Candidate> {
  readonly #table: NodeTable;
  readonly #occupancy: Occupancy<T>;
  readonly #ask: VictimAsk<T>;
  readonly #trial: Trial;
  readonly #units: VictimUnits<T>;
  readonly #chosen: Unit<T>[] = [];
  /** Devices of each seat taken, by row. */
  readonly #seats = new Map<NodeIndex, Seat[]>();
  readonly #stamps = new Map<NodeIndex, number>();
  readonly #ways: Heap<Way<T>>;
  readonly #bound = new SeatBound();
  #left: number;

  constructor(table: NodeTable, occupancy: Occupancy<T>, ask: VictimAsk<T>) {
    this.#table = table;
    this.#occupancy = occupancy;
    this.#ask = ask;
    this.#trial = new Trial(table);
    this.#units = new VictimUnits(occupancy, ask.policy);
    this.#ways = new Heap<Way<T>>((a, b) => compareWays(a, b) < 0);
    this.#left = ask.members;
  }

  run(): Victims<T> | undefined {
    this.#releaseStopping();
    this.#eachRow((row) => this.#seat(row));
    // Times of placement seldom tie: few nodes come up, and the others need no price.
    const priced = this.#ask.ranking !== 'preempt_oldest';
    if (this.#left > 0) this.#eachRow((row) => this.#boundRow(row, priced));
    while (this.#left > 0) {
      if (this.#ways.size === 0) return undefined;
      const way = this.#ways.pop();
      // The row changed, and was looked at again then.
      if (way.stamp !== this.#stamp(way.row)) continue;
      if (way.cost === UNPRICED) this.#boundRow(way.row, true);
      else if (way.units === undefined || way.gangs !== this.#units.gangChoices)
        this.#tryOut(way.row);
      else this.#commit(way);
    }
    this.#putBack();
    return {
      units: this.#chosen,
      seats: new Map([...this.#seats].map(([row, seats]) => [row, seats.length])),
    };
  }

  undo(): void {
    this.#trial.undo();
  }

  /** What is told to stop is as good as free, unless it was set aside. */
  #releaseStopping(): void {
    for (const occupant of this.#occupancy.stopping) this.#release(occupant);
  }

  #eachRow(visit: (row: NodeIndex) => void): void {
    const { rows } = this.#ask;
    if (rows !== undefined) rows.forEach(visit);
    else for (let row = 0; row < this.#table.rows; row++) visit(row);
  }

  /** Takes every seat that fits on the row now. */
  #seat(row: NodeIndex): void {
    const { ask } = this.#ask;
    while (this.#left > 0 && feasible(this.#table, row, ask)) {
      const seats = this.#seats.get(row);
      const seat = this.#trial.place(row, ask);
      if (seats === undefined) this.#seats.set(row, [seat]);
      else seats.push(seat);
      this.#left--;
    }
  }

  #boundRow(row: NodeIndex, priced: boolean): void {
    const { policy, ranking, ask } = this.#ask;
    const bound = this.#bound;
    bound.begin(this.#table, row, ask, priced);
    for (const occupant of this.#occupancy.onRow(row)) {
      if (!policy.mayStop(occupant)) continue;
      const { running } = occupant;
      const { gang } = running.task;
      const isExtra = gang !== undefined && this.#units.spare(gang) > 0;
      const weight = isExtra ? EXTRA : weightOf(ranking, running, policy.at);
      bound.add(running.held, weight, priced ? evictionCost(running, policy.at) : 0);
    }
    if (bound.end()) this.#push(row, bound.weight, priced ? bound.cost : UNPRICED, undefined);
  }

  #tryOut(row: NodeIndex): void {
    const found = this.#cheapest(row);
    if (found === undefined) return;
    this.#push(row, ...this.#rank(found), found);
  }

  #push(row: number, weight: number, cost: number, units: readonly Unit<T>[] | undefined): void {
    const gangs = this.#units.gangChoices;
    this.#ways.push({ row, weight, cost, units, stamp: this.#stamp(row), gangs });
  }

  #stamp(row: NodeIndex): number {
    return this.#stamps.get(row) ?? 0;
  }

  /** Victims for one more seat: stopped one after the other until it fits, then the needless put back. */
  #cheapest(row: NodeIndex): readonly Unit<T>[] | undefined {
    const { ask } = this.#ask;
    const candidates = this.#units.onRow(row).sort((a, b) => this.#compare(a, b));
    const mark = this.#trial.mark;
    const given: Unit<T>[] = [];
    let alone: Unit<T> | undefined;
    for (const unit of candidates) {
      if (!this.#units.admits(unit, given)) continue;
      this.#releaseUnit(unit);
      given.push(unit);
      if (feasible(this.#table, row, ask)) break;
    }
    const fits = feasible(this.#table, row, ask);
    if (!fits) given.length = 0;
    for (let i = given.length - 2; i >= 0; i--) {
      this.#retakeUnit(given[i]!);
      if (feasible(this.#table, row, ask)) given.splice(i, 1);
      else this.#releaseUnit(given[i]!);
    }
    this.#trial.undo(mark);
    if (given.length > 1) alone = candidates.find((unit) => this.#suffices(unit, row));
    if (!fits) return undefined;
    if (alone !== undefined && compareRanks(this.#rank([alone]), this.#rank(given)) < 0)
      return [alone];
    return given;
  }

  #suffices(unit: Unit<T>, row: NodeIndex): boolean {
    if (!this.#units.admits(unit, [])) return false;
    const mark = this.#trial.mark;
    this.#releaseUnit(unit);
    const fits = feasible(this.#table, row, this.#ask.ask);
    this.#trial.undo(mark);
    return fits;
  }

  #commit({ row, units }: Way<T>): void {
    // Others were chosen since: a budget or a share may be used up.
    if (!units!.every((unit, i) => this.#units.admits(unit, units!.slice(0, i)))) {
      this.#touch(row);
      this.#tryOut(row);
      return;
    }
    const touched = new Set<NodeIndex>([row]);
    for (const unit of units!) {
      this.#units.choose(unit);
      this.#chosen.push(unit);
      this.#releaseUnit(unit);
      for (const { running } of unit.members) touched.add(running.row);
    }
    const { rows } = this.#ask;
    for (const other of touched) {
      this.#touch(other);
      if (rows !== undefined && !rows.includes(other)) continue;
      this.#seat(other);
      if (this.#left > 0) this.#tryOut(other);
    }
  }

  #touch(row: NodeIndex): void {
    this.#stamps.set(row, (this.#stamps.get(row) ?? 0) + 1);
  }

  /** Whoever can run on beside the preemptor does, the most precious first; seats may move for it. */
  #putBack(): void {
    const precious = this.#chosen.toSorted((a, b) => this.#compare(b, a));
    // Everywhere else is full: only where somebody stopped can there be a seat too many.
    const touched = new Set(precious.flatMap((unit) => unit.members.map((one) => one.running.row)));
    for (const unit of precious) {
      // With the rest of its gang stopped, it would run below the minimum.
      const key = unit.members[0]!.running.task.gang?.key;
      if (unit.gang === undefined && this.#chosen.some((other) => other.gang === (key ?? '')))
        continue;
      const mark = this.#trial.mark;
      const rows = new Set(unit.members.map(({ running }) => running.row));
      for (const row of rows) this.#unseat(row);
      this.#retakeUnit(unit);
      const seats = new Map<NodeIndex, Seat[]>();
      let left = 0;
      for (const row of rows) {
        left += this.#seats.get(row)?.length ?? 0;
        seats.set(row, []);
      }
      for (const row of [...rows, ...touched]) left = this.#reseat(row, left, seats);
      if (left > 0 || !this.#intact(rows)) {
        this.#trial.undo(mark);
        continue;
      }
      for (const [row, list] of seats) {
        if (list.length === 0) this.#seats.delete(row);
        else this.#seats.set(row, list);
      }
      this.#units.unchoose(unit);
      this.#chosen.splice(this.#chosen.indexOf(unit), 1);
    }
  }

  /** Nothing is free below zero: what was put back holds its very devices again. */
  #intact(rows: ReadonlySet<NodeIndex>): boolean {
    for (const row of rows) {
      if (this.#table.freeCpu(row) < 0 || this.#table.freeMemory(row) < 0) return false;
      if (this.#table.freeGpu(row).some((free) => free < 0)) return false;
    }
    return true;
  }

  #unseat(row: NodeIndex): void {
    for (const { held, gpus } of this.#seats.get(row) ?? []) this.#trial.give(row, held, gpus);
  }

  /** Places up to `left` seats on the row, and says how many are left. */
  #reseat(row: NodeIndex, left: number, seats: Map<NodeIndex, Seat[]>): number {
    const { ask, rows } = this.#ask;
    if (rows !== undefined && !rows.includes(row)) return left;
    let rest = left;
    let list = seats.get(row);
    while (rest > 0 && feasible(this.#table, row, ask)) {
      list ??= [...(this.#seats.get(row) ?? [])];
      list.push(this.#trial.place(row, ask));
      seats.set(row, list);
      rest--;
    }
    return rest;
  }

  #release({ running: { row, held, gpus } }: Occupant<T>): void {
    this.#trial.give(row, held, gpus);
  }

  #releaseUnit(unit: Unit<T>): void {
    for (const member of unit.members) this.#release(member);
  }

  #retakeUnit(unit: Unit<T>): void {
    for (const { running } of unit.members) {
      this.#trial.take(running.row, running.held, running.gpus);
    }
  }

  #rank(units: readonly Unit<T>[]): Rank {
    let [first, second] = [Number.NEGATIVE_INFINITY, 0];
    for (const unit of units) {
      first = Math.max(first, weightOfUnit(this.#ask.ranking, unit));
      second += unit.cost;
    }
    return [first, second];
  }

  #compare(a: Unit<T>, b: Unit<T>): number {
    return compareRanks(this.#rank([a]), this.#rank([b])) || byId(a, b);
  }
}

function weightOf(ranking: Ranking, running: Running<Candidate>, at: TimeMs): number {
  if (ranking === 'least-cost') {
    const { stops, priority } = running.task;
    return weightOfClass(stops?.preemptionPriority, priority);
  }
  return ranking === 'preempt_oldest' ? running.placedAt : progress(running, at);
}

function weightOfUnit(ranking: Ranking, unit: Unit<Candidate>): number {
  if (unit.extra) return EXTRA;
  if (ranking === 'least-cost') return weightOfClass(unit.classPriority, unit.priority);
  return ranking === 'preempt_oldest' ? unit.placedAt : unit.progress;
}

const compareRanks = (a: Rank, b: Rank): number => a[0] - b[0] || a[1] - b[1];

function compareWays<T extends Candidate>(a: Way<T>, b: Way<T>): number {
  return (
    a.weight - b.weight ||
    a.cost - b.cost ||
    (a.units?.length ?? 0) - (b.units?.length ?? 0) ||
    a.row - b.row
  );
}
