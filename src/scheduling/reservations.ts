import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Reservation, Selector } from '../model/reservation.ts';
import type { Resources } from '../model/resources.ts';
import { isOpen, nextChange, windowAt } from './calendar.ts';
import { HELD_MAX } from './gang-answers.ts';
import { type Hold, type Holds, less, plus } from './holds.ts';
import { type NodeIndex, NodeTable } from './node-table.ts';
import { Privileged } from './privileged.ts';
import type { ReservationDescription } from './queue-description.ts';
import type { Candidate, Running } from './scheduler.ts';

export function selects(
  { pipelines, queues, tenants, classes }: Selector,
  task: Candidate,
): boolean {
  if (queues !== undefined && !queues.includes(task.queue)) return false;
  if (tenants !== undefined && !tenants.includes(task.tenant)) return false;
  if (classes !== undefined && !classes.includes(task.className ?? '')) return false;
  if (pipelines === undefined) return true;
  return pipelines.some((pattern) => matches(pattern, task.workloadName ?? ''));
}

/** Whether what is kept is lent to it, because it can be stopped for those that it is kept for. */
const borrows = ({ lentBelow }: Reservation, { priority, stops }: Candidate): boolean =>
  lentBelow !== undefined && priority < lentBelow && stops?.preemptible !== false;

/** Whether `*` of the pattern can be filled so that the texts are equal. */
export function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const first = parts.shift()!;
  if (!text.startsWith(first)) return false;
  if (parts.length === 0) return text === first;
  const last = parts.pop()!;
  let at = first.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

interface Part {
  readonly reservation: Reservation;
  readonly row: NodeIndex;
  hold: Hold | undefined;
  /** Held on the row by tasks that it is for. */
  used: Resources;
}

const NOTHING = { cpu: 0, memory: 0, gpu: 0, custom: [] } as unknown as Resources;

/**
 * Binds reservations to nodes and keeps their parts free for those they are for: now while a window is open,
 * and before it for everybody who might not have ended by then. Nodes are chosen by capacity alone, the first
 * that joined first, so that a replay and a snapshot come to the same ones; what runs there runs on.
 */
export class ReservationBook<T extends Candidate = Candidate> {
  readonly #table: NodeTable;
  readonly #holds: Holds;
  readonly #reservations: readonly Reservation[];
  #parts: Part[] = [];
  /** Waiting tasks that might use what is kept. */
  readonly #waiting = new Privileged<T>();
  readonly #running = new Map<string, Running<Candidate>>();
  #changeAt: TimeMs | undefined;

  constructor(table: NodeTable, holds: Holds, reservations: readonly Reservation[]) {
    this.#table = table;
    this.#holds = holds;
    this.#reservations = reservations;
  }

  /** Nodes joined, left or changed: binds afresh. */
  bind(): void {
    if (this.#reservations.length === 0) return;
    for (const part of this.#parts) if (part.hold !== undefined) this.#holds.remove(part.hold);
    this.#parts = [];
    const empty = emptyCopy(this.#table);
    for (const reservation of this.#reservations) {
      const { amount } = reservation;
      for (let i = 0; i < reservation.parts; i++) {
        const row = firstFit(empty, amount);
        if (row === undefined) break;
        empty.take(
          row,
          amount,
          empty.chooseGpus(row, amount.gpu).map((gpu) => gpu.id),
        );
        this.#parts.push({ reservation, row, hold: undefined, used: NOTHING });
      }
    }
    for (const running of this.#running.values()) this.#use(running, plus);
    this.#changeAt = 0 as TimeMs;
  }

  /** Brings what is kept up to date with the time; true when something changed. */
  advance(at: TimeMs): boolean {
    if (this.#changeAt === undefined || at < this.#changeAt) return false;
    this.#changeAt = undefined;
    for (const part of this.#parts) {
      const { duration, selector, name } = part.reservation;
      if (part.hold !== undefined) this.#holds.remove(part.hold);
      part.hold = {
        row: part.row,
        amount: less(part.reservation.amount, part.used),
        by: selector.classes === undefined ? `reservation ${name}` : name,
        from: windowAt(duration, at).start,
        isFor: (task) => selects(selector, task) || borrows(part.reservation, task),
      };
      this.#holds.add(part.hold);
      const next = nextChange(duration, at);
      if (next !== undefined && next < (this.#changeAt ?? UNLIMITED)) this.#changeAt = next;
    }
    return true;
  }

  /** When `advance` has something to do. */
  get changeAt(): TimeMs | undefined {
    return this.#changeAt;
  }

  /** Whether something is kept for this task. */
  isFor(task: Candidate): boolean {
    return this.#reservations.some(({ selector }) => selects(selector, task));
  }

  enqueue(task: T): void {
    if (this.#mayUse(task)) this.#waiting.add(task, this);
  }

  withdraw(task: T): void {
    this.#waiting.remove(task);
  }

  /** The first that wait and might use what is kept: as one it is for, until it is needed, or until stopped. */
  get candidates(): readonly T[] {
    return this.#waiting.first(HELD_MAX);
  }

  /** Of them, those that something is kept for, and that are not among `others`. */
  entitled(others: readonly T[]): readonly T[] {
    const waiting = this.#waiting.first(HELD_MAX);
    if (waiting.length === 0) return [];
    const known = new Set(others);
    return waiting.filter((task) => this.isFor(task) && !known.has(task));
  }

  #mayUse(task: Candidate): boolean {
    if (this.#reservations.length === 0) return false;
    if (task.estimateMs !== undefined || this.isFor(task)) return true;
    return this.#reservations.some((reservation) => borrows(reservation, task));
  }

  /** The same for tasks to which the same is open. */
  openTo(task: Candidate): string {
    const open = this.#reservations.flatMap((reservation, i) =>
      selects(reservation.selector, task) || borrows(reservation, task) ? [i] : [],
    );
    return open.join();
  }

  describe(at: TimeMs): ReservationDescription[] {
    return this.#reservations.map((reservation) => {
      const parts = this.#parts
        .filter((part) => part.reservation === reservation)
        .map(({ row, used }) => ({ node: this.#table.node(row)!.id, used }));
      const { duration } = reservation;
      const changesAt = nextChange(duration, at);
      return { reservation, parts, isOpen: isOpen(duration, at), changesAt };
    });
  }

  /** Parts that found no node that is large enough. */
  unbound(): number {
    const wanted = this.#reservations.reduce((sum, { parts }) => sum + parts, 0);
    return wanted - this.#parts.length;
  }

  placed(running: Running<T>): void {
    this.#waiting.remove(running.task);
    if (!this.isFor(running.task)) return;
    this.#running.set(running.attempt, running);
    this.#use(running, plus);
  }

  resized(running: Running<T>): void {
    this.ended(running.attempt);
    this.placed(running);
  }

  ended(attempt: string): void {
    const running = this.#running.get(attempt);
    if (running === undefined) return;
    this.#running.delete(attempt);
    this.#use(running, less);
  }

  /** The first part on its node that is for it gives way to what it holds. */
  #use({ task, row, held }: Running<Candidate>, change: typeof plus): void {
    const part = this.#parts.find(
      (one) => one.row === row && selects(one.reservation.selector, task),
    );
    if (part === undefined) return;
    part.used = change(part.used, held);
    if (part.hold !== undefined) {
      this.#holds.resize(part.hold, less(part.reservation.amount, part.used));
    }
  }
}

/** The same nodes with nothing on them, on the same rows. */
export function emptyCopy(table: NodeTable): NodeTable {
  const empty = new NodeTable();
  empty.spot.policy = table.spot.policy;
  for (let row = 0; row < table.rows; row++) {
    const node = table.node(row);
    // A row that was left keeps its number: the copy must have it, too.
    if (node !== undefined) empty.join(node);
    else empty.join({ ...NOTHING, id: `gone ${row}`, gpus: [], labels: {} } as never);
  }
  return empty;
}

function firstFit(table: NodeTable, ask: Resources): NodeIndex | undefined {
  for (let row = 0; row < table.rows; row++) if (table.fits(row, ask)) return row;
  return undefined;
}
