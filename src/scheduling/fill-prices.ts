import { WHOLE_GPU } from './node-table.ts';

/** A size of share of one GPU, in milli-GPU, and how often it is asked for. */
export interface ShareDemand {
  readonly size: number;
  readonly count: number;
}

/** Sizes in the program; rarer ones are priced by the room that they take. */
const SIZES_MAX = 64;
/** Far above what was seen (about 60 for 20 sizes); a program cut short still has valid prices. */
const ROUNDS_MAX = 2_000;
const EPSILON = 1e-9;

/**
 * What a share of a GPU is worth when GPUs are filled as well as the demand allows: the dual prices of the
 * cutting-stock program (Gilmore and Gomory 1961), in which the most demand is worth the least number of
 * GPUs: maximise Σ count·price where no filling of one GPU is worth more than 1. 470 of 1,000 is worth
 * a half when nothing fits beside two of them, and a small share that fits in left-over holes nothing.
 */
export class FillPrices {
  /** The most that a device with this much free can still be worth. */
  readonly #worth: Float64Array;
  readonly #priceBySize: ReadonlyMap<number, number>;

  constructor(demand: readonly ShareDemand[]) {
    const sizes = [...demand]
      .sort((a, b) => b.count - a.count || a.size - b.size)
      .slice(0, SIZES_MAX)
      .sort((a, b) => a.size - b.size);
    const prices = solve(sizes);
    this.#worth = fill(sizes, prices).worth;
    this.#priceBySize = new Map(sizes.map(({ size }, i) => [size, prices[i]!]));
  }

  /** GPUs' worth that is lost by placing a share on a device with so much free; 0 keeps to the plan. */
  loss(free: number, size: number): number {
    return Math.max(0, this.#worth[free]! - this.#worth[free - size]! - this.price(size));
  }

  /** What a share is worth, in GPUs; the room that it takes when none like it was asked for. */
  price(size: number): number {
    return this.#priceBySize.get(size) ?? this.#worth[size]!;
  }
}

/**
 * Revised simplex with columns generated as needed: rows are sizes, columns are fillings of one GPU, and
 * the next filling is the knapsack that the present prices make worth most.
 */
function solve(sizes: readonly ShareDemand[]): Float64Array {
  const rows = sizes.length;
  const fitting = sizes.map(({ size }) => Math.floor(WHOLE_GPU / size));
  const inverse = fitting.map((n, i) => {
    const row = new Float64Array(rows);
    row[i] = 1 / n;
    return row;
  });
  const amount = sizes.map(({ count }, i) => count / fitting[i]!);
  const cost = new Float64Array(rows).fill(1);
  const prices = new Float64Array(rows);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    for (let j = 0; j < rows; j++) {
      let price = 0;
      for (let i = 0; i < rows; i++) price += cost[i]! * inverse[i]![j]!;
      prices[j] = price;
    }
    const column = entering(sizes, prices);
    if (column === undefined) break;
    pivot(inverse, amount, cost, column);
  }
  return prices.map((price) => Math.max(0, price));
}

interface Column {
  readonly cells: Float64Array;
  readonly cost: number;
}

/** A surplus where a price is negative, else the best filling when it is worth more than its GPU. */
function entering(sizes: readonly ShareDemand[], prices: Float64Array): Column | undefined {
  const cells = new Float64Array(sizes.length);
  let lowest = -1;
  for (let j = 0; j < prices.length; j++) {
    if (prices[j]! < -EPSILON && (lowest < 0 || prices[j]! < prices[lowest]!)) lowest = j;
  }
  if (lowest >= 0) {
    cells[lowest] = -1;
    return { cells, cost: 0 };
  }
  const { worth, last } = fill(sizes, prices);
  if (worth[WHOLE_GPU]! <= 1 + EPSILON) return undefined;
  for (let free = WHOLE_GPU; free > 0; ) {
    const i = last[free]!;
    if (i < 0) free--;
    else {
      cells[i]!++;
      free -= sizes[i]!.size;
    }
  }
  return { cells, cost: 1 };
}

function pivot(
  inverse: readonly Float64Array[],
  amount: number[],
  cost: Float64Array,
  column: Column,
): void {
  const rows = inverse.length;
  const direction = inverse.map((row) => {
    let sum = 0;
    for (let j = 0; j < rows; j++) sum += row[j]! * column.cells[j]!;
    return sum;
  });
  let leaving = -1;
  let step = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rows; i++) {
    if (direction[i]! <= EPSILON) continue;
    const ratio = amount[i]! / direction[i]!;
    if (ratio < step - EPSILON) {
      step = ratio;
      leaving = i;
    }
  }
  if (leaving < 0) return;
  const pivotRow = inverse[leaving]!;
  for (let j = 0; j < rows; j++) pivotRow[j]! /= direction[leaving]!;
  for (let i = 0; i < rows; i++) {
    const factor = direction[i]!;
    if (i === leaving || factor === 0) continue;
    amount[i]! -= step * factor;
    const row = inverse[i]!;
    for (let j = 0; j < rows; j++) row[j]! -= factor * pivotRow[j]!;
  }
  amount[leaving] = step;
  cost[leaving] = column.cost;
}

/** The unbounded knapsack: the most worth for each amount of free GPU, and the size put in last. */
function fill(
  sizes: readonly ShareDemand[],
  prices: ArrayLike<number>,
): { worth: Float64Array; last: Int32Array } {
  const worth = new Float64Array(WHOLE_GPU + 1);
  const last = new Int32Array(WHOLE_GPU + 1).fill(-1);
  for (let free = 1; free <= WHOLE_GPU; free++) {
    worth[free] = worth[free - 1]!;
    for (let i = 0; i < sizes.length; i++) {
      const { size } = sizes[i]!;
      if (size > free) break;
      const value = worth[free - size]! + prices[i]!;
      if (value > worth[free]! + EPSILON / 1_000) {
        worth[free] = value;
        last[free] = i;
      }
    }
  }
  return { worth, last };
}
