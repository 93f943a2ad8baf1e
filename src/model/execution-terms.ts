import {
  type BasisPoints,
  type BitsPerSecond,
  type Bytes,
  type MilliCpu,
  type SpanMs,
  scaleAmount,
} from '../base/units.ts';
import type { SpacePhase } from './constraints.ts';

/**
 * How the processes of a task are run, beyond what they are limited to. A part that is absent leaves things as
 * the host has them; what could not be enforced stands in the notes of the attempt's enforcement.
 */
export interface ExecutionTerms {
  readonly process?: ProcessTerms;
  readonly io?: IoTerms;
  readonly isolation?: IsolationTerms;
  readonly network?: NetworkTerms;
  readonly storage?: StorageTerms;
  readonly checkpoint?: CheckpointTerms;
}

export interface ProcessTerms {
  /** −20 … 19. */
  readonly nice?: number;
  readonly policy?: 'other' | 'batch' | 'idle';
  /** `level` 0 (first) … 7; of no meaning for `idle`. */
  readonly ioPriority?: { readonly class: 'best-effort' | 'idle'; readonly level: number };
  /** −1,000 … 1,000: higher is killed first when the host runs out of memory. */
  readonly oomScoreAdjust?: number;
  /** `exclusive`: whole cores that no other pinned task has; the task asks for whole CPUs then. */
  readonly cores?: 'shared' | 'exclusive';
  /** Where its memory comes from, by the NUMA nodes of its cores. */
  readonly numa?: 'any' | 'preferred' | 'bind' | 'interleave';
  /** Whether the kernel may back its memory by huge pages unasked. */
  readonly transparentHugePages?: boolean;
  /** OMP_NUM_THREADS and its like are set to the CPUs that it holds, unless its own environment has them. */
  readonly threadVariables?: boolean;
  /** Its CPU weight is that of what it asks for, times this: of its classes. */
  readonly cpuShare?: BasisPoints;
  /** What it requested of memory is not taken from it: `soft` while others have some to give, `hard` never. */
  readonly memoryProtection?: 'soft' | 'hard';
  /** Of what it requested, so much is protected; absent: all. */
  readonly memoryGuarantee?: BasisPoints;
  /** Above so much it is slowed down and made to give memory back, before any limit. */
  readonly memoryHigh?: Bytes;
  /** What dies at the memory limit: the largest process, or all of it. */
  readonly oomKill?: 'process' | 'task';
  /** Of the host's huge pages, at most so much. */
  readonly hugePages?: Bytes;
  /** How long it stalled for CPU, memory and disks is measured for it alone. */
  readonly pressure?: boolean;
}

/** Of each block device that the task's folders lie on. UNLIMITED where nothing is said. */
export interface IoTerms {
  readonly readBytesPerSecond: Bytes;
  readonly writeBytesPerSecond: Bytes;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  /** 1 … 10,000, beside others that want the same device; 100 where nothing is said. */
  readonly weight?: number;
}

export interface IsolationTerms {
  /** False: it runs without what this host cannot give, and says so; else it does not start then. */
  readonly required?: boolean;
  /** Name of the user that it runs as; the daemon's own when absent. */
  readonly user?: string;
  /** It cannot gain privileges by setuid programs. */
  readonly noNewPrivileges?: boolean;
  /** A /tmp of its own, gone with it. */
  readonly privateTmp?: boolean;
  /** Absolute paths that it may read and not write; `/` makes everything else read-only. */
  readonly readOnly?: readonly string[];
  /** Absolute paths that it may write although a path above is read-only. */
  readonly writable?: readonly string[];
  /** Namespaces of its own. `network`: only a loopback of its own. */
  readonly namespaces?: readonly ('user' | 'mount' | 'pid' | 'network' | 'ipc' | 'uts')[];
  /** Device files that it may open beside the harmless ones and its GPUs; absent: all. */
  readonly devices?: readonly string[];
  /** System calls that it may not make: what ordinary programs never call, or those of these names. */
  readonly seccomp?: 'default' | 'off' | readonly string[];
  /** It may call the daemon, with a token of its own. */
  readonly daemonAccess?: boolean;
  /** By name; values are read from the site's secret files when the task starts, and are never journalled. */
  readonly secrets?: readonly SecretUse[];
}

export interface SecretUse {
  readonly secret: string;
  /** `file`: in a folder that only it can read, whose path is in BERTH_SECRETS. */
  readonly as: 'file' | 'environment';
  /** Of the file or the variable. */
  readonly name: string;
}

export interface NetworkTerms {
  readonly egress?: BitsPerSecond;
  readonly ingress?: BitsPerSecond;
  /** Kept for it when others want the link, too. */
  readonly guaranteed?: BitsPerSecond;
  readonly priority?: 'high' | 'normal' | 'low';
  /** Instead of a priority: the name of what it sends, which the site gives a class. */
  readonly trafficType?: string;
  /** Its requests go through Berth's proxy, and keep to the rate limits of the services that they name. */
  readonly proxied?: boolean;
  /** Of one attempt, through the proxy. */
  readonly requestsMax?: number;
}

export interface StorageTerms {
  readonly volumes: readonly VolumeUse[];
  readonly scratch?: ScratchTerms;
  /** Of the working folder that all tasks of its workload share: who runs when it is larger is ended. */
  readonly workspace?: Bytes;
}

export interface VolumeUse {
  readonly name: string;
  readonly size: Bytes;
  /** Class of the site's storage: `ssd`, `nvme`, `hdd`…; any when absent. */
  readonly storageClass?: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
}

export interface ScratchTerms {
  readonly size: Bytes;
  /** `on-success`: kept for a look after a failure. */
  readonly cleanup: 'immediate' | 'on-success' | 'never';
  /** Admission counts what phases may hold at once, not what is free now. Absent: `size`, to its end. */
  readonly phases?: readonly SpacePhase[];
}

export interface CheckpointTerms {
  /** Sent when it is to save its work, before it is stopped. */
  readonly signal?: 'SIGUSR1' | 'SIGUSR2' | 'SIGTERM' | 'SIGINT';
  /** Run beside it instead of, or after, the signal; it ends when the work is saved. */
  readonly command?: readonly string[];
  /** Saving takes at most this; then it is stopped as it is. */
  readonly timeoutMs: SpanMs;
  /** Also while it runs on, so often. */
  readonly everyMs?: SpanMs;
}

/** What a task weighs among others that want the same cores, as if it asked for so much. */
export const cpuWeightOf = (asked: MilliCpu, process: ProcessTerms | undefined): MilliCpu =>
  scaleAmount(asked, process?.cpuShare ?? 10_000);
