import { assert } from '../base/assert.ts';
import { bestSetByWorth } from '../inventory/gpu-sets.ts';

/** The sums over all sets are kept: 2^16 of them for 16 devices. */
const EXACT_MAX = 16;

/** Which devices of a node a task should get together, by what their links carry. */
export class LinkSets {
  readonly #links: readonly (readonly number[])[];
  /** By set of devices, as bits: the links inside it, added up. */
  readonly #sums: Float64Array;

  constructor(links: readonly (readonly number[])[]) {
    this.#links = links;
    const count = links.length;
    if (count > EXACT_MAX) {
      this.#sums = new Float64Array(0);
      return;
    }
    this.#sums = new Float64Array(1 << count);
    for (let set = 1; set < this.#sums.length; set++) {
      const lowest = 31 - Math.clz32(set & -set);
      const rest = set & (set - 1);
      let sum = this.#sums[rest]!;
      for (let i = lowest + 1; i < count; i++) if ((rest >> i) & 1) sum += links[lowest]![i]!;
      this.#sums[set] = sum;
    }
  }

  /**
   * Of the idle devices the `count` whose links carry most in sum; of equal sets the one that leaves most
   * among those that stay idle, then the one whose last device comes first. Exact up to 16 devices.
   */
  best(idle: readonly number[], count: number): readonly number[] {
    assert(count >= 1 && count <= idle.length, 'so many devices are idle');
    if (this.#links.length > EXACT_MAX) {
      const worth = idle.map((a) => idle.map((b) => this.#links[a]![b]!));
      return bestSetByWorth(worth, count).map((i) => idle[i]!);
    }
    const all = idle.reduce((set, i) => set | (1 << i), 0);
    const sums = this.#sums;
    let best = 0;
    let bestSum = -1;
    let bestLeft = -1;
    for (let set = all; set > 0; set = (set - 1) & all) {
      const sum = sums[set]!;
      if (sum < bestSum || bits(set) !== count) continue;
      const left = sums[all & ~set]!;
      if (sum === bestSum && left < bestLeft) continue;
      [best, bestSum, bestLeft] = [set, sum, left];
    }
    return idle.filter((i) => (best >> i) & 1);
  }
}

function bits(set: number): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
}
