import type { Bytes, MilliCpu } from '../base/units.ts';
import type { NodeId } from './ids.ts';

/** A machine as the scheduler sees it. Amounts are what may be given out, not what is installed. */
export interface Node {
  readonly id: NodeId;
  readonly cpu: MilliCpu;
  readonly memory: Bytes;
  readonly gpus: readonly Gpu[];
  readonly custom: readonly (readonly [name: string, amount: number])[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface Gpu {
  /** What CUDA_VISIBLE_DEVICES takes: a UUID, or an index where there is none. */
  readonly id: string;
  readonly model: string;
  readonly memory: Bytes;
}
