import type { DoctorReport, FindingDocument } from '../../src/api/contract/telemetry-documents.ts';
import { scaleOf } from './metrics.ts';
import type { PanelSpec, Resource } from './panels.ts';

const PLOTS_MAX = 3;

/** The colour of a resource on every page; of what has none, that of the text. */
export const colourOf: Readonly<Record<FindingDocument['resource'], Resource>> = {
  cpu: 'cpu',
  memory: 'memory',
  io: 'io',
  network: 'network',
  gpu: 'gpu',
  cache: 'memory',
  locks: 'cpu',
  power: 'power',
  queue: 'custom',
  software: 'custom',
};

/** `berth_node_pressure_waiting_ratio` of `resource=io` as a title: `node pressure waiting, io`. */
export function metricTitle(name: string, labels: Readonly<Record<string, string>>): string {
  const words = name
    .replace(/^berth_/, '')
    .replace(/_(ratio|bytes|seconds|hertz|celsius|watts|total)$/, '')
    .replaceAll('_', ' ');
  return [words, ...Object.values(labels)].join(', ');
}

/** The plots that prove a finding: of each metric one, with the level that it must not pass. */
export function evidencePlots({ resource, evidence }: FindingDocument): readonly PanelSpec[] {
  return evidence.slice(0, PLOTS_MAX).map(({ name, labels, unit, threshold, sentence }) => {
    const scale = scaleOf({ name, unit });
    return {
      title: metricTitle(name, labels),
      source: sentence,
      scale,
      threshold: threshold ?? undefined,
      drawn: [{ name: 'is', colour: colourOf[resource], kind: 'used', metric: name, labels }],
    };
  });
}

/** What people who are told of nothing else should hear. */
export function qualitySentence({ quality }: DoctorReport): string {
  if (quality === null) return 'How complete its data is, is not known.';
  return quality >= 0.9
    ? `Its data is ${Math.floor(quality * 100)}% fresh and complete.`
    : `Its data is only ${Math.floor(quality * 100)}% fresh and complete: it may have missed something.`;
}
