import type { BasisPoints, BitsPerSecond, SpanMs } from '../base/units.ts';
import { UNLIMITED } from '../base/units.ts';

/** What a site says of the network: limits of services, the link that tasks share, and its classes of traffic. */
export interface NetworkConfig {
  /** Of all requests of all tasks together. */
  readonly global: RequestLimits;
  readonly services: readonly ServiceConfig[];
  readonly waiting: WaitingConfig;
  /** Of what goes through the proxy, all tasks together; UNLIMITED where nothing is said. */
  readonly egress: BitsPerSecond;
  readonly ingress: BitsPerSecond;
  /** At least one, in order of their priority: the first goes first. */
  readonly classes: readonly TrafficClass[];
  /** Patterns of host names; `*` is every host but this machine and its link. */
  readonly allowedHosts: readonly string[];
}

/** UNLIMITED where nothing is said; every one that is said holds. */
export interface RequestLimits {
  readonly perSecond: number;
  readonly perMinute: number;
  /** How many may come at once. */
  readonly burst: number;
  readonly concurrent: number;
}

export interface ServiceConfig extends RequestLimits {
  readonly name: string;
  /** Patterns: `api.example.com`, `*.example.com` (everything below it), `*`. The closest one counts. */
  readonly hosts: readonly string[];
  readonly robots: boolean;
}

/** Requests over a limit wait: so many of a service, for so long. */
export interface WaitingConfig {
  readonly max: number;
  readonly maxMs: SpanMs;
}

export interface TrafficClass {
  readonly name: string;
  /** What a task may call its traffic to be in this class. */
  readonly traffic: readonly string[];
  /** Of the link, while the others want it, too. */
  readonly share: BasisPoints;
  /** What it should wait at most; counted where it does not hold. */
  readonly latencyMs: SpanMs;
}

const unlimitedRequests: RequestLimits = {
  perSecond: UNLIMITED,
  perMinute: UNLIMITED,
  burst: UNLIMITED,
  concurrent: UNLIMITED,
};

const trafficClass = (
  name: string,
  traffic: readonly string[],
  percent: number,
  latencyMs: number,
): TrafficClass => ({
  name,
  traffic,
  share: (percent * 100) as BasisPoints,
  latencyMs: latencyMs as SpanMs,
});

export const defaultClasses: readonly TrafficClass[] = [
  trafficClass('high_priority', ['model_inference', 'real_time_features'], 50, 10),
  trafficClass('medium_priority', ['model_training', 'batch_processing'], 30, 100),
  trafficClass('low_priority', ['data_backup', 'log_shipping'], 20, 1000),
];

export const defaultNetwork: NetworkConfig = {
  global: unlimitedRequests,
  services: [],
  waiting: { max: 1000, maxMs: 30_000 as SpanMs },
  egress: UNLIMITED as BitsPerSecond,
  ingress: UNLIMITED as BitsPerSecond,
  classes: defaultClasses,
  allowedHosts: ['*'],
};

/** The class of what a task sends: by the name of its traffic, or else by its priority. */
export function classOf(
  classes: readonly TrafficClass[],
  terms: { readonly trafficType?: string; readonly priority?: 'high' | 'normal' | 'low' },
): number {
  const { trafficType, priority = 'normal' } = terms;
  const named =
    trafficType === undefined
      ? -1
      : classes.findIndex(({ traffic, name }) => [name, ...traffic].includes(trafficType));
  if (named !== -1) return named;
  if (priority === 'high') return 0;
  return priority === 'low' ? classes.length - 1 : Math.ceil((classes.length - 1) / 2);
}
