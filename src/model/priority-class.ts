import type { BasisPoints } from '../base/units.ts';

/** What workloads that name it have in common: how important they are, and what others may do to them. */
export interface PriorityClass {
  readonly name: string;
  /** −1,000 … 1,000: of those that say nothing, and the most that one of them may say. */
  readonly priority: number;
  /** Whether its tasks may be stopped for others; absent: as each says itself. */
  readonly preemptible?: boolean;
  /** The CPU weight of its tasks is that of what they ask for, times this. */
  readonly multiplier?: BasisPoints;
}

/** The class that a document names, and what it says beside it. */
export interface ClassUse {
  readonly name: string;
  /** Absent: that of the class. */
  readonly priority?: number;
}
