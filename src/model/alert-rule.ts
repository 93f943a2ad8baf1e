import type { SpanMs, TimeMs } from '../base/units.ts';

export const severities = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

export const comparisons = ['<', '<=', '>', '>=', '==', '!='] as const;
export type Comparison = (typeof comparisons)[number];

/** Over a span: of one series. Over series: one number of all that there are. */
export const overTime = ['avg', 'min', 'max'] as const;
export const overSeries = ['avg', 'min', 'max', 'sum', 'count'] as const;

/** Series of one name, or of an alias. */
export interface MetricTerm {
  readonly kind: 'metric';
  readonly name: string;
  /** Where in the text of the condition its name begins. */
  readonly at: number;
  readonly matchers: readonly LabelMatcher[];
}

export interface LabelMatcher {
  readonly label: string;
  readonly equal: boolean;
  readonly value: string;
}

/**
 * A condition over metrics as data: numbers in base units (bytes, seconds, ratios). Labels go along: what is compared or
 * reckoned belongs together where labels of the same name have the same value.
 */
export type Condition =
  | { readonly kind: 'number'; readonly value: number; readonly percent: boolean }
  | MetricTerm
  | {
      readonly kind: 'over-time';
      readonly fn: (typeof overTime)[number];
      readonly of: MetricTerm;
      readonly spanMs: SpanMs;
    }
  /** What a straight line through the last `spanMs` comes to in `aheadMs`. */
  | {
      readonly kind: 'predict';
      readonly of: MetricTerm;
      readonly spanMs: SpanMs;
      readonly aheadMs: SpanMs;
    }
  | {
      readonly kind: 'over-series';
      readonly fn: (typeof overSeries)[number];
      readonly of: Condition;
    }
  | {
      readonly kind: 'arithmetic';
      readonly op: '+' | '-' | '*' | '/';
      readonly left: Condition;
      readonly right: Condition;
    }
  | {
      readonly kind: 'compare';
      readonly op: Comparison;
      readonly left: Condition;
      readonly right: Condition;
    }
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly of: Condition };

/** What a rule has done when it fires; each is a command to the engine, but for a program. */
export type AlertAction =
  /** Services that are autoscaled get so many replicas more, within their bounds. */
  | { readonly kind: 'scale_up'; readonly replicas: number; readonly service?: string }
  /** The one that would be evicted first is stopped, to start again. */
  | { readonly kind: 'evict_low_priority' }
  /** The workload of the one that would be evicted first is frozen. */
  | { readonly kind: 'pause_low_priority' }
  | { readonly kind: 'command'; readonly argv: readonly string[]; readonly timeoutMs: SpanMs };

export interface EscalationStep {
  /** Since it fired. */
  readonly afterMs: SpanMs;
  /** Names of receivers. */
  readonly notify: readonly string[];
}

export interface AlertRule {
  readonly name: string;
  /** As written. */
  readonly text: string;
  readonly condition: Condition;
  /** It holds for so long before it fires. */
  readonly durationMs: SpanMs;
  /** It ends when this holds; absent: when the condition does not hold. */
  readonly resolve?: Condition;
  /** So long after that it has not held, it ends. */
  readonly keepFiringMs: SpanMs;
  readonly severity: Severity;
  readonly labels: Readonly<Record<string, string>>;
  /** For people: what it means, what to do. */
  readonly summary?: string;
  readonly actions: readonly AlertAction[];
  /** Between what it has done for one alert and for the next. */
  readonly cooldownMs: SpanMs;
  /** While one of this rule fires, people are not told of those of these rules with labels that fit. */
  readonly inhibits: readonly string[];
  /** Names of receivers; absent: all that stand for no escalation only. */
  readonly notify?: readonly string[];
  readonly escalation: readonly EscalationStep[];
  /** `FILE:LINE` of the site, or `default`. */
  readonly origin: string;
}

/** A text that is no secret, or a file of the owner alone that holds it. */
export type SecretText = { readonly text: string } | { readonly file: string };

export type ReceiverTarget =
  /** API v2: `url` is without a path, or with that of a prefix. */
  | { readonly kind: 'alertmanager'; readonly url: SecretText; readonly token?: SecretText }
  | { readonly kind: 'webhook' | 'slack'; readonly url: SecretText; readonly token?: SecretText }
  /** Events API v2. */
  | { readonly kind: 'pagerduty'; readonly url: SecretText; readonly routingKey: SecretText }
  /** Told on stdin, as JSON. */
  | { readonly kind: 'command'; readonly argv: readonly string[]; readonly timeoutMs: SpanMs };

export interface Receiver {
  readonly name: string;
  readonly target: ReceiverTarget;
  /** What keeps firing is told again after so long. */
  readonly repeatMs: SpanMs;
  /** Nobody is told of what is less severe. */
  readonly severity: Severity;
  /** Told only where a rule or an escalation names it. */
  readonly onlyNamed: boolean;
}

/** Of those with these labels nobody is told until then; `alert` is the name of the rule. */
export interface Silence {
  readonly id: string;
  readonly matches: Readonly<Record<string, string>>;
  readonly until: TimeMs;
  readonly by: string;
  readonly comment: string;
}

/** What a site says of alerts. */
export interface AlertConfig {
  readonly rules: readonly AlertRule[];
  readonly receivers: readonly Receiver[];
  /** Those of the site document; people make others. */
  readonly silences: readonly Silence[];
}
