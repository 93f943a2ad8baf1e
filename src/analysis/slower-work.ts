import type { MetricHistory } from '../telemetry/metric.ts';
import type { Finding } from './finding.ts';
import type { MeasuredMemory } from './incidents.ts';
import { findRegressions, type RegressionOptions } from './regressions.ts';
import type { StepDurations } from './step-durations.ts';

/** Work that became slower, with the likely cause: all of it together, or else single steps. */
export function slowerWork(
  history: MetricHistory,
  durations: StepDurations,
  window: Pick<RegressionOptions, 'from' | 'to'>,
): readonly Finding[] {
  const options = { ...window, softwareChanges: durations.changes() };
  const together = findRegressions(history, { ...options, symptoms: [durations.all()] });
  if (together.some(isOfWork)) return together;
  const single = findRegressions(history, { ...options, symptoms: durations.steps() });
  return single.some(isOfWork) ? single : together;
}

const isOfWork = ({ id }: Finding): boolean => id.startsWith('regression/attempt_duration');

const POINTS = 60;
const MARGIN_MS = 60_000;

/** What history says of memory and the network around some time. */
export function measuredMemory(history: MetricHistory): MeasuredMemory {
  return (from, to) => {
    const greatest = (name: string, labels: Readonly<Record<string, string>> = {}) => {
      const window = { from: from - MARGIN_MS, to: to + MARGIN_MS } as Pick<
        RegressionOptions,
        'from' | 'to'
      >;
      const points = history
        .query({ name, labels, ...window, pointsMax: POINTS })
        .flatMap((series) => series.points);
      return points.length === 0 ? undefined : Math.max(...points.map(({ mean }) => mean));
    };
    const sent = greatest('berth_node_tcp_segments_sent_per_second');
    const again = greatest('berth_node_tcp_segments_retransmitted_per_second');
    const pressure = greatest('berth_node_pressure_waiting_ratio', { resource: 'memory' });
    return {
      ...(sent && again !== undefined && { retransmitRatio: again / sent }),
      ...(pressure !== undefined && { pressureRatio: pressure }),
    };
  };
}

/** Where nothing is measured. */
export const noHistory: MetricHistory = { query: () => [], names: () => [] };
