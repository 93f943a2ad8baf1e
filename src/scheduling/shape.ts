import { assert } from '../base/assert.ts';
import { type Resources, resourcesKey } from '../model/resources.ts';

/** Index of an interned request. Identical asks are one shape: one verdict, one search. */
export type ShapeIndex = number;

/** Requests by index, so that a hundred thousand equal jobs share one evaluation. */
export class Shapes {
  readonly #byKey = new Map<string, ShapeIndex>();
  readonly #requests: Resources[] = [];

  intern(request: Resources): ShapeIndex {
    const key = resourcesKey(request);
    const found = this.#byKey.get(key);
    if (found !== undefined) return found;
    this.#byKey.set(key, this.#requests.length);
    return this.#requests.push(request) - 1;
  }

  request(shape: ShapeIndex): Resources {
    const request = this.#requests[shape];
    assert(request !== undefined, 'a shape that was interned');
    return request;
  }

  get count(): number {
    return this.#requests.length;
  }
}
