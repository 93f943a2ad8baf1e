import type { MetricHistory } from '../telemetry/metric.ts';
import type { Finding } from './finding.ts';
import type { MeasuredMemory } from './incidents.ts';
import { type LayerState, surveyLayers } from './layer-survey.ts';
import { POINTS_MIN } from './level-change.ts';
import { toldDrifts } from './metric-drift.ts';
import {
  type LayerChange,
  layerChanges,
  type RegressionOptions,
  regressionsBeside,
  type Stepwise,
  toItsEnd,
} from './regressions.ts';
import type { StepDurations } from './step-durations.ts';

export interface RegressionReport {
  /** Work that became slower, with the likely cause; and what got worse without anybody being slower for it. */
  readonly findings: readonly Finding[];
  /** All seven, from the bottom up. */
  readonly layers: readonly LayerState[];
}

/**
 * Work that became slower: single steps, or all of it together where most of them did; each layer by itself; and what
 * tasks tell of themselves and is distributed differently. `only`: told by nobody else's tasks.
 */
export function* lookForRegressions(
  history: MetricHistory,
  durations: StepDurations,
  window: Pick<RegressionOptions, 'from' | 'to'> & { readonly only?: string },
): Stepwise<RegressionReport> {
  const looked = yield* layerChanges(history, window);
  const findings = yield* slowerBeside(looked.changes, durations, window);
  const drifts = yield* toldDrifts(history, window);
  return { findings: [...findings, ...drifts].sort(worstFirst), layers: surveyLayers(looked) };
}

const worstFirst = (a: Finding, b: Finding): number => b.score - a.score || (a.id < b.id ? -1 : 1);

export function* lookForSlowerWork(
  history: MetricHistory,
  durations: StepDurations,
  window: Pick<RegressionOptions, 'from' | 'to'>,
): Stepwise<readonly Finding[]> {
  const { changes } = yield* layerChanges(history, window);
  return yield* slowerBeside(changes, durations, window);
}

function* slowerBeside(
  changes: readonly LayerChange[],
  durations: StepDurations,
  window: Pick<RegressionOptions, 'from' | 'to'>,
): Stepwise<readonly Finding[]> {
  const options = { ...window, softwareChanges: durations.changes() };
  const steps = durations.steps().filter(({ values }) => values.length >= POINTS_MIN);
  const single = yield* regressionsBeside(changes, { ...options, symptoms: steps });
  const slower = single.filter(isOfWork).length;
  if (slower > 0 && slower <= steps.length / 2) return single;
  const all = { ...options, symptoms: [durations.all()] };
  const together = yield* regressionsBeside(changes, all);
  return together.some(isOfWork) ? together : single;
}

export const slowerWork = (...given: Parameters<typeof lookForSlowerWork>): readonly Finding[] =>
  toItsEnd(lookForSlowerWork(...given));

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
