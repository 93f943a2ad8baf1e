import type { TimeMs } from '../base/units.ts';
import type { TenantId } from '../model/ids.ts';
import { LeafQueue, type TenantLine } from './leaf-queue.ts';
import type { NodeTable } from './node-table.ts';
import { byPriorityThenAge, type OrderRule } from './order.ts';
import { STRIDE } from './orders/stride.ts';
import type { QueueNode } from './queue-tree.ts';
import { byAge, type Candidate, type Running } from './scheduler.ts';
import type { Shapes } from './shape.ts';
import { siteCapacity } from './site-capacity.ts';
import { SortedList } from './sorted-list.ts';
import { restoreLeaf, type SavedLeaf, saveLeaf } from './tree-memory.ts';
import { type Vector, vectorOf } from './usage-account.ts';

/**
 * All that waits at a site of one queue, one after the other: for schedulers that look beyond the first. It is
 * told of all that is placed and ends.
 */
export interface WaitingOrder<T extends Candidate> {
  add(task: T): void;
  /** False when it was not there. */
  remove(task: T): boolean;
  items(at: TimeMs): readonly T[];
  placed(running: Running<T>): void;
  ended(running: Running<T>, at: TimeMs): void;
  /** Told after the end of what it was: it holds something else from now on. */
  resized(running: Running<T>, at: TimeMs): void;
  nodesChanged(): void;
  /** Who goes first changes with what is placed. */
  readonly shifts: boolean;
  save(): readonly SavedLeaf[];
  restore(leaves: readonly SavedLeaf[]): void;
}

/** Whether what waits has an order under it beyond its first. */
export const ranksAll = ({ draw, headRank, classShifts }: OrderRule): boolean =>
  draw === undefined && headRank === undefined && classShifts !== true;

/** Places in it never change. */
export class FixedOrder<T extends Candidate> implements WaitingOrder<T> {
  readonly #list: SortedList<T>;
  readonly shifts = false;

  constructor(compare: (a: T, b: T) => number = byRank(byPriorityThenAge)) {
    this.#list = new SortedList(compare);
  }

  add(task: T): void {
    this.#list.add(task);
  }

  remove(task: T): boolean {
    return this.#list.remove(task);
  }

  items(): readonly T[] {
    return this.#list.items;
  }

  placed(): void {}

  ended(): void {}

  resized(): void {}

  nodesChanged(): void {}

  save(): readonly SavedLeaf[] {
    return [];
  }

  restore(): void {}
}

/** All of one tenant before all of the next; which tenant is first changes with what they hold and used. */
export class TenantOrder<T extends Candidate> implements WaitingOrder<T> {
  readonly shifts = true;
  readonly #leaf: LeafQueue<T>;
  readonly #table: NodeTable;
  readonly #lists = new Map<TenantId, SortedList<T>>();
  #capacity: Vector | undefined;
  #items: readonly T[] | undefined;
  #itemsAt = -1;

  constructor(
    { table, shapes }: { readonly table: NodeTable; readonly shapes: Shapes },
    { node, rule, seed }: { node: QueueNode; rule: OrderRule; seed: number },
  ) {
    this.#table = table;
    this.#leaf = new LeafQueue<T>(node, rule, seed, {
      capacity: () => {
        this.#capacity ??= siteCapacity(this.#table);
        return this.#capacity;
      },
      request: (shape) => shapes.request(shape),
      sleeps: () => false,
      opened: () => {},
      closed: () => {},
      dropped: () => {},
    });
  }

  add(task: T): void {
    let list = this.#lists.get(task.tenant);
    if (list === undefined) {
      list = new SortedList<T>(byRank(this.#leaf.rule));
      this.#lists.set(task.tenant, list);
    }
    list.add(task);
    this.#line(task.tenant).waiting++;
    this.#items = undefined;
  }

  remove(task: T): boolean {
    const list = this.#lists.get(task.tenant);
    if (list?.remove(task) !== true) return false;
    if (list.items.length === 0) this.#lists.delete(task.tenant);
    this.#line(task.tenant).waiting--;
    this.#items = undefined;
    return true;
  }

  items(at: TimeMs): readonly T[] {
    if (this.#items !== undefined && this.#itemsAt === at) return this.#items;
    const ranked = Array.from(this.#lists, ([tenant, { items }]) => {
      const rank = this.#leaf.rule.tenantRank!(this.#line(tenant), at, this.#leaf);
      return { tenant, rank, items };
    });
    ranked.sort((a, b) => a.rank - b.rank || (a.tenant < b.tenant ? -1 : 1));
    this.#items = ranked.flatMap(({ items }) => items);
    this.#itemsAt = at;
    return this.#items;
  }

  placed(running: Running<T>): void {
    const line = this.#hold(running, 1, running.placedAt);
    const leaf = this.#leaf;
    leaf.placements++;
    leaf.virtualTime = Math.max(leaf.virtualTime, line.pass);
    line.pass = leaf.virtualTime + Math.floor(STRIDE / line.weight);
  }

  ended(running: Running<T>, at: TimeMs): void {
    this.#hold(running, -1, at);
  }

  resized(running: Running<T>, at: TimeMs): void {
    this.#hold(running, 1, at);
  }

  nodesChanged(): void {
    this.#capacity = undefined;
    this.#items = undefined;
  }

  save(): readonly SavedLeaf[] {
    return [saveLeaf(this.#leaf)];
  }

  restore(leaves: readonly SavedLeaf[]): void {
    const saved = leaves.find(({ queue }) => queue === this.#leaf.node.name);
    if (saved !== undefined) restoreLeaf(this.#leaf, saved, (tenant) => this.#line(tenant));
  }

  #hold({ task, held }: Running<T>, sign: 1 | -1, at: TimeMs): TenantLine<T> {
    const line = this.#line(task.tenant);
    line.hold(vectorOf(held), sign, at);
    this.#items = undefined;
    return line;
  }

  #line(tenant: TenantId): TenantLine<T> {
    return this.#leaf.line(tenant, () => false);
  }
}

export const byRank =
  ({ heapRank }: OrderRule) =>
  (a: Candidate, b: Candidate): number =>
    heapRank(a) - heapRank(b) || byAge(a, b);
