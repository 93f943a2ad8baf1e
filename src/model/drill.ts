import type { Bytes, MilliCpu, MilliGpu, SpanMs } from '../base/units.ts';
import type { BackpressureTerms, BreakerTerms, BulkheadTerms, WorldTerms } from './world.ts';

/** A failure that is played through on a made-up site, once as it is and once with each cure. */
export interface DrillTerms {
  readonly name: string;
  /** What happens, and what it is to show: a sentence or two. */
  readonly what: string;
  readonly forMs: SpanMs;
  readonly nodes: readonly DrillNodes[];
  readonly jobs: readonly DrillJob[];
  readonly world: WorldTerms;
  /** At least one; the first is what the others are compared with. */
  readonly variants: readonly DrillVariant[];
}

/** So many nodes alike, `NAME0` and so on, one after the other in racks of the same size. */
export interface DrillNodes {
  readonly name: string;
  readonly count: number;
  readonly cpu: MilliCpu;
  readonly memory: Bytes;
  /** Devices of each node. */
  readonly gpus: number;
  readonly racks: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** A job that is submitted once, or again and again. */
export interface DrillJob {
  readonly name: string;
  readonly tenant: string;
  readonly priority: number;
  readonly atMs: SpanMs;
  /** How often in all, one `everyMs` after the other. */
  readonly times: number;
  readonly everyMs: SpanMs;
  /** Tasks of each. */
  readonly count: number;
  readonly cpu: MilliCpu;
  readonly memory: Bytes;
  readonly gpu: MilliGpu;
  /** Its tasks start together or not at all. */
  readonly gang: boolean;
  readonly runMs: SpanMs;
  /** What its user says that it takes; absent: nothing. */
  readonly estimateMs?: SpanMs;
  readonly retries: number;
  readonly preemptible: boolean;
  readonly checkpointMs?: SpanMs;
  readonly restartMs: SpanMs;
}

export interface DrillVariant {
  readonly name: string;
  /** As `berth sim --policy` names it. */
  readonly policy: string;
  /** Whether who waits with a higher priority may stop others. */
  readonly preemption: boolean;
  readonly breaker?: BreakerTerms;
  readonly backpressure?: BackpressureTerms;
  readonly bulkhead?: BulkheadTerms;
}
