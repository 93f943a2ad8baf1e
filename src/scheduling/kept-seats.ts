import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Keep } from '../model/preemption.ts';
import { besideNobody } from './company.ts';
import { planGang } from './gang.ts';
import { type Hold, type Holds, less } from './holds.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { Occupancy, Occupant } from './occupancy.ts';
import { keptAsk, keptFor, ownerOf } from './preempting.ts';
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
  aside: (row: NodeIndex) => ReturnType<NodeTable['aside']>,
): Keep | undefined {
  // Seats are kept of one size, that of the largest member.
  const { smaller: _, ...largest } = together;
  const alike = { ...largest, members: together.count };
  const ends = [...occupancy.all()].sort(byExpectedEnd);
  const trial = new Trial(table);
  const planAfter = (count: number) => {
    trial.undo(count);
    while (trial.mark < count) {
      const { row, held, gpus } = ends[trial.mark]!.running;
      trial.give(row, held, gpus);
    }
    return planGang(table, { ...alike, aside });
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
    if (plan.kind !== 'fits') return undefined;
    const seats = new Map<NodeIndex, number>();
    for (const { row, members } of plan.seats) seats.set(row, (seats.get(row) ?? 0) + members);
    // The same question as is asked of it in every pass from now on: else it would be kept and given up for ever.
    trial.undo();
    if (!fitsAlone(table, occupancy, together.ask, seats)) return undefined;
    const last = low === 0 ? 0 : expectedEnd(ends[low - 1]!);
    return {
      task: task.id,
      ask: keptAsk(together.ask),
      claims: [...seats].map(([row, members]) => ({ node: table.node(row)!.id, members })),
      ...(last < UNLIMITED ? { from: last as TimeMs } : {}),
    };
  } finally {
    trial.undo();
  }
}

const expectedEnd = ({ running: { placedAt, task } }: Occupant<Candidate>): number =>
  Math.min(UNLIMITED, placedAt + (task.estimateMs ?? UNLIMITED));

function byExpectedEnd(a: Occupant<Candidate>, b: Occupant<Candidate>): number {
  return (
    expectedEnd(a) - expectedEnd(b) ||
    a.running.placedAt - b.running.placedAt ||
    (a.running.attempt < b.running.attempt ? -1 : 1)
  );
}
