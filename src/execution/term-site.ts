import type { Bytes } from '../base/units.ts';

/** Controllers that a task has a group of only where its terms ask for it. */
export type TermController = 'cpuset' | 'io' | 'hugetlb' | 'devices' | 'freezer';

/** Their names in cgroup v1. */
export const v1Names: Record<TermController, string> = {
  cpuset: 'cpuset',
  io: 'blkio',
  hugetlb: 'hugetlb',
  devices: 'devices',
  freezer: 'freezer',
};

/** What was found on the host for execution terms, when the driver was opened. */
export interface TermSite {
  /** The folder that our groups of this controller are in; in cgroup v2 it is the same for all. */
  readonly groups: Readonly<Partial<Record<TermController, string>>>;
  /**
   * On a hybrid host, the folder of ours in cgroup v2: it limits little or nothing there, but knows how long a
   * task stalled, and can end all of it at once.
   */
  readonly accounting: string | undefined;
  /** What our groups may use. */
  readonly cpus: readonly number[];
  readonly memoryNodes: readonly number[];
  readonly numa: readonly { readonly id: number; readonly cpus: readonly number[] }[];
  /** As in the names of the kernel's files: `2MB`, `1GB`. */
  readonly hugePageSizes: readonly string[];
  /** Why a controller has no group here, where the kernel said why. */
  readonly refused?: Readonly<Partial<Record<TermController, string>>>;
  /**
   * Memory that is kept for all of our groups together by those above: in cgroup v2 no group is protected by more
   * than what protects the one that it is in. Absent where nothing bounds it.
   */
  readonly protection?: { readonly min: Bytes; readonly low: Bytes };
}

export const noTerms: TermSite = {
  groups: {},
  accounting: undefined,
  cpus: [],
  memoryNodes: [],
  numa: [],
  hugePageSizes: [],
};

/** A block device as the kernel numbers it, a whole disk: `254:0`. */
export type DeviceNumber = string;
