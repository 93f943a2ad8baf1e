import type { Gpu } from '../model/node.ts';
import { allowsGpu } from './allows-gpu.ts';
import { type NodeIndex, type NodeTable, WHOLE_GPU } from './node-table.ts';
import type { TypicalAsk } from './typical-demand.ts';

const STRIDE = WHOLE_GPU + 1;

/** Asks for several whole GPUs: how many, and by CPU rank the share of demand that the CPU suffices for. */
interface SeveralGpus {
  readonly devices: number;
  readonly share: Float64Array;
}

/**
 * The idle GPU of a node that typical demand can use (Fragmentation Gradient Descent, Weng et al., ATC'23):
 * the sum over typical asks of their share × the idle GPU on devices large enough for them, where the node
 * has the CPU and enough such devices. What a node has idle beyond it is a fragment.
 * For asks of one device the sum over asks is tabulated by CPU and device, so that a look is a few reads.
 */
export class Fragmentation {
  /** CPU amounts at which one more ask fits, ascending; the rank of a node is how many it reaches. */
  readonly #cpus: readonly number[];
  readonly #usable: Float64Array;
  readonly #several: readonly SeveralGpus[];

  constructor(typical: readonly TypicalAsk[], kind: Gpu) {
    const asks = typical.filter((ask) => ask.gpu > 0 && allowsGpu(ask.constraints, kind));
    this.#cpus = [...new Set(asks.map((ask) => ask.cpu))].sort((a, b) => a - b);
    const ranks = this.#cpus.length + 1;
    this.#usable = new Float64Array(ranks * STRIDE);
    const several = new Map<number, Float64Array>();
    for (const { cpu, gpu, share } of asks) {
      const from = this.#cpus.indexOf(cpu) + 1;
      if (gpu <= WHOLE_GPU) {
        for (let rank = from; rank < ranks; rank++) {
          const base = rank * STRIDE;
          for (let free = gpu; free <= WHOLE_GPU; free++)
            this.#usable[base + free]! += share * free;
        }
        continue;
      }
      const devices = gpu / WHOLE_GPU;
      const shares = several.get(devices) ?? new Float64Array(ranks);
      several.set(devices, shares);
      for (let rank = from; rank < ranks; rank++) shares[rank]! += share;
    }
    this.#several = [...several]
      .sort(([a], [b]) => a - b)
      .map(([devices, share]) => ({ devices, share }));
  }

  /** Usable idle milli-GPU of the node with this much CPU, its devices as they are. */
  usable(table: NodeTable, row: NodeIndex, cpu: number): number {
    const rank = this.#rank(cpu);
    const free = table.freeGpu(row);
    let usable = 0;
    for (let i = 0; i < free.length; i++) usable += this.#usable[rank * STRIDE + free[i]!]!;
    return usable + this.#severalUsable(rank, table.wholeGpus(row));
  }

  /** The same once a device with `before` free has `after` free. */
  afterShare(table: NodeTable, row: NodeIndex, cpu: number, before: number, after: number): number {
    const rank = this.#rank(cpu);
    const free = table.freeGpu(row);
    const base = rank * STRIDE;
    let usable = this.#usable[base + after]! - this.#usable[base + before]!;
    for (let i = 0; i < free.length; i++) usable += this.#usable[base + free[i]!]!;
    const whole = table.wholeGpus(row) - (before === WHOLE_GPU ? 1 : 0);
    return usable + this.#severalUsable(rank, whole);
  }

  /** The same once `devices` whole devices are taken. */
  afterWhole(table: NodeTable, row: NodeIndex, cpu: number, devices: number): number {
    const rank = this.#rank(cpu);
    const free = table.freeGpu(row);
    const base = rank * STRIDE;
    let usable = -devices * this.#usable[base + WHOLE_GPU]!;
    for (let i = 0; i < free.length; i++) usable += this.#usable[base + free[i]!]!;
    return usable + this.#severalUsable(rank, table.wholeGpus(row) - devices);
  }

  /** An ask for n whole devices can use those that are whole, when there are n. */
  #severalUsable(rank: number, whole: number): number {
    let usable = 0;
    for (const { devices, share } of this.#several) {
      if (whole >= devices) usable += share[rank]! * whole * WHOLE_GPU;
    }
    return usable;
  }

  #rank(cpu: number): number {
    const cpus = this.#cpus;
    let low = 0;
    let high = cpus.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cpus[middle]! <= cpu) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
