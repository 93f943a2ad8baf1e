import type { TimeMs } from '../base/units.ts';
import type { Resources } from '../model/resources.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { Candidate } from './scheduler.ts';

/** A part of one node that is kept for somebody. */
export interface Hold {
  readonly row: NodeIndex;
  amount: Resources;
  /** Who it is kept for, in words. */
  readonly by: string;
  /** Others may use it until then, if they end in time. */
  readonly from: TimeMs;
  readonly isFor: (task: Candidate) => boolean;
}

/** All that is kept for somebody, and how much of a node is barred to whom. */
export class Holds {
  readonly #table: NodeTable;
  readonly #byRow = new Map<NodeIndex, Hold[]>();

  constructor(table: NodeTable) {
    this.#table = table;
  }

  add(hold: Hold): void {
    const holds = this.#byRow.get(hold.row);
    if (holds === undefined) this.#byRow.set(hold.row, [hold]);
    else holds.push(hold);
    this.#sum(hold.row);
  }

  remove(hold: Hold): void {
    const holds = this.#byRow.get(hold.row);
    const at = holds?.indexOf(hold) ?? -1;
    if (holds === undefined || at < 0) return;
    holds.splice(at, 1);
    if (holds.length === 0) this.#byRow.delete(hold.row);
    this.#sum(hold.row);
  }

  resize(hold: Hold, amount: Resources): void {
    hold.amount = amount;
    this.#sum(hold.row);
  }

  get rows(): Iterable<NodeIndex> {
    return this.#byRow.keys();
  }

  get size(): number {
    return this.#byRow.size;
  }

  /** What of the row this task must leave alone. */
  asideFor(task: Candidate, row: NodeIndex, at: TimeMs): Resources | undefined {
    let sum: Resources | undefined;
    for (const hold of this.#byRow.get(row) ?? []) {
      if (hold.isFor(task)) continue;
      const { estimateMs } = task;
      if (estimateMs !== undefined && at + estimateMs <= hold.from) continue;
      sum = sum === undefined ? hold.amount : plus(sum, hold.amount);
    }
    return sum;
  }

  /** Looks while of each row only what is kept for others than this task is set aside. */
  besides<R>(task: Candidate, at: TimeMs, look: () => R): R {
    const own = [...this.#byRow].filter(([, holds]) => holds.some((hold) => hold.isFor(task)));
    for (const [row] of own) this.#table.setAside(row, this.asideFor(task, row, at));
    try {
      return look();
    } finally {
      for (const [row] of own) this.#sum(row);
    }
  }

  /** The first hold that bars the task from a row where it would fit. */
  barring(task: Candidate, ask: Resources, at: TimeMs): Hold | undefined {
    for (const [row, holds] of this.#byRow) {
      if (this.#table.slots(row, ask, undefined, 1) === 0) continue;
      if (this.#table.slots(row, ask, this.asideFor(task, row, at), 1) === 1) continue;
      return holds.find((hold) => !hold.isFor(task));
    }
    return undefined;
  }

  /** The same for everybody: who is at liberty to use more is told by `asideFor`. */
  #sum(row: NodeIndex): void {
    const holds = this.#byRow.get(row);
    const sum = holds?.map((hold) => hold.amount).reduce(plus);
    this.#table.setAside(row, sum);
  }
}

export function plus(a: Resources, b: Resources): Resources {
  return combine(a, b, 1);
}

/** a − b, nothing below zero. */
export function less(a: Resources, b: Resources): Resources {
  return combine(a, b, -1);
}

export function scaled(a: Resources, times: number): Resources {
  return {
    cpu: (a.cpu * times) as Resources['cpu'],
    memory: (a.memory * times) as Resources['memory'],
    gpu: (a.gpu * times) as Resources['gpu'],
    custom: a.custom.map(([name, amount]) => [name, amount * times] as const),
  };
}

function combine(a: Resources, b: Resources, sign: 1 | -1): Resources {
  const of = (x: number, y: number): number => Math.max(0, x + sign * y);
  const names = [...new Set([...a.custom, ...b.custom].map(([name]) => name))].sort();
  const custom = (list: Resources['custom'], name: string): number =>
    list.find(([other]) => other === name)?.[1] ?? 0;
  return {
    cpu: of(a.cpu, b.cpu) as Resources['cpu'],
    memory: of(a.memory, b.memory) as Resources['memory'],
    gpu: of(a.gpu, b.gpu) as Resources['gpu'],
    custom: names.map(
      (name) => [name, of(custom(a.custom, name), custom(b.custom, name))] as const,
    ),
  };
}
