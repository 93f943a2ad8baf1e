import type { NodeId } from '../../model/ids.ts';
import type { Placement } from '../../model/messages.ts';
import type { Node } from '../../model/node.ts';

/** What a node draws: between both as its CPU is held, and for each of its GPUs likewise. Watts. */
export interface NodePower {
  readonly idleW: number;
  readonly maxW: number;
  readonly gpuIdleW?: number;
  readonly gpuMaxW?: number;
}

/** Undefined where nobody knows; then the energy of the whole site is unknown. */
export type PowerOf = (node: Node) => NodePower | undefined;

interface Drawn {
  readonly idle: number;
  /** Of each milli-CPU and milli-GPU that is held. */
  readonly perCpu: number;
  readonly perGpu: number;
}

/** Watts of all nodes that are there. Linear in what is held (Fan, Weber & Barroso, ISCA'07). */
export class SitePower {
  readonly #of: PowerOf | undefined;
  readonly #nodes = new Map<NodeId, Drawn | undefined>();
  #unknown = 0;
  #idle = 0;
  #active = 0;

  constructor(of: PowerOf | undefined) {
    this.#of = of;
  }

  /** Undefined while a node is there of which nobody knows. */
  get watts(): number | undefined {
    return this.#of === undefined || this.#unknown > 0 ? undefined : this.#idle + this.#active;
  }

  joined(node: Node): void {
    this.left(node.id);
    const drawn = drawnBy(node, this.#of?.(node));
    this.#nodes.set(node.id, drawn);
    if (drawn === undefined) this.#unknown++;
    else this.#idle += drawn.idle;
  }

  left(id: NodeId): void {
    if (!this.#nodes.has(id)) return;
    const drawn = this.#nodes.get(id);
    this.#nodes.delete(id);
    if (drawn === undefined) this.#unknown--;
    else this.#idle -= drawn.idle;
  }

  /** What an attempt draws beyond the idle node; 0 where that is not known. */
  wattsOf({ node, held }: Placement): number {
    const drawn = this.#nodes.get(node);
    return drawn === undefined ? 0 : held.cpu * drawn.perCpu + held.gpu * drawn.perGpu;
  }

  /** An attempt began to draw, or, below 0, no longer does. */
  draw(watts: number): void {
    this.#active += watts;
  }
}

function drawnBy({ cpu, gpus }: Node, power: NodePower | undefined): Drawn | undefined {
  if (power === undefined) return undefined;
  const { idleW, maxW, gpuIdleW, gpuMaxW } = power;
  if (gpus.length > 0 && (gpuIdleW === undefined || gpuMaxW === undefined)) return undefined;
  return {
    idle: idleW + gpus.length * (gpuIdleW ?? 0),
    perCpu: cpu === 0 ? 0 : (maxW - idleW) / cpu,
    perGpu: ((gpuMaxW ?? 0) - (gpuIdleW ?? 0)) / 1_000,
  };
}
