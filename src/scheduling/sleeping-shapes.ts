import { mindsOthers } from './company.ts';
import { type Bucket, wake } from './leaf-queue.ts';
import type { NodeIndex } from './node-table.ts';
import { feasible } from './place.ts';
import type { Candidate, SchedulerDeps } from './scheduler.ts';
import type { ShapeIndex } from './shape.ts';

/** Shapes for which no node had room: all their buckets sleep until one may have. */
export class SleepingShapes<T extends Candidate> {
  readonly #deps: Pick<SchedulerDeps, 'table' | 'shapes'>;
  readonly #asleep: boolean[] = [];
  readonly #shapes = new Set<ShapeIndex>();
  /** Those of them that may wake although no node was freed. */
  readonly #besideOthers = new Set<ShapeIndex>();
  readonly #buckets = new Map<ShapeIndex, Set<Bucket<T>>>();

  constructor(deps: Pick<SchedulerDeps, 'table' | 'shapes'>) {
    this.#deps = deps;
  }

  /** All that sleep, in the order in which they fell asleep. */
  [Symbol.iterator](): IterableIterator<ShapeIndex> {
    return this.#shapes.values();
  }

  has(shape: ShapeIndex): boolean {
    return this.#asleep[shape] === true;
  }

  bucketsOf(shape: ShapeIndex): Iterable<Bucket<T>> {
    return this.#buckets.get(shape) ?? [];
  }

  opened(bucket: Bucket<T>): void {
    const buckets = this.#buckets.get(bucket.shape) ?? new Set();
    this.#buckets.set(bucket.shape, buckets.add(bucket));
  }

  closed(bucket: Bucket<T>): void {
    this.#buckets.get(bucket.shape)!.delete(bucket);
  }

  add(shape: ShapeIndex): void {
    this.#asleep[shape] = true;
    this.#shapes.add(shape);
    if (mindsOthers(this.#deps.shapes.ask(shape).constraints)) this.#besideOthers.add(shape);
  }

  clear(): void {
    for (const shape of this.#shapes) this.#asleep[shape] = false;
    this.#shapes.clear();
    this.#besideOthers.clear();
  }

  /** Something was freed there. */
  freed(row: NodeIndex): void {
    const { table, shapes } = this.#deps;
    for (const shape of this.#shapes) {
      if (feasible(table, row, shapes.ask(shape))) this.#wake(shape);
    }
  }

  /** Who is to be near others, or as many in each place, may find room wherever one of them starts or ends. */
  moved(): void {
    for (const shape of this.#besideOthers) this.#wake(shape);
  }

  #wake(shape: ShapeIndex): void {
    this.#shapes.delete(shape);
    this.#besideOthers.delete(shape);
    this.#asleep[shape] = false;
    for (const bucket of this.bucketsOf(shape)) wake(bucket);
  }
}
