import type { SpanMs, TimeMs } from '../base/units.ts';
import type { Resources } from '../model/resources.ts';
import type { StartPromise } from '../model/scheduling-config.ts';
import type { Candidate, Running } from './scheduler.ts';

/** One GPU weighs as much as so many cores or so much memory: about what they are sold together with. */
const CORES_PER_GPU = 16;
const BYTES_PER_MILLI_GPU = (128 * 1024 ** 3) / 1000;
/** An eviction again costs as if so much more work were lost, so that it hits another the next time. */
const AGAIN_S = 600;

/** What a holding is worth in milli-GPU, so that unlike tasks compare. */
export function heldWeight({ cpu, memory, gpu }: Resources): number {
  return gpu + Math.floor(cpu / CORES_PER_GPU) + Math.floor(memory / BYTES_PER_MILLI_GPU);
}

/** Time worked since the last checkpoint: what a stop now throws away. */
export function unsavedMs(running: Running<Candidate>, at: TimeMs): SpanMs {
  const ranMs = Math.max(0, at - running.placedAt);
  const every = running.task.stops?.checkpointMs;
  return (every === undefined ? ranMs : ranMs % every) as SpanMs;
}

/** Milli-GPU seconds: (unsaved work + restart + fairness to those stopped before) × what it holds. */
export function evictionCost(running: Running<Candidate>, at: TimeMs): number {
  const { stops, preempted = 0 } = running.task;
  const lostMs = unsavedMs(running, at) + (stops?.restartMs ?? 0);
  return heldWeight(running.held) * (Math.floor(lostMs / 1000) + preempted * AGAIN_S);
}

/** Part of its expected run that is done, in basis points; what nobody estimated counts as just begun. */
export function progress(running: Running<Candidate>, at: TimeMs): number {
  const { estimateMs } = running.task;
  if (estimateMs === undefined || estimateMs <= 0) return 0;
  return Math.min(10_000, Math.floor(((at - running.placedAt) * 10_000) / estimateMs));
}

/** Piecewise linear: nothing until the promise is broken, then so much a second, then no more. */
export function latePenalty(promise: StartPromise, waitedMs: SpanMs): number {
  const lateMs = Math.min(waitedMs - promise.withinMs, promise.maxMs);
  return lateMs <= 0 ? 0 : Math.floor(lateMs / 1000) * promise.perSecond;
}
