import type { Resources } from '../model/resources.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import type { Who } from './residents.ts';
import type { Ask } from './shape.ts';

interface Move {
  readonly row: NodeIndex;
  readonly held: Resources;
  readonly gpus: readonly string[];
  readonly gave: boolean;
  /** Counted as running there, for tasks that ask for company. */
  readonly who: Who | undefined;
  /** The name under which it holds space there. */
  readonly holder?: string;
}

/** What a request took of a node. */
export interface Seat {
  readonly held: Resources;
  readonly gpus: readonly string[];
}

/**
 * A what-if on the real table, taken back by an undo log: a search touches tens of rows of ten thousand, so
 * undoing them is cheaper than copying the cells and their devices (measured by `bench -- preemption`).
 */
export class Trial {
  readonly #table: NodeTable;
  readonly #log: Move[] = [];

  constructor(table: NodeTable) {
    this.#table = table;
  }

  /** A point to come back to. */
  get mark(): number {
    return this.#log.length;
  }

  /** Places one request and says what it holds on which devices. It must fit. */
  place(row: NodeIndex, ask: Ask): Seat {
    const gpus = this.#table.chooseGpus(row, ask.gpu, ask).map((gpu) => gpu.id);
    const held = this.#table.heldOn(row, ask, gpus);
    const who = ask.constraints?.self;
    this.#table.take(row, held, gpus);
    if (who !== undefined) this.#table.residents.add(row, who);
    const scratch = ask.constraints?.scratch;
    const holder = scratch && this.#table.space.holdAside(row, scratch);
    this.#log.push({ row, held, gpus, gave: false, who, ...(holder && { holder }) });
    return { held, gpus };
  }

  take(row: NodeIndex, held: Resources, gpus: readonly string[]): void {
    this.#table.take(row, held, gpus);
    this.#log.push({ row, held, gpus, gave: false, who: undefined });
  }

  give(row: NodeIndex, held: Resources, gpus: readonly string[]): void {
    this.#table.give(this.#table.node(row)!.id, held, gpus);
    this.#log.push({ row, held, gpus, gave: true, who: undefined });
  }

  undo(mark = 0): void {
    while (this.#log.length > mark) {
      const { row, held, gpus, gave, who, holder } = this.#log.pop()!;
      if (holder !== undefined) this.#table.space.release(holder);
      if (who !== undefined) this.#table.residents.remove(row, who);
      if (gave) this.#table.take(row, held, gpus);
      else this.#table.give(this.#table.node(row)!.id, held, gpus);
    }
  }
}
