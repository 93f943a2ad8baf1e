import type { KpiBounds, KpiName } from '../model/objective.ts';
import { type Estimate, shareOf, UNKNOWN } from './intervals.ts';
import type { Occurrence } from './operations-ledger.ts';
import type { Reliability } from './reliability.ts';

export type KpiStatus = 'good' | 'warning' | 'critical' | 'unknown';

export interface Kpi extends Estimate, KpiBounds {
  readonly name: KpiName;
  readonly title: string;
  readonly unit: 'ratio' | 'seconds' | 'dollars' | 'none';
  readonly better: 'higher' | 'lower';
  readonly status: KpiStatus;
  readonly samples: number;
  /** From what it is told, or why it is not known. */
  readonly sentence: string;
}

type Kind = Pick<Kpi, 'title' | 'unit' | 'better'> & KpiBounds;

/** Those of the third source document, with its targets. Units are those of the names. */
export const kpiKinds: Readonly<Record<KpiName, Kind>> = {
  cluster_utilization: {
    title: 'Utilisation of the cluster',
    unit: 'ratio',
    better: 'higher',
    target: 0.85,
    critical: 0.7,
  },
  inference_latency_p99: {
    title: 'Inference latency, 99th percentile (ms)',
    unit: 'none',
    better: 'lower',
    target: 50,
    critical: 100,
  },
  training_job_success_rate: {
    title: 'Jobs that succeed',
    unit: 'ratio',
    better: 'higher',
    target: 0.95,
    critical: 0.9,
  },
  cost_per_inference: {
    title: 'Cost of an inference',
    unit: 'dollars',
    better: 'lower',
    target: 0.001,
    critical: 0.005,
  },
  mtbf_hours: {
    title: 'Mean time between failures (h)',
    unit: 'none',
    better: 'higher',
    target: 720,
    critical: 168,
  },
  mttr_minutes: {
    title: 'Mean time to recovery (min)',
    unit: 'none',
    better: 'lower',
    target: 15,
    critical: 60,
  },
};

/** Good on the right side of the target, critical beyond the other bound, and a warning between. */
export function statusOf(
  value: number | undefined,
  { better, target, critical }: Pick<Kind, 'better' | 'target' | 'critical'>,
): KpiStatus {
  if (value === undefined) return 'unknown';
  const sign = better === 'higher' ? 1 : -1;
  if (sign * value >= sign * target) return 'good';
  return sign * value < sign * critical ? 'critical' : 'warning';
}

/** Mean of what was measured, and of how many points. */
export interface Measured {
  readonly mean: number;
  readonly count: number;
}

export interface KpiFacts {
  readonly counts: JobCounts;
  readonly cpu: Measured | undefined;
  readonly gpu: Measured | undefined;
  /** Undefined: nobody measures single calls. In milliseconds. */
  readonly latency: (Estimate & { readonly samples: number }) | undefined;
  readonly fleet: Reliability;
  /** What the site says, where it says something else. */
  readonly bounds: Partial<Readonly<Record<KpiName, KpiBounds>>>;
}

/** All six, in the order of the source. */
export function kpisOf(facts: KpiFacts): Kpi[] {
  const { counts, fleet, bounds } = facts;
  const found: Readonly<Record<KpiName, Found>> = {
    cluster_utilization: utilisation(facts),
    inference_latency_p99: latencyOf(facts.latency),
    training_job_success_rate: successRate(counts),
    cost_per_inference: costOfInference(counts),
    mtbf_hours: mtbf(fleet),
    mttr_minutes: mttr(fleet),
  };
  return (Object.keys(kpiKinds) as KpiName[]).map((name) => {
    const kind = { ...kpiKinds[name], ...bounds[name] };
    const { value, low } = found[name];
    // Only a bound may be known, of what never failed or of calls beyond the last one, and that may be enough.
    const isEnough =
      kind.better === 'higher' ? (low ?? 0) >= kind.target : (low ?? 0) > kind.critical;
    const least = value ?? (isEnough ? low : undefined);
    return { name, ...kind, ...found[name], status: statusOf(least, kind) };
  });
}

type Found = Estimate & Pick<Kpi, 'samples' | 'sentence'>;
const none = (sentence: string): Found => ({ ...UNKNOWN, samples: 0, sentence });
const percent = (ratio: number): string => `${Math.round(ratio * 1_000) / 10} %`;

function utilisation({ cpu, gpu }: KpiFacts): Found {
  const parts = [
    ...(cpu === undefined ? [] : [{ what: 'CPUs', ...cpu }]),
    ...(gpu === undefined ? [] : [{ what: 'GPUs', ...gpu }]),
  ];
  if (parts.length === 0) return none('Use of CPUs and GPUs was not measured in that time.');
  const value = parts.reduce((sum, { mean }) => sum + mean, 0) / parts.length;
  const told = parts.map(({ what, mean }) => `${what} were busy ${percent(mean)} of the time`);
  const how = parts.length === 2 ? '; their mean counts' : '';
  const samples = parts.reduce((sum, { count }) => sum + count, 0);
  return { ...UNKNOWN, value, samples, sentence: `${told.join(', ')}${how}.` };
}

function latencyOf(latency: KpiFacts['latency']): Found {
  if (latency === undefined || latency.samples === 0) {
    return none('No task told how long a call of a model took: inference_latency_seconds.');
  }
  const { value, low, samples } = latency;
  const beyond =
    value === undefined && low !== undefined ? `; it is above ${low} ms, the last bound` : '';
  return { ...latency, sentence: `Of ${samples} calls that tasks timed${beyond}.` };
}

function successRate({ succeeded, failed, cancelled }: JobCounts): Found {
  const total = succeeded + failed;
  if (total === 0) return none('No job or pipeline ended by itself in that time.');
  const without = cancelled === 0 ? '' : `; ${cancelled} that were cancelled do not count`;
  const sentence = `${succeeded} of ${total} jobs and pipelines succeeded${without}.`;
  return { ...shareOf(succeeded, total), samples: total, sentence };
}

function costOfInference({ calls, charged, isUnpriced }: JobCounts): Found {
  if (calls === 0) return none('No task told of calls of models in that time.');
  if (charged === 0 || isUnpriced) {
    return {
      ...none(`${calls} calls were told, and something that they cost has no known price.`),
      samples: calls,
    };
  }
  const dollars = charged / 1_000_000;
  const sentence = `$${dollars.toFixed(6)} for ${calls} calls: all that the workloads cost that made them.`;
  return { ...UNKNOWN, value: dollars / calls, samples: calls, sentence };
}

const HOUR_MS = 3_600_000;
const scaled = ({ value, low, high }: Estimate, by: number): Estimate => ({
  value: value === undefined ? undefined : value / by,
  low: low === undefined ? undefined : low / by,
  high: high === undefined ? undefined : high / by,
});

function mtbf({ mtbf: estimate, failures, upMs }: Reliability): Found {
  if (upMs === 0) return none('Neither a node nor a service was seen in that time.');
  const hours = scaled(estimate, HOUR_MS);
  const told = `${Math.round((upMs / HOUR_MS) * 10) / 10} h`;
  const least = hours.low === undefined ? '' : `: at least ${Math.round(hours.low * 10) / 10} h`;
  const sentence =
    failures === 0
      ? `Nothing failed in ${told}${least}, with 95 % confidence.`
      : `${failures} incidents of nodes and services in ${told} without any.`;
  return { ...hours, samples: failures, sentence };
}

function mttr({ mttr: estimate, repairs, failures }: Reliability): Found {
  if (estimate.value === undefined) {
    return none(
      failures === 0
        ? 'Nothing failed in that time.'
        : 'Of none of the incidents is known when it was over.',
    );
  }
  const minutes = scaled(estimate, 60_000);
  const sentence = `From failing to working again, ${repairs} of ${failures} incidents.`;
  return { ...minutes, samples: repairs, sentence };
}

/** Of jobs and pipelines, and of workloads that told of calls. */
export interface JobCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly calls: number;
  /** Micro-dollars of the workloads that made the calls. */
  readonly charged: number;
  readonly isUnpriced: boolean;
}

/** Workloads whose spending is told apart. */
const SPENDERS_MAX = 50_000;

/** Counts for indicators within a window. */
export class KpiCounts {
  readonly #window: { readonly from: number; readonly to: number };
  readonly #ended = { succeeded: 0, failed: 0, cancelled: 0 };
  readonly #spenders = new Map<
    string,
    { calls: number; settled: number; charged: number; isUnpriced: boolean }
  >();

  constructor(window: { readonly from: number; readonly to: number }) {
    this.#window = window;
  }

  add(occurrence: Occurrence): void {
    const { from, to } = this.#window;
    if (occurrence.at < from || occurrence.at >= to) return;
    if (occurrence.kind === 'workload-ended') {
      if (occurrence.of === 'job' || occurrence.of === 'pipeline') this.#ended[occurrence.state]++;
    } else if (occurrence.kind === 'spent') {
      const key = occurrence.whose?.workload ?? '';
      const sums = this.#spenders.get(key) ?? {
        calls: 0,
        settled: 0,
        charged: 0,
        isUnpriced: false,
      };
      if (this.#spenders.size >= SPENDERS_MAX && !this.#spenders.has(key)) return;
      sums.calls += occurrence.calls;
      sums.settled += occurrence.settledCalls;
      sums.charged += occurrence.charged;
      sums.isUnpriced ||= occurrence.isUnpriced;
      this.#spenders.set(key, sums);
    }
  }

  counts(): JobCounts {
    let calls = 0;
    let charged = 0;
    let isUnpriced = false;
    for (const one of this.#spenders.values()) {
      // A call may be told by the task and be settled by whoever let it through.
      const made = Math.max(one.calls, one.settled);
      if (made === 0) continue;
      calls += made;
      charged += one.charged;
      isUnpriced ||= one.isUnpriced;
    }
    return { ...this.#ended, calls, charged, isUnpriced };
  }
}
