import { useState } from 'preact/hooks';
import type { MetricList } from '../../../src/api/contract/telemetry-documents.ts';
import { counted, UNKNOWN, whole } from '../format.ts';
import { type MetricPlace, metricHref } from '../metric-place.ts';
import { scaleOf } from '../metrics.ts';
import { MetricExplorer } from '../parts/metric-explorer.tsx';
import { Command, EmptyNote, ProblemNote } from '../parts/notes.tsx';
import { type Column, RowTable } from '../parts/row-table.tsx';
import { always, isLacking, useDocument } from '../use-document.ts';

type Metric = MetricList['metrics'][number];

const EVERY_MS = 10_000;

/** All that is measured; or one metric of it, over time. */
export function MetricsPage({ at }: { readonly at: MetricPlace }) {
  return at.name === undefined ? <Catalogue /> : <MetricExplorer at={at} name={at.name} />;
}

function Catalogue() {
  const [search, look] = useState('');
  const { value: list, problem } = useDocument<MetricList>('/api/v1/metrics?series_max=2', {
    when: always,
    everyMs: EVERY_MS,
    mayLack: true,
  }).value;
  if (isLacking(problem) && list === undefined) {
    return (
      <>
        <h1 class="lead">Metrics are not available in this daemon.</h1>
        <p class="sub">It is older than this page.</p>
      </>
    );
  }
  const metrics = list === undefined ? [] : withoutRates(list.metrics);
  const wanted = search.trim().toLowerCase().split(/\s+/);
  const found = metrics.filter(({ name, help, unit }) => {
    const text = `${name} ${help} ${unit}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  return (
    <>
      <h1 class="lead">{list === undefined ? '\u00a0' : sentence(metrics, list.quality)}</h1>
      {problem !== undefined && <ProblemNote problem={problem} />}
      {list !== undefined && metrics.length === 0 && (
        <EmptyNote command="berth metrics">
          Nothing is measured yet. A daemon measures its machine from its first second on.
        </EmptyNote>
      )}
      {metrics.length > 0 && (
        <>
          <div class="toolbar">
            <input
              type="search"
              placeholder="Name, unit or what it tells"
              aria-label="Search metrics"
              value={search}
              onInput={(event) => look(event.currentTarget.value)}
            />
            <span class="spring" />
            <Command text="berth metrics" />
          </div>
          {found.length === 0 ? (
            <p class="muted quiet">No metric matches “{search}”.</p>
          ) : (
            <RowTable
              label="Metrics"
              columns={columns}
              rows={found}
              keyOf={({ name }) => name}
              hrefOf={({ name }) => metricHref({ name, labels: {}, since: '1h' })}
            />
          )}
        </>
      )}
    </>
  );
}

/** Of a counter the rate is what its page shows: it is not listed twice. */
function withoutRates(metrics: readonly Metric[]): readonly Metric[] {
  const rates = new Set(
    metrics.filter(({ name, history }) => name !== history).map(({ history }) => history),
  );
  return metrics.filter(({ name }) => !rates.has(name));
}

const seriesOf = ({ series, more }: Metric): number => series.length + more;

function sentence(metrics: readonly Metric[], quality: number | null): string {
  if (metrics.length === 0) return 'Nothing is measured yet.';
  const series = metrics.reduce((sum, metric) => sum + seriesOf(metric), 0);
  const fresh =
    quality === null ? '' : ` ${Math.floor(quality * 100)}% of what should be here is fresh.`;
  return `${counted(metrics.length, 'metric')}, ${whole(series)} series.${fresh}`;
}

const columns: readonly Column<Metric>[] = [
  { head: 'Metric', class: 'col-metric', cell: ({ name }) => <code>{name}</code> },
  {
    head: 'What it tells',
    class: 'col-reason',
    cell: ({ help }) => <span title={help}>{help}</span>,
  },
  { head: 'Unit', class: 'col-unit wide', cell: ({ unit }) => (unit === 'none' ? '' : unit) },
  { head: 'Series', class: 'col-time number wide', cell: (metric) => whole(seriesOf(metric)) },
  {
    head: 'Newest',
    class: 'col-time number',
    cell: ({ name, unit, series, more }) => {
      const only = series.length === 1 && more === 0 ? series[0] : undefined;
      return only === undefined ? UNKNOWN : scaleOf({ name, unit }).format(only.value);
    },
  },
];
