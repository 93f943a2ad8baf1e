import type { Prng } from '../base/prng.ts';
import type { SpanMs, TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { AttemptRecord } from '../engine/records.ts';
import type { Command } from '../model/messages.ts';
import type { Node } from '../model/node.ts';
import type { Observer } from './observer.ts';
import type { Trace, TraceJob } from './trace.ts';

/** What a simulation is of: the same options and seed give the same events. */
export interface SimulationOptions {
  readonly trace: Trace;
  readonly nodes: readonly Node[];
  /** A fresh engine with the policy that is looked at; it has no nodes yet. */
  readonly engine: () => Engine;
  readonly seed: number;
  /** In the order in which they are asked. */
  readonly models?: readonly SiteModel[];
  readonly observers?: readonly Observer[];
  /** What the engine is told of run times; absent: what the users said. */
  readonly estimates?: EstimateOf;
  /** Nothing after this instant happens; absent: until all has ended. */
  readonly until?: TimeMs;
}

/** What the engine is told that a task takes, when its job is submitted; undefined: it is told nothing. */
export interface EstimateOf {
  estimateMs(job: TraceJob): SpanMs | undefined;
  /** An attempt succeeded after so long. */
  learn?(job: TraceJob, tookMs: SpanMs): void;
}

/**
 * Something of the world that happens to nodes or slows tasks: failures, a spot market, transfers, interference,
 * what checkpoints cost. It acts by commands alone, as the world does.
 */
export interface SiteModel extends Observer {
  /** Before anything happens. `now` is the beginning. */
  begin?(site: ModelledSite, prng: Prng): void;
  /**
   * How fast this attempt gets on from now: 1 as if alone, 0 not at all. The product of all models counts. Asked when
   * it starts, and again for those that `site.paceChanged` names.
   */
  pace?(attempt: AttemptRecord): number;
  /** Time before it works at all: its inputs are fetched, or what was saved is read. The sum of all models counts. */
  startupMs?(attempt: AttemptRecord): SpanMs;
  /** An attempt was stopped early after it worked so long: how much of it a later attempt need not do again. */
  savedMs?(attempt: AttemptRecord, workedMs: SpanMs): SpanMs;
}

/** What models act on. */
export interface ModelledSite {
  readonly now: TimeMs;
  readonly engine: Engine;
  /** Runs `act` then; all of one instant run in the order in which they were asked for. */
  at(time: TimeMs, act: () => void): void;
  send(command: Command): void;
  /** The attempts of a node or elsewhere get on faster or slower than they did. */
  paceChanged(attempts: Iterable<AttemptRecord>): void;
  /** An attempt ends now, not of its own accord. */
  kill(attempt: AttemptRecord, cause: 'failed' | 'lost'): void;
}
