import type { SpanMs, TimeMs } from '../base/units.ts';
import type { QueueName } from './ids.ts';

/** How the number of replicas of a service follows its load. */
export interface AutoscalingTerms {
  /** At least one, at most METRICS_MAX; each proposes a number, and the largest counts. */
  readonly metrics: readonly MetricTerms[];
  /** With 0, at least one metric says what there is to do: `queue-depth` or `custom`. */
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly up: ScalingStep;
  readonly down: ScalingStep;
}

/** `target` is in thousandths of a percent for `cpu` and `memory`, of a task, and of a custom value. */
export type MetricTerms = { readonly target: number } & (
  | { readonly kind: 'cpu' | 'memory' }
  /** Tasks that wait in the queue and those below it, for each replica. */
  | { readonly kind: 'queue-depth'; readonly queue: QueueName }
  /** A number that somebody else counts, for each replica. */
  | { readonly kind: 'custom'; readonly name: string; readonly from: MetricSource }
);

export type MetricSource =
  | { readonly kind: 'url'; readonly url: string }
  /** Relative to the folder that the replicas run in. */
  | { readonly kind: 'file'; readonly path: string };

/** Where no queue is named, that of the service. */
export type MetricDefaults =
  | Exclude<MetricTerms, { readonly kind: 'queue-depth' }>
  | { readonly kind: 'queue-depth'; readonly target: number; readonly queue?: QueueName };

/** What somebody says of it: a site for services that do not say it themselves. */
export interface AutoscalingDefaults {
  readonly metrics?: readonly MetricDefaults[];
  readonly minReplicas?: number;
  readonly maxReplicas?: number;
  readonly up?: Partial<ScalingStep>;
  readonly down?: Partial<ScalingStep>;
}

export interface ScalingStep {
  /** So many replicas at once, at most. */
  readonly replicas: number;
  /** From the last change, in whichever direction, to a step in this one. */
  readonly cooldownMs: SpanMs;
}

export const METRICS_MAX = 8;
/** Of a metric and of its target, in its own unit: times 1,000 replicas and thousandths it is a safe integer. */
export const METRIC_MAX = 1_000_000_000;

/** A change of the number of replicas that was made. */
export interface Scaling {
  readonly at: TimeMs;
  readonly from: number;
  readonly to: number;
  /** What the autoscaler went by; absent when somebody asked for it. */
  readonly reason?: string;
}
