import type { Gpu } from '../model/node.ts';
import { allowsGpu } from './allows-gpu.ts';
import { WHOLE_GPU } from './node-table.ts';
import type { TypicalAsk } from './typical-demand.ts';

/** Devices of a node told apart; what is free beyond them counts as served. */
const DEVICES_MAX = 16;
/** Amounts are counted in steps of the largest need of one GPU / STEPS. */
const STEPS = 64;

/**
 * How much idle GPU a node's CPU and memory are expected not to suffice for. What the next asks need for
 * one GPU's worth is drawn from typical demand, weighted by GPU; the j-th idle GPU of a node is stranded
 * when j such needs exceed what the node has left of CPU or of memory, whichever is likelier.
 */
export class Stranding {
  readonly #cpu: Suffices;
  readonly #memory: Suffices;

  constructor(typical: readonly TypicalAsk[], kind: Gpu) {
    const asks = typical.filter((ask) => ask.gpu > 0 && allowsGpu(ask.constraints, kind));
    this.#cpu = new Suffices(asks, (ask) => ask.cpu);
    this.#memory = new Suffices(asks, (ask) => ask.memory);
  }

  /** Expected stranded GPUs (not milli) of a node with so much milli-GPU, CPU and memory free. */
  expected(gpu: number, cpu: number, memory: number): number {
    let left = gpu / WHOLE_GPU;
    let stranded = 0;
    for (let j = 0; left > 0 && j < DEVICES_MAX; j++) {
      const likely = Math.min(this.#cpu.chance(j, cpu), this.#memory.chance(j, memory));
      stranded += Math.min(1, left) * (1 - likely);
      left--;
    }
    return stranded;
  }
}

/** The chance that an amount suffices for j + 1 needs: sums of independent draws, by convolution. */
class Suffices {
  readonly #step: number;
  readonly #bins: number;
  readonly #chances: readonly Float64Array[];

  constructor(asks: readonly TypicalAsk[], amountOf: (ask: TypicalAsk) => number) {
    const needs = asks.map((ask) => ({
      need: (amountOf(ask) * WHOLE_GPU) / ask.gpu,
      weight: ask.share * ask.gpu,
    }));
    const largest = needs.reduce((most, { need }) => Math.max(most, need), 0);
    this.#step = largest / STEPS;
    this.#bins = largest === 0 ? 0 : DEVICES_MAX * STEPS + 1;
    const total = needs.reduce((sum, { weight }) => sum + weight, 0);
    const weights = new Map<number, number>();
    for (const { need, weight } of needs) {
      const bin = this.#step === 0 ? 0 : Math.ceil(need / this.#step);
      weights.set(bin, (weights.get(bin) ?? 0) + weight / total);
    }
    this.#chances = this.#bins === 0 ? [] : this.#convolve([...weights]);
  }

  chance(j: number, amount: number): number {
    if (this.#bins === 0) return 1;
    const bin = Math.min(this.#bins - 1, Math.floor(amount / this.#step));
    return bin < 0 ? 0 : this.#chances[j]![bin]!;
  }

  #convolve(weights: readonly (readonly [bin: number, weight: number])[]): Float64Array[] {
    const chances: Float64Array[] = [];
    let sums = new Float64Array(this.#bins);
    sums[0] = 1;
    for (let j = 0; j < DEVICES_MAX; j++) {
      const next = new Float64Array(this.#bins);
      for (let at = 0; at < this.#bins; at++) {
        const chance = sums[at]!;
        if (chance === 0) continue;
        for (const [bin, weight] of weights) {
          if (at + bin < this.#bins) next[at + bin]! += chance * weight;
        }
      }
      let below = 0;
      chances.push(next.map((chance) => (below += chance)));
      sums = next;
    }
    return chances;
  }
}
