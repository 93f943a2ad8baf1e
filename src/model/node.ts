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
  /** Only tasks that tolerate all of them are placed there; absent: none. */
  readonly taints?: readonly Taint[];
  /** It takes nothing new, and what runs there runs on; absent: it does. */
  readonly closed?: 'drained' | 'unhealthy';
}

export interface Taint {
  readonly key: string;
  readonly value: string;
}

export interface Gpu {
  /** What CUDA_VISIBLE_DEVICES takes: a UUID, or an index where there is none. */
  readonly id: string;
  readonly model: string;
  readonly memory: Bytes;
  /** The NUMA node that it hangs on; absent where that is not known. */
  readonly numa?: number;
}
