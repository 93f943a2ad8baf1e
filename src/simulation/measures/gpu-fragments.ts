import type { Gpu } from '../../model/node.ts';
import type { WorkloadSpec } from '../../model/workload.ts';
import { Fragmentation } from '../../scheduling/fragmentation.ts';
import type { NodeTable } from '../../scheduling/node-table.ts';
import { TypicalDemand } from '../../scheduling/typical-demand.ts';

/** The part of requests that counts as typical, the rarest left out; as in FGD. */
const TYPICAL_PORTION = 0.95;

/**
 * Idle GPU of a site, and what of it typical demand cannot use (Weng et al., ATC'23), followed change by change.
 * What is typical is learned from what is submitted.
 */
export class GpuFragments {
  readonly #demand = new TypicalDemand();
  readonly #idle: number[] = [];
  readonly #unusable: number[] = [];
  #kinds = new Map<string, Fragmentation>();
  #version = -1;
  #cursor = -1;
  #idleSum = 0;
  #unusableSum = 0;

  /** Milli-GPU. */
  get idle(): number {
    return this.#idleSum;
  }

  get unusable(): number {
    return this.#unusableSum;
  }

  submitted({ steps }: WorkloadSpec): void {
    for (const { request, constraints, count } of steps) {
      if (count === 0) continue;
      this.#demand.add(constraints === undefined ? request : { ...request, constraints }, count);
    }
  }

  follow(table: NodeTable): void {
    if (this.#cursor === table.changeCount && this.#version === this.#demand.version) return;
    const isStale = this.#version !== this.#demand.version;
    if (isStale) {
      this.#version = this.#demand.version;
      this.#kinds = new Map();
    }
    if (isStale || this.#cursor < 0 || !table.remembers(this.#cursor)) {
      for (let row = 0; row < table.rows; row++) this.#look(table, row);
    } else table.visitChanged(this.#cursor, (row) => this.#look(table, row));
    this.#cursor = table.changeCount;
  }

  #look(table: NodeTable, row: number): void {
    const gpu = table.node(row)?.gpus[0];
    let [idle, unusable] = [0, 0];
    if (gpu !== undefined) {
      idle = table.freeGpuSum(row);
      const usable = this.#of(gpu).usable(table, row, table.freeCpu(row));
      unusable = Math.max(0, Math.round(idle - usable));
    }
    this.#idleSum += idle - (this.#idle[row] ?? 0);
    this.#unusableSum += unusable - (this.#unusable[row] ?? 0);
    this.#idle[row] = idle;
    this.#unusable[row] = unusable;
  }

  #of(gpu: Gpu): Fragmentation {
    const key = `${gpu.model}/${gpu.memory}`;
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      kind = new Fragmentation(this.#demand.typical(TYPICAL_PORTION), gpu);
      this.#kinds.set(key, kind);
    }
    return kind;
  }
}
