import type { MetricList } from '../../src/api/contract/telemetry-documents.ts';
import { always, useDocuments } from './use-document.ts';

type Series = MetricList['metrics'][number]['series'];

const EVERY_MS = 4_000;
/** As many as a route gives out: a machine may have hundreds of cores. */
const SERIES_MAX = 1_000;

/** The newest numbers by name; those that nobody measures here are not there. */
export function useLatest(names: readonly string[]): ReadonlyMap<string, Series> {
  const loaded = useDocuments<MetricList>(
    names.map((name) => `/api/v1/metrics?name=${name}&series_max=${SERIES_MAX}`),
    { when: always, everyMs: EVERY_MS, mayLack: true },
  ).value;
  const found = loaded.flatMap(({ value }) => value?.metrics ?? []);
  return new Map(
    found.filter(({ series }) => series.length > 0).map(({ name, series }) => [name, series]),
  );
}
