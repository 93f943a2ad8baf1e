import type { Node } from '../model/node.ts';
import type { NodeTable } from '../scheduling/node-table.ts';

/** The nodes of a table in order of joining; listed once after each change. */
export class JoinedNodes {
  readonly #table: NodeTable;
  #nodes: readonly Node[] | undefined;

  constructor(table: NodeTable) {
    this.#table = table;
  }

  list(): readonly Node[] {
    const { rows } = this.#table;
    this.#nodes ??= Array.from({ length: rows }, (_, row) => this.#table.node(row)).filter(
      (node) => node !== undefined,
    );
    return this.#nodes;
  }

  changed(): void {
    this.#nodes = undefined;
  }
}
