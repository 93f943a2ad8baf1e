import { Prng } from '../base/prng.ts';
import { type Bytes, type SpanMs, spanMs, UNLIMITED } from '../base/units.ts';
import type { EndCause } from '../model/attempt.ts';
import type { FlowValue } from '../model/flow.ts';
import type { AttemptStart } from '../runtime/ports.ts';

/** What an attempt does when nobody disturbs it, fixed before it starts. */
export interface TaskTruth {
  readonly startMs: SpanMs;
  readonly runMs: SpanMs;
  readonly outcome: Extract<EndCause, 'succeeded' | 'failed' | 'signalled' | 'start-failed'>;
  readonly exitCode: number;
  /** It is killed when its limit is below this. */
  readonly memoryNeed: Bytes;
  /** Time it takes to end on SIGTERM; UNLIMITED when it ignores it. */
  readonly termMs: SpanMs;
  /** What it says of its results, where somebody asks. */
  readonly outputs: Readonly<Record<string, FlowValue>>;
}

export type TruthOf = (start: AttemptStart) => TaskTruth;

const RUN_MAX_MS = 600_000;

/** Draws by the attempt's id alone, so that the truth is the same in whatever order attempts are started. */
export function drawnTruth(seed: number): TruthOf {
  return ({ attempt, placement }) => {
    const ofTask = Prng.of(seed, attempt.slice(0, attempt.lastIndexOf('.')));
    const prng = Prng.of(seed, attempt);
    const drawn = prng.below(100);
    const outcome =
      drawn < 80 ? 'succeeded' : drawn < 94 ? 'failed' : drawn < 98 ? 'signalled' : 'start-failed';
    return {
      startMs: spanMs(prng.below(200)),
      runMs: spanMs(prng.chance(20) ? prng.below(50) : prng.below(RUN_MAX_MS)),
      outcome,
      exitCode: outcome === 'failed' ? prng.between(1, 255) : 0,
      memoryNeed: memoryNeed(ofTask, placement.held.memory),
      termMs: spanMs(prng.chance(20) ? UNLIMITED : prng.below(5_000)),
      outputs: drawOutputs(prng),
    };
  };
}

/** A number, mostly, and a list of some. */
function drawOutputs(prng: Prng): TaskTruth['outputs'] {
  return {
    ...(prng.chance(85) && { n: prng.below(10) }),
    ...(prng.chance(85) && { list: Array.from({ length: prng.below(5) }, (_, i) => i) }),
  };
}

/** Most tasks need less than they asked for; some need twice or five times that. */
function memoryNeed(prng: Prng, asked: Bytes): Bytes {
  const factor = prng.chance(75) ? 0.5 : prng.pick([1.5, 2, 5]);
  return Math.floor(asked * factor) as Bytes;
}
