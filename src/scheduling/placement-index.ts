import { looksAround } from './company.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';
import { Outlook } from './outlook.ts';
import {
  checkedScore,
  chooseDevices,
  feasible,
  findPlace,
  isIn,
  type Part,
  parts,
  partsFor,
} from './place.ts';
import type { Scorer } from './scorer.ts';
import type { Ask, ShapeIndex } from './shape.ts';
import { type SavedDemand, TypicalDemand } from './typical-demand.ts';

/** Shapes that keep a tree; the one used longest ago gives its up. 256 × 10,000 nodes × 8 bytes = 20 MB. */
const TREES_MAX = 256;
/** With so few nodes, looking at each is less work than keeping trees. */
const FEW_ROWS = 4;
const UNFIT = -1;

/**
 * The best node for each shape, without looking at every node: per shape a tournament tree over the rows,
 * brought up to date with the rows that changed since the shape was last asked for. A placement changes
 * one row, so a decision costs one score and log₂(rows) comparisons. Answers as `findPlace` does, which it
 * asks where a verdict about one node depends on others: affinity, spread, nearness.
 */
export class PlacementIndex {
  readonly #table: NodeTable;
  readonly #scorer: Scorer;
  readonly #outlook: Outlook;
  /** By shape and part. */
  readonly #trees = new Map<number, Tree>();

  /** A `demand` that is not given is learned from what is `expect`ed. */
  constructor(table: NodeTable, scorer: Scorer, demand: TypicalDemand = new TypicalDemand()) {
    this.#table = table;
    this.#scorer = scorer;
    this.#outlook = new Outlook(table, demand);
  }

  /** Learns what is asked for, where the scorer looks ahead. */
  expect(ask: Ask): void {
    if (this.#scorer.looksAhead === true) this.#outlook.demand.add(ask);
  }

  /** What was learned, for the snapshot; undefined where the scorer does not look ahead. */
  save(): SavedDemand | undefined {
    return this.#scorer.looksAhead === true ? this.#outlook.demand.save() : undefined;
  }

  restore(saved: SavedDemand | undefined): void {
    if (saved !== undefined) this.#outlook.demand.restore(saved);
  }

  /** Ids of the devices for the ask on a node that `best` named. */
  devices(row: NodeIndex, ask: Ask): readonly string[] {
    return chooseDevices(this.#table, row, ask, this.#scorer, this.#outlook);
  }

  /** The node with the highest score, the first of equals; undefined when the shape fits nowhere. */
  best(shape: ShapeIndex, ask: Ask): NodeIndex | undefined {
    if (this.#scorer.looksAhead === true) this.#outlook.refresh();
    const { constraints } = ask;
    const looks = this.#scorer.looksAround === true && constraints?.self !== undefined;
    const searches = looks || looksAround(constraints);
    for (const part of partsFor(ask)) {
      // A tree is brought up to date under one answer to this, the same for all its rows.
      if (part === 'spot' && this.#table.spot.isFull(ask, this.#table)) continue;
      const row = searches ? this.#search(ask, part) : this.#lookUp(shape, ask, part);
      if (row !== undefined) return row;
    }
    return undefined;
  }

  #lookUp(shape: ShapeIndex, ask: Ask, part: Part): NodeIndex | undefined {
    if (this.#table.rows <= FEW_ROWS) return this.#bestOfFew(ask, part);
    const key = shape * parts.length + parts.indexOf(part);
    let tree = this.#trees.get(key);
    if (tree === undefined || !tree.holds(this.#table.rows)) {
      tree = new Tree(this.#table, this.#scorer, ask, this.#outlook, (at) =>
        this.#score(at, ask, part),
      );
    }
    tree.follow();
    // Re-inserted last: the map's order is the order of use.
    this.#trees.delete(key);
    this.#trees.set(key, tree);
    if (this.#trees.size > TREES_MAX) this.#trees.delete(this.#trees.keys().next().value!);
    return tree.winner();
  }

  /** As a tree would tell, without one. */
  #bestOfFew(ask: Ask, part: Part): NodeIndex | undefined {
    const table = this.#table;
    for (;;) {
      const count = table.changeCount;
      let best: NodeIndex | undefined;
      let most = UNFIT;
      for (let row = 0; row < table.rows; row++) {
        const score = this.#score(row, ask, part);
        if (score <= most) continue;
        best = row;
        most = score;
      }
      if (table.changeCount === count) return best;
    }
  }

  #score(row: NodeIndex, ask: Ask, part: Part): number {
    const table = this.#table;
    if (!isIn(table, row, part) || !feasible(table, row, ask)) return UNFIT;
    return checkedScore(this.#scorer, table, row, ask, this.#outlook);
  }

  /** At every node; once more where a plug-in failed meanwhile. */
  #search(ask: Ask, part: Part): NodeIndex | undefined {
    const table = this.#table;
    for (;;) {
      const count = table.changeCount;
      const verdict = findPlace(table, ask, this.#scorer, this.#outlook, part);
      if (table.changeCount === count) return verdict.kind === 'place' ? verdict.row : undefined;
    }
  }
}

class Tree {
  readonly #table: NodeTable;
  readonly #scorer: Scorer;
  readonly #ask: Ask;
  readonly #outlook: Outlook;
  readonly #score: (row: NodeIndex) => number;
  /** Leaves from `#leaves` on, one a row; each inner node is the better of its two children's rows. */
  readonly #winners: Int32Array;
  readonly #scores: Int32Array;
  readonly #leaves: number;
  readonly #take = (row: NodeIndex): void => this.#update(row);
  #cursor = -1;
  #version = -1;
  #mode = 0;

  constructor(
    table: NodeTable,
    scorer: Scorer,
    ask: Ask,
    outlook: Outlook,
    score: (row: NodeIndex) => number,
  ) {
    this.#table = table;
    this.#scorer = scorer;
    this.#ask = ask;
    this.#outlook = outlook;
    this.#score = score;
    let leaves = 1;
    // Room for more, so that nodes that join do not force a new tree each time.
    while (leaves < table.rows * 1.25) leaves *= 2;
    this.#leaves = leaves;
    this.#winners = new Int32Array(2 * leaves).fill(UNFIT);
    this.#scores = new Int32Array(leaves).fill(UNFIT);
  }

  holds(rows: number): boolean {
    return rows <= this.#leaves;
  }

  /** Takes in what changed since the last time, or looks at every row where that is cheaper. */
  follow(): void {
    const table = this.#table;
    const mode = this.#scorer.mode?.(table) ?? 0;
    // A plug-in that fails while it is asked marks every row as changed: once more, without it.
    do {
      const count = table.changeCount;
      const behind = count - this.#cursor;
      const follows =
        this.#cursor >= 0 &&
        this.#mode === mode &&
        this.#version === this.#outlook.version &&
        table.remembers(this.#cursor) &&
        behind <= table.rows;
      if (!follows) this.#scoreAll();
      else if (behind > 0) table.visitChanged(this.#cursor, this.#take);
      this.#cursor = count;
      this.#version = this.#outlook.version;
      this.#mode = mode;
    } while (table.changeCount !== this.#cursor);
  }

  winner(): NodeIndex | undefined {
    const row = this.#winners[1]!;
    return row === UNFIT ? undefined : row;
  }

  #scoreAll(): void {
    const table = this.#table;
    const leaves = this.#leaves;
    // Looking ahead is dear, often repeated, and sees amounts and models only; neighbours are often alike.
    const { constraints } = this.#ask;
    const labelled =
      constraints !== undefined &&
      (constraints.labels.length > 0 ||
        constraints.data !== undefined ||
        constraints.scratch !== undefined ||
        constraints.spot !== undefined ||
        constraints.preferred !== undefined);
    const named = this.#scorer.readsNodes === true || table.siteFilters.length > 0;
    const skips = this.#scorer.looksAhead === true && !labelled && !named;
    for (let row = 0; row < table.rows; row++) {
      const known = row > 0 && skips && table.alike(row - 1, row);
      const score = known ? this.#scores[row - 1]! : this.#score(row);
      this.#scores[row] = score;
      this.#winners[leaves + row] = score === UNFIT ? UNFIT : row;
    }
    for (let i = leaves - 1; i >= 1; i--) this.#winners[i] = this.#better(2 * i, 2 * i + 1);
  }

  #update(row: NodeIndex): void {
    const score = this.#score(row);
    if (score === this.#scores[row]) return;
    this.#scores[row] = score;
    let i = this.#leaves + row;
    this.#winners[i] = score === UNFIT ? UNFIT : row;
    for (i >>= 1; i >= 1; i >>= 1) {
      const winner = this.#better(2 * i, 2 * i + 1);
      // The same winner with another score may still lose higher up.
      if (winner === this.#winners[i] && winner !== row) return;
      this.#winners[i] = winner;
    }
  }

  #better(left: number, right: number): number {
    const a = this.#winners[left]!;
    const b = this.#winners[right]!;
    if (a === UNFIT) return b;
    if (b === UNFIT) return a;
    return this.#scores[b]! > this.#scores[a]! ? b : a;
  }
}
