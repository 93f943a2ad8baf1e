import { assert } from '../base/assert.ts';
import { type Constraints, constraintsKey } from '../model/constraints.ts';
import { type Resources, resourcesKey } from '../model/resources.ts';

/** Index of an interned ask. Identical asks are one shape: one verdict, one search. */
export type ShapeIndex = number;

/** How much, and where it may be. Without constraints an ask is its request. */
export interface Ask extends Resources {
  readonly constraints?: Constraints;
}

/** Asks by index, so that a hundred thousand equal jobs share one evaluation. */
export class Shapes {
  readonly #byKey = new Map<string, ShapeIndex>();
  readonly #requests: Resources[] = [];
  readonly #asks: Ask[] = [];

  intern(request: Resources, constraints?: Constraints): ShapeIndex {
    const key =
      resourcesKey(request) + (constraints === undefined ? '' : constraintsKey(constraints));
    const found = this.#byKey.get(key);
    if (found !== undefined) return found;
    this.#byKey.set(key, this.#requests.length);
    this.#asks.push(constraints === undefined ? request : { ...request, constraints });
    return this.#requests.push(request) - 1;
  }

  /** The amounts, which a placement holds. */
  request(shape: ShapeIndex): Resources {
    const request = this.#requests[shape];
    assert(request !== undefined, 'a shape that was interned');
    return request;
  }

  /** The amounts with the constraints: what is looked for. */
  ask(shape: ShapeIndex): Ask {
    const ask = this.#asks[shape];
    assert(ask !== undefined, 'a shape that was interned');
    return ask;
  }

  get count(): number {
    return this.#requests.length;
  }
}
