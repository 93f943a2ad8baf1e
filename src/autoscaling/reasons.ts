import type { AutoscalingTerms, MetricTerms } from '../model/autoscaling.ts';
import type { Proposal } from './propose.ts';

/** As it stands in a document. */
export const metricName = (metric: MetricTerms): string =>
  metric.kind === 'custom' ? metric.name : metric.kind.replace('-', '_');

/** `cpu at 91 % of 70 % asks 5`, `queue_depth at 120 of 50 a replica asks 3`. */
export function proposalText(metric: MetricTerms, value: number, replicas: number): string {
  const isUse = metric.kind === 'cpu' || metric.kind === 'memory';
  const [unit, each] = isUse ? [' %', ''] : ['', ' a replica'];
  const at = isUse ? Math.round(value / 1_000) : value / 1_000;
  return `${metricName(metric)} at ${at}${unit} of ${metric.target / 1_000}${unit}${each} asks ${replicas}`;
}

/** What is not known of the metrics; undefined when all is. */
export function unknownText(
  metrics: readonly MetricTerms[],
  proposals: readonly Proposal[],
): string | undefined {
  const parts = metrics.flatMap((metric, i) => {
    const proposal = proposals[i]!;
    return proposal.kind === 'unknown'
      ? [`${metricName(metric)} is unknown (${proposal.why})`]
      : [];
  });
  return parts.length === 0 ? undefined : parts.join(', ');
}

/** Which bound holds; undefined when none does. */
export function boundText(
  asked: number,
  wish: number,
  { minReplicas, maxReplicas }: AutoscalingTerms,
): string | undefined {
  if (wish < asked) return `bounded by max_replicas ${maxReplicas}`;
  return wish > asked ? `bounded by min_replicas ${minReplicas}` : undefined;
}
