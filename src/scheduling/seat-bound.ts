import type { Resources } from '../model/resources.ts';
import type { NodeIndex, NodeTable } from './node-table.ts';

/** Beyond so many tasks on a node the bound is its cheapest task alone. */
const EXACT_MAX = 32;

/**
 * The least that one more seat on a node can cost, from sums alone: the weight up to which tasks must stop
 * before enough of the scarcest resource is free, and the price of the cheapest fractions of those that
 * cover it. Never more than the true price, so that a best-first search stays exact. One object is used for
 * all nodes: a search looks at tens of thousands of tasks, and its arrays would be most of the work.
 */
export class SeatBound {
  readonly #amounts = new Float64Array(EXACT_MAX);
  readonly #weights = new Float64Array(EXACT_MAX);
  readonly #costs = new Float64Array(EXACT_MAX);
  #count = 0;
  #lowest = 0;
  #pick: (held: Resources) => number = one;
  #lack = 0;
  #priced = true;
  weight = 0;
  cost = 0;

  /** Without `priced` the bound of the price is 0. */
  begin(table: NodeTable, row: NodeIndex, ask: Resources, priced: boolean): void {
    this.#priced = priced;
    this.#count = 0;
    this.#lowest = Number.POSITIVE_INFINITY;
    // Free shares count: a device may lack only a part of being whole.
    const gpu = ask.gpu - table.freeGpuSum(row);
    const cpu = ask.cpu - table.freeCpu(row);
    const memory = ask.memory - table.freeMemory(row);
    this.#lack = gpu > 0 ? gpu : cpu > 0 ? cpu : memory > 0 ? memory : 1;
    this.#pick = gpu > 0 ? gpuOf : cpu > 0 ? cpuOf : memory > 0 ? memoryOf : one;
  }

  add(held: Resources, weight: number, cost: number): void {
    if (weight < this.#lowest) this.#lowest = weight;
    const i = this.#count++;
    if (i >= EXACT_MAX) return;
    this.#amounts[i] = this.#pick(held);
    this.#weights[i] = weight;
    this.#costs[i] = cost;
  }

  /** False when all of them together free too little. Sets `weight` and `cost`. */
  end(): boolean {
    const count = this.#count;
    if (count === 0) return false;
    if (count > EXACT_MAX) return this.#cheapestAlone();
    this.#sortByWeight(count);
    let freed = 0;
    let used = 0;
    while (used < count && freed < this.#lack) freed += this.#amounts[used++]!;
    if (freed < this.#lack) return false;
    this.weight = this.#weights[used - 1]!;
    this.cost = 0;
    if (!this.#priced) return true;
    while (used < count && this.#weights[used] === this.weight) used++;
    this.cost = Math.floor(this.#cover(used));
    return true;
  }

  /** The cheapest fractions among the first `count` that cover what lacks. */
  #cover(count: number): number {
    let lack = this.#lack;
    let cost = 0;
    let floor = -1;
    while (lack > 0) {
      let ratio = Number.POSITIVE_INFINITY;
      let amount = 0;
      for (let i = 0; i < count; i++) {
        if (this.#amounts[i] === 0) continue;
        const own = this.#costs[i]! / this.#amounts[i]!;
        if (own <= floor) continue;
        if (own < ratio) {
          ratio = own;
          amount = this.#amounts[i]!;
        } else if (own === ratio) amount += this.#amounts[i]!;
      }
      cost += ratio * Math.min(lack, amount);
      lack -= amount;
      floor = ratio;
    }
    return cost;
  }

  #cheapestAlone(): boolean {
    this.weight = this.#lowest;
    this.cost = 0;
    return true;
  }

  /** Insertion: a node has a few tasks. */
  #sortByWeight(count: number): void {
    const weights = this.#weights;
    const costs = this.#costs;
    const amounts = this.#amounts;
    for (let i = 1; i < count; i++) {
      const weight = weights[i]!;
      const cost = costs[i]!;
      const amount = amounts[i]!;
      let j = i - 1;
      for (; j >= 0 && weights[j]! > weight; j--) {
        weights[j + 1] = weights[j]!;
        costs[j + 1] = costs[j]!;
        amounts[j + 1] = amounts[j]!;
      }
      weights[j + 1] = weight;
      costs[j + 1] = cost;
      amounts[j + 1] = amount;
    }
  }
}

const gpuOf = (held: Resources): number => held.gpu;
const cpuOf = (held: Resources): number => held.cpu;
const memoryOf = (held: Resources): number => held.memory;
const one = (): number => 1;
