import { Heap } from '../base/heap.ts';
import type { ShapeIndex } from './shape.ts';

/** A task that waits for a place. Ordered by priority, then by age, then by its place in the workload. */
export interface Waiting {
  readonly priority: number;
  /** Counter of its workload. */
  readonly age: number;
  readonly step: number;
  readonly index: number;
}

export function before(a: Waiting, b: Waiting): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.age !== b.age) return a.age < b.age;
  if (a.step !== b.step) return a.step < b.step;
  return a.index < b.index;
}

/**
 * The waiting tasks, one heap per shape. A pass looks at the heads only, so that its cost grows with the
 * number of different requests and not with the number of tasks.
 */
export class Pending<T extends Waiting> {
  readonly #byShape = new Map<ShapeIndex, Heap<T>>();
  readonly #alive: (item: T, shape: ShapeIndex) => boolean;

  /** `alive` tells whether an item still waits with that shape; others are dropped when they come up. */
  constructor(alive: (item: T, shape: ShapeIndex) => boolean) {
    this.#alive = alive;
  }

  push(shape: ShapeIndex, item: T): void {
    let heap = this.#byShape.get(shape);
    if (heap === undefined) {
      heap = new Heap<T>(before);
      this.#byShape.set(shape, heap);
    }
    heap.push(item);
  }

  /** The first task of all shapes that `open` admits. */
  first(
    open: (shape: ShapeIndex) => boolean,
  ): { readonly shape: ShapeIndex; readonly item: T } | undefined {
    let best: { shape: ShapeIndex; item: T } | undefined;
    for (const [shape, heap] of this.#byShape) {
      if (!open(shape)) continue;
      const item = this.#head(shape, heap);
      if (item !== undefined && (best === undefined || before(item, best.item)))
        best = { shape, item };
    }
    return best;
  }

  #head(shape: ShapeIndex, heap: Heap<T>): T | undefined {
    for (;;) {
      const item = heap.peek();
      if (item === undefined) {
        this.#byShape.delete(shape);
        return undefined;
      }
      if (this.#alive(item, shape)) return item;
      heap.pop();
    }
  }
}
