import { type SpanMs, spanMs, UNLIMITED } from '../base/units.ts';
import { RunTimes, type Work } from '../forecasting/run-times.ts';
import type { TenantId } from '../model/ids.ts';
import type { EstimateOf } from './site-model.ts';
import type { TraceJob } from './trace.ts';

/** What its user said; undefined where he said nothing. */
const userEstimates: EstimateOf = {
  estimateMs: ({ spec }) => spec.steps[0]?.estimateMs,
};

/** What it truly takes: nobody knows it, and no prediction can be better. */
const exactEstimates: EstimateOf = {
  estimateMs: ({ runMs }) => runMs,
};

/** Users of whom something is remembered. */
const TENANTS_MAX = 100_000;

/**
 * The mean of how long the last two of the same user took, and never more than he said: the predictor of Tsafrir,
 * Etsion & Feitelson (TPDS 2007). Until one has ended, what he said. One is made for each simulation.
 */
class LastTwoEstimates implements EstimateOf {
  readonly #last = new Map<TenantId, readonly SpanMs[]>();

  estimateMs(job: TraceJob): SpanMs | undefined {
    const said = userEstimates.estimateMs(job);
    const last = this.#last.get(job.tenant);
    if (last === undefined) return said;
    const mean = last.reduce((sum, took) => sum + took, 0) / last.length;
    return spanMs(Math.min(Math.max(1, Math.ceil(mean)), said ?? Number.MAX_SAFE_INTEGER));
  }

  learn({ tenant }: TraceJob, tookMs: SpanMs): void {
    const before = this.#last.get(tenant) ?? [];
    if (before.length === 0 && this.#last.size >= TENANTS_MAX) return;
    this.#last.set(tenant, [...before.slice(-1), tookMs]);
  }
}

/** The median of what Berth itself foresees, as `why` and `ps --start` have it. One is made for each simulation. */
class PredictedEstimates implements EstimateOf {
  readonly #times = new RunTimes();

  estimateMs(job: TraceJob): SpanMs | undefined {
    const foreseen = this.#times.predict(workOf(job))?.quantile(0.5);
    return foreseen === undefined ? undefined : spanMs(Math.max(1, Math.ceil(foreseen)));
  }

  learn(job: TraceJob, tookMs: SpanMs): void {
    this.#times.learn(workOf(job), tookMs);
  }
}

function workOf({ tenant, spec }: TraceJob): Work {
  const [step] = spec.steps;
  const { estimateMs, limits } = step!;
  return {
    tenant,
    name: `${spec.name}/${step!.id}`,
    ...(estimateMs !== undefined && { estimateMs }),
    ...(limits.wallMs !== UNLIMITED && { limitMs: limits.wallMs }),
  };
}

/** What the engine may be told of run times, by name; fresh for each simulation. */
export const estimatesNamed = {
  user: (): EstimateOf => userEstimates,
  exact: (): EstimateOf => exactEstimates,
  'last-two': (): EstimateOf => new LastTwoEstimates(),
  predicted: (): EstimateOf => new PredictedEstimates(),
} as const;
