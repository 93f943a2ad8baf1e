import type { SpanMs, TimeMs } from '../base/units.ts';
import type { TenantId } from '../model/ids.ts';
import type { Node } from '../model/node.ts';
import type { QueueConfig } from '../model/scheduling-config.ts';
import type { WorkloadSpec } from '../model/workload.ts';

/** A workload of a trace: what was submitted when, and what it truly does. */
export interface TraceJob {
  /** As the trace calls it; unique in the trace. */
  readonly id: string;
  readonly at: TimeMs;
  readonly tenant: TenantId;
  /** Jobs of the same shape may share one. Its estimate is what its user said, if he said anything. */
  readonly spec: WorkloadSpec;
  /** How long each of its tasks runs when nothing disturbs it. */
  readonly runMs: SpanMs;
  /** Where its tasks differ: how long an attempt runs, and whether it fails. */
  readonly truth?: (task: TaskOfTrace) => TaskCourse;
}

export interface TaskOfTrace {
  readonly step: string;
  /** From 0. */
  readonly index: number;
  /** From 1. */
  readonly attempt: number;
}

/** What an attempt does by itself. */
export interface TaskCourse {
  readonly runMs: SpanMs;
  readonly outcome: 'succeeded' | 'failed';
}

/** What was submitted to a site over some time, in order. */
export interface Trace {
  /** Of the file, or of the generator with its seed. */
  readonly name: string;
  /** A name of the registry of trace formats; `synthetic` of a generator, `journal` of a site. */
  readonly format: string;
  /** By `at`, then as the trace has them. May be gone through any number of times, and gives the same each time. */
  readonly jobs: Iterable<TraceJob>;
  /** How many there are. */
  readonly count: number;
  /** Where the trace says what it ran on; absent: whoever simulates says so. */
  readonly nodes?: readonly Node[];
  /** Where the trace says which queues its jobs go to: what `SchedulingConfig.root` takes. Absent: `default`. */
  readonly root?: QueueConfig;
  /** Rows that are not in it, by reason. */
  readonly skipped: readonly SkippedRows[];
}

/** Rows of a trace that could not be, or need not be, submitted. */
export interface SkippedRows {
  /** `no run time`, `larger than the machine`. */
  readonly why: string;
  readonly count: number;
  /** The first of them, from 1. */
  readonly line: number;
}
