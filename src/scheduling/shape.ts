import { assert } from '../base/assert.ts';
import { type Constraints, constraintsKey, noConstraints } from '../model/constraints.ts';
import { type Resources, resourcesKey } from '../model/resources.ts';
import type { Who } from './residents.ts';

/** Index of an interned ask. Identical asks are one shape: one verdict, one search. */
export type ShapeIndex = number;

/** Constraints of a task that is known: `self` is told only where something depends on whose it is. */
export interface BoundConstraints extends Constraints {
  readonly self?: Who;
  /** It may run on nodes that are taken away. `ever`: whatever they cost now, and how many are there. */
  readonly spot?: 'now' | 'ever';
}

/** How much, and where it may be. Without constraints an ask is its request. */
export interface Ask extends Resources {
  readonly constraints?: BoundConstraints;
}

/** Asks by index, so that a hundred thousand equal jobs share one evaluation. */
export class Shapes {
  readonly #byKey = new Map<string, ShapeIndex>();
  readonly #requests: Resources[] = [];
  readonly #asks: Ask[] = [];
  #apart = false;

  /** Tasks of different workloads are different shapes from now on: a scorer asks whose a task is. */
  tellApart(): void {
    this.#apart = true;
  }

  /** Knows what another one of the same policy knows, under the same indexes. */
  copyOf(other: Shapes): void {
    assert(this.count === 0, 'nothing was interned yet');
    for (const [key, shape] of other.#byKey) this.#byKey.set(key, shape);
    for (const request of other.#requests) this.#requests.push(request);
    for (const ask of other.#asks) this.#asks.push(ask);
  }

  /** A shape of one workload alone where its constraints, or a scorer, depend on whose the task is. */
  intern(request: Resources, constraints?: BoundConstraints, who?: Who): ShapeIndex {
    const isOwn = constraints?.company !== undefined || constraints?.gpuAlone === true;
    const self = this.#apart || isOwn ? who : undefined;
    const key =
      resourcesKey(request) +
      (constraints === undefined ? '' : constraintsKey(constraints)) +
      (constraints?.spot === undefined ? '' : '/spot') +
      (self === undefined ? '' : `/${self.workload}`);
    const found = this.#byKey.get(key);
    if (found !== undefined) return found;
    this.#byKey.set(key, this.#requests.length);
    const bound = self === undefined ? constraints : { ...(constraints ?? noConstraints), self };
    this.#asks.push(bound === undefined ? request : { ...request, constraints: bound });
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
