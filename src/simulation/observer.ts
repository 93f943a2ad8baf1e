import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { TraceJob } from './trace.ts';

/** Sees a simulation as it goes; measures, recorders and pictures are such. */
export interface Observer {
  /** A job of the trace was accepted under this id. */
  accepted?(job: TraceJob, workload: WorkloadId, at: TimeMs): void;
  /** It was refused: it takes part in nothing that follows. */
  refused?(job: TraceJob, at: TimeMs, why: string): void;
  /** An event was applied: the engine stands right after it. Whoever keeps a record of the engine copies it. */
  happened?(event: Event, engine: Engine): void;
  /** All that can be done at this instant is done. */
  settled?(at: TimeMs, engine: Engine): void;
}
