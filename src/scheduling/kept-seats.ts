import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Keep } from '../model/preemption.ts';
import { besideNobody, looksAround } from './company.ts';
import { byExpectedEnd, expectedEnd } from './expected-ends.ts';
import { type GangAsk, planGang, type Seats } from './gang.ts';
import { type Hold, type Holds, less } from './holds.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { Occupancy, Occupant } from './occupancy.ts';
import { keptFor, ownerOf } from './preempting.ts';
import type { Candidate, Together } from './scheduler.ts';
import type { Ask } from './shape.ts';
import { Trial } from './trial.ts';

interface KeptHold {
  readonly hold: Hold;
  /** Members that have not started there. */
  members: number;
}

/**
 * What is kept for the one task, or gang, that waited too long while others took what it needs. Changes with
 * events alone, so that a replay, which makes no pass, comes to the same.
 */
export class KeptSeats<T extends Candidate> {
  readonly #table: NodeTable;
  readonly #holds: Holds;
  #keep: Keep | undefined;
  #owner = '';
  #parts: KeptHold[] = [];

  constructor(table: NodeTable, holds: Holds) {
    this.#table = table;
    this.#holds = holds;
  }

  get keep(): Keep | undefined {
    return this.#keep;
  }

  get owner(): string {
    return this.#owner;
  }

  isFor(task: T): boolean {
    return this.#keep !== undefined && ownerOf(task) === this.#owner;
  }

  /** Replaces what was kept. Without claims nothing is kept any more. */
  set(keep: Keep, owner: string): void {
    this.drop();
    if (keep.claims.length === 0) return;
    this.#keep = keep;
    this.#owner = owner;
    for (const { node, members } of keep.claims) {
      const row = this.#table.rowOf(node);
      if (row === undefined) continue;
      const hold: Hold = {
        row,
        amount: keptFor(keep.ask, members),
        by: keep.task,
        from: keep.from ?? (0 as TimeMs),
        isFor: (task) => ownerOf(task) === owner,
      };
      this.#holds.add(hold);
      this.#parts.push({ hold, members });
    }
  }

  /** False when there was nothing. */
  drop(): boolean {
    if (this.#keep === undefined) return false;
    for (const { hold } of this.#parts) this.#holds.remove(hold);
    this.#parts = [];
    this.#keep = undefined;
    return true;
  }

  /** One of those for whom it is kept was placed: true when that was the last one. */
  placed(task: T, row: NodeIndex): boolean {
    const { gang } = task;
    if (gang === undefined || gang.alive >= gang.min) return this.drop();
    const part = this.#parts.find(({ hold, members }) => hold.row === row && members > 0);
    if (part === undefined || this.#keep === undefined) return false;
    part.members--;
    this.#holds.resize(part.hold, less(part.hold.amount, keptFor(this.#keep.ask, 1)));
    return false;
  }

  /** A node of it has left. */
  get isBroken(): boolean {
    return this.#keep?.claims.some(({ node }) => this.#table.rowOf(node) === undefined) ?? false;
  }

  /** Whether the nodes are still large enough for what its largest member asks now: one may have shrunk. */
  stillFits(occupancy: Occupancy<T>, ask: Ask): boolean {
    const seats = this.#parts.map(({ hold: { row }, members }) => [row, members] as const);
    return fitsAlone(this.#table, occupancy, ask, seats);
  }
}

/** Whether so many fit on each row once all that runs there has ended, whoever is near or far by then. */
function fitsAlone<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  ask: Ask,
  seats: Iterable<readonly [NodeIndex, number]>,
): boolean {
  const alone = besideNobody(ask);
  const trial = new Trial(table);
  let fits = true;
  for (const [row, members] of seats) {
    for (const { running } of occupancy.onRow(row)) trial.give(row, running.held, running.gpus);
    fits &&= table.slots(row, alone, undefined, members) >= members;
  }
  trial.undo();
  return fits;
}

export type Aside = (row: NodeIndex) => ReturnType<NodeTable['aside']>;

/** Where there is room, once the occupant and all that are expected to end before it have ended. */
export interface Soonest<T extends Candidate> {
  /** Absent: there is room now. */
  readonly after: Occupant<T> | undefined;
  readonly seats: readonly Seats[];
}

/**
 * Where a task, or all of a gang, will find room first: on the table as it is once the first so many of those
 * that run have ended, by their estimates, those without one after the others and the oldest first. Undefined when
 * it does not fit on empty nodes either.
 */
export function planKeep<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  task: T,
  together: Together,
  aside: Aside,
): Keep | undefined {
  // Seats are kept of one size, that of the largest member.
  const { smaller: _, ...largest } = together;
  const alike = { ...largest, members: together.count, aside };
  const isOne = together.count === 1 && !looksAround(together.ask.constraints);
  const found = (isOne ? soonestOfOne : soonest)(table, occupancy, alike);
  if (found === undefined) return undefined;
  const seats = new Map<NodeIndex, number>();
  for (const { row, members } of found.seats) seats.set(row, (seats.get(row) ?? 0) + members);
  // The same question as is asked of it in every pass from now on: else it would be kept and given up for ever.
  if (!fitsAlone(table, occupancy, together.ask, seats)) return undefined;
  const last = found.after === undefined ? 0 : expectedEnd(found.after);
  const { constraints: _constraints, ...ask } = together.ask;
  return {
    task: task.id,
    ask,
    claims: [...seats].map(([row, members]) => ({ node: table.node(row)!.id, members })),
    ...(last < UNLIMITED ? { from: last as TimeMs } : {}),
  };
}

/** Of those that run as few as it takes have ended: found by halving. */
export function soonest<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  gang: GangAsk,
): Soonest<T> | undefined {
  const ends = [...occupancy.all()].sort(byExpectedEnd);
  const trial = new Trial(table);
  const planAfter = (count: number) => {
    trial.undo(count);
    while (trial.mark < count) {
      const { row, held, gpus } = ends[trial.mark]!.running;
      trial.give(row, held, gpus);
    }
    return planGang(table, gang);
  };
  try {
    let low = 0;
    let high = ends.length + 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (middle > ends.length || planAfter(middle).kind === 'fits') high = middle;
      else low = middle + 1;
    }
    if (low > ends.length) return undefined;
    const plan = planAfter(low);
    return plan.kind === 'fits' ? { after: ends[low - 1], seats: plan.seats } : undefined;
  } finally {
    trial.undo();
  }
}

/** The same of one task: only what ends on its own row helps, so that the first row which that helps is the one. */
export function soonestOfOne<T extends Candidate>(
  table: NodeTable,
  occupancy: Occupancy<T>,
  one: GangAsk,
): Soonest<T> | undefined {
  const now = planGang(table, one);
  if (now.kind === 'fits') return { after: undefined, seats: now.seats };
  const freed = new Map<NodeIndex, Freed<T>>();
  for (const occupant of occupancy.byExpectedEnd()) {
    const { row, held } = occupant.running;
    let there = freed.get(row);
    if (there === undefined) {
      const kept = one.aside?.(row);
      const cpu = table.freeCpu(row) - (kept?.cpu ?? 0);
      const memory = table.freeMemory(row) - (kept?.memory ?? 0);
      there = { ended: [], cpu, memory };
      freed.set(row, there);
    }
    there.ended.push(occupant);
    there.cpu += held.cpu;
    there.memory += held.memory;
    const seats = seatsOnce(table, row, there, one);
    if (seats !== undefined) return { after: occupant, seats };
  }
  return undefined;
}

/** What is free on a row once some have ended. */
interface Freed<T extends Candidate> {
  readonly ended: Occupant<T>[];
  cpu: number;
  memory: number;
}

/** Amounts say quickly that there is none; that there is one, only the table does. */
function seatsOnce<T extends Candidate>(
  table: NodeTable,
  row: NodeIndex,
  { ended, cpu, memory }: Freed<T>,
  one: GangAsk,
): readonly Seats[] | undefined {
  const { ask } = one;
  if ((ask.cpu > 0 && cpu < ask.cpu) || (ask.memory > 0 && memory < ask.memory)) return undefined;
  const trial = new Trial(table);
  for (const { running } of ended) trial.give(row, running.held, running.gpus);
  const plan = planGang(table, { ...one, rows: [row] });
  trial.undo();
  return plan.kind === 'fits' ? plan.seats : undefined;
}
