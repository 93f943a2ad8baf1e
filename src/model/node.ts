import type { Bytes, MilliCpu } from '../base/units.ts';
import type { NodeId } from './ids.ts';

/** A machine as the scheduler sees it. Amounts are what may be given out, not what is installed. */
export interface Node {
  readonly id: NodeId;
  readonly cpu: MilliCpu;
  readonly memory: Bytes;
  readonly gpus: readonly Gpu[];
  readonly custom: readonly (readonly [name: string, amount: number])[];
  /** Of the disk, how much scratch of tasks may hold at once; absent: nobody said, and nobody is held back. */
  readonly scratch?: Bytes;
  readonly labels: Readonly<Record<string, string>>;
  /** Rough GB/s each way between the GPUs, in their order, 0 on the diagonal; absent where nobody told. */
  readonly links?: readonly (readonly number[])[];
  /** The logical CPUs that tasks may be pinned to, by `id`; absent where nobody told. */
  readonly cpus?: readonly Cpu[];
  /** Only tasks that tolerate all of them are placed there; absent: none. */
  readonly taints?: readonly Taint[];
  /** It takes nothing new, and what runs there runs on; absent: it does. */
  readonly closed?: 'drained' | 'unhealthy';
}

export interface Taint {
  readonly key: string;
  readonly value: string;
}

/** A logical CPU; those of the same core are its hyper-threads. `core` is unique on the node. */
export interface Cpu {
  readonly id: number;
  readonly core: number;
  readonly numa: number;
}

export interface Gpu {
  /** What CUDA_VISIBLE_DEVICES takes: a UUID, or an index where there is none. */
  readonly id: string;
  readonly model: string;
  readonly memory: Bytes;
  /** The NUMA node that it hangs on; absent where that is not known. */
  readonly numa?: number;
  /** Absent of NVIDIA's. */
  readonly vendor?: 'amd' | 'intel';
  /** How others may share it; absent: shared by amounts that are promised and not enforced. */
  readonly sharing?: GpuSharing;
  /** Set of an instance that exists, and of a GPU in MIG mode from which instances are cut as they are placed. */
  readonly mig?: { readonly kind: 'instance'; readonly profile: string } | { readonly kind: 'cut' };
}

/** Up to here 1,000 milli-GPU hold exactly as many replicas as there are turns, each ⌊1,000 / N⌋. */
export const REPLICAS_MAX = 31;

/**
 * `exclusive`: whole or not at all. `time-slice`: at most `replicas` tasks in turn, each with as large a part
 * of the time. `mps`: at once, each held by the driver to its part of the compute.
 */
export type GpuSharing =
  | { readonly kind: 'exclusive' | 'mps' }
  | { readonly kind: 'time-slice'; readonly replicas: number };
