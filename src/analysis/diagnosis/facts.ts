import type { BuddyZone } from './buddyinfo.ts';

/** An attempt that runs, as the engine has it. */
export interface RunningTask {
  readonly attempt: string;
  readonly workload: string;
  readonly step: string;
  readonly tenant: string;
  readonly priority: number;
  /** CPUs that it holds; 0.5 is half of one. */
  readonly cpuHeld: number;
  readonly memoryHeldBytes: number;
  /** What is enforced; undefined: nothing is. */
  readonly cpuLimit: number | undefined;
  readonly memoryLimitBytes: number | undefined;
}

/** A process as it was during the look. */
export interface ProcessUse {
  readonly pid: number;
  readonly command: string;
  /** Undefined where it is none of ours. */
  readonly attempt: string | undefined;
  /** CPUs that it used. */
  readonly cpu: number;
}

/** What one process read and wrote of disks during the look. */
export interface DiskUse {
  readonly pid: number;
  readonly command: string;
  readonly attempt: string | undefined;
  readonly bytesPerSecond: number;
}

/** What one process sent and received over TCP during the look. */
export interface SocketUse {
  readonly pid: number | undefined;
  readonly command: string;
  readonly attempt: string | undefined;
  readonly bytesPerSecond: number;
}

/** The queue of a link, as `tc` tells of it. */
export interface LinkQueue {
  readonly device: string;
  readonly packets: number;
  /** What its shaping lets through; undefined where nothing shapes it. */
  readonly bytesPerSecond: number | undefined;
  /** Dropped since it was set up. */
  readonly drops: number;
}

/** What threads of one attempt did during the look. */
export interface LockUse {
  readonly attempt: string;
  readonly threads: number;
  /** That waited for a lock, on average. */
  readonly inLocks: number;
  /** How often its threads gave up the CPU of themselves. */
  readonly switchesPerSecond: number;
}

/** What is looked at only when somebody asks: too dear, or too rarely wanted, to be sampled. */
export interface Look {
  readonly processes: readonly ProcessUse[];
  readonly disks: readonly DiskUse[];
  readonly sockets: readonly SocketUse[];
  readonly queues: readonly LinkQueue[];
  readonly zones: readonly BuddyZone[];
  /** Of tasks with several threads. */
  readonly locks: readonly LockUse[];
}

export const NOTHING_LOOKED_AT: Look = {
  processes: [],
  disks: [],
  sockets: [],
  queues: [],
  zones: [],
  locks: [],
};

/** What is known beside the metrics. */
export interface Facts {
  readonly tasks: readonly RunningTask[];
  /** Of the machine; undefined: not known. */
  readonly cpus: number | undefined;
  readonly waitingTasks: number;
  /** What whoever asks is to call what is not in `tasks`: `outside Berth`, or `others`. */
  readonly others: string;
  readonly look: Look;
}
