import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type {
  MetricHistoryDocument,
  MetricList,
} from '../../../src/api/contract/telemetry-documents.ts';
import { clock, moment, UNKNOWN, whole } from '../format.ts';
import {
  type MetricPlace,
  metricCommand,
  metricHref,
  metricSpans,
  spanMs,
} from '../metric-place.ts';
import { historyPath, type Scale, scaleOf, seriesNames } from '../metrics.ts';
import type { Line } from '../panels.ts';
import { goToMetric } from '../router.ts';
import { always, isLacking, useDocument } from '../use-document.ts';
import { Choice } from './choice.tsx';
import { Command, EmptyNote, ProblemNote } from './notes.tsx';
import { Plot } from './plot.tsx';
import { type Column, RowTable } from './row-table.tsx';

type Labels = Readonly<Record<string, string>>;
type Series = MetricHistoryDocument['series'][number];

/** As many lines as there are colours that can be told apart. */
const DRAWN_MAX = 8;
/** As many as a route gives out. */
const LISTED_MAX = 1_000;
/** Of one label; a task id may have thousands. */
const VALUES_MAX = 200;
const EVERY_MS = 4_000;
const PLOT_PX = 260;

/** One metric over time: the greatest of its series drawn, all of them with their newest values. */
export function MetricExplorer({ at, name }: { readonly at: MetricPlace; readonly name: string }) {
  const cursor = useSignal<number | undefined>(undefined);
  const reread = { when: always, everyMs: EVERY_MS, mayLack: true };
  const windowMs = spanMs(at.since);
  const path = historyPath({ name, labels: at.labels, windowMs, series: DRAWN_MAX });
  const { value: history, problem } = useDocument<MetricHistoryDocument>(path, reread).value;
  const { value: list } = useDocument<MetricList>(
    `/api/v1/metrics?name=${encodeURIComponent(name)}&series_max=${LISTED_MAX}`,
    reread,
  ).value;
  // Where it is followed from one metric to another, the answer is that of the one before at first.
  const mine = history !== undefined && problem?.status !== 404 ? history : undefined;
  const metric = list?.metrics.find((one) => one.name === name);
  const known = metric ?? mine;
  const isUnknown = problem?.status === 404 && list !== undefined && metric === undefined;
  return (
    <>
      <p class="sub">
        <a href="#/metrics">All metrics</a>
      </p>
      <h1 class="lead metric-name">{name}</h1>
      {known !== undefined && known.help !== '' && <p class="sub">{known.help}</p>}
      {known !== undefined && (
        <p class="sub">
          {[metric?.kind, known.unit === 'none' ? 'no unit' : known.unit, known.source]
            .filter((word) => word !== undefined)
            .join(' · ')}
          {metric?.kind === 'counter' && ', drawn as its rate'}
        </p>
      )}
      {problem !== undefined && problem.status !== 404 && <ProblemNote problem={problem} />}
      {isLacking(problem) && (
        <p class="muted quiet">Not available in this daemon: it keeps no history of metrics.</p>
      )}
      {isUnknown && !isLacking(problem) ? (
        <EmptyNote command="berth metrics">Nothing of this name was ever measured here.</EmptyNote>
      ) : (
        <>
          <div class="toolbar">
            <Choice
              label="Time range"
              options={metricSpans}
              chosen={at.since}
              onChoose={(since) => goToMetric({ ...at, since })}
            />
            <LabelFilters at={at} series={metric?.series ?? mine?.series ?? []} />
            <span class="spring" />
            <Command text={metricCommand(at)} />
          </div>
          <Drawn name={name} history={mine} windowMs={windowMs} cursor={cursor} at={at} />
          {metric !== undefined && (
            <Newest metric={metric} history={mine} cursor={cursor.value} at={at} />
          )}
        </>
      )}
    </>
  );
}

/** A choice for each label of which there are several values. */
function LabelFilters({
  at,
  series,
}: {
  readonly at: MetricPlace;
  readonly series: readonly { readonly labels: Labels }[];
}) {
  const names = [
    ...new Set([...Object.keys(at.labels), ...series.flatMap(({ labels }) => Object.keys(labels))]),
  ].sort();
  return (
    <>
      {names.map((name) => {
        const chosen = at.labels[name];
        const values = new Set(series.flatMap(({ labels }) => labels[name] ?? []));
        if (chosen !== undefined) values.add(chosen);
        if (values.size < 2 && chosen === undefined) return null;
        const { [name]: _, ...others } = at.labels;
        const shown = [...values].sort(naturally);
        return (
          <label key={name} class="label-filter">
            {name}{' '}
            <select
              aria-label={name}
              value={chosen ?? ''}
              onChange={({ currentTarget: { value } }) =>
                goToMetric({ ...at, labels: value === '' ? others : { ...others, [name]: value } })
              }
            >
              <option value="">all {whole(values.size)}</option>
              {shown.slice(0, VALUES_MAX).map((value) => (
                <option key={value} value={value}>
                  {value}
                </option>
              ))}
              {shown.length > VALUES_MAX && (
                <option disabled>{whole(shown.length - VALUES_MAX)} more</option>
              )}
            </select>
          </label>
        );
      })}
    </>
  );
}

const collator = new Intl.Collator(undefined, { numeric: true });
const naturally = (a: string, b: string): number => collator.compare(a, b);

interface DrawnProps {
  readonly name: string;
  readonly history: MetricHistoryDocument | undefined;
  readonly windowMs: number;
  readonly cursor: { value: number | undefined };
  readonly at: MetricPlace;
}

function Drawn({ name, history, windowMs, cursor, at: { since } }: DrawnProps) {
  const drawn = useMemo(() => (history === undefined ? [] : linesOf(history)), [history]);
  if (history === undefined) return <div class="metric-plot" />;
  const { at, series, more } = history;
  const scale = scaleOf(history);
  if (series.length === 0) {
    return (
      <p class="muted quiet metric-plot">
        Nothing was measured in the last {since} that has these labels.
      </p>
    );
  }
  return (
    <section class="metric-plot" aria-label="Over time">
      <p class="muted">
        {more === 0
          ? `${whole(series.length)} series over ${since}`
          : `The ${DRAWN_MAX} of ${whole(series.length + more)} series with the greatest mean over ${since}; a label narrows them`}
        {cursor.value !== undefined && `, at ${moment(cursor.value)}`}
      </p>
      <Plot
        label={inWords(name, history, scale)}
        at={at}
        lines={drawn}
        windowMs={windowMs}
        top={scale.least}
        steps={scale.steps}
        format={scale.format}
        height={PLOT_PX}
        onCursor={(i) => {
          cursor.value = i === undefined ? undefined : at[i];
        }}
      />
    </section>
  );
}

const linesOf = (history: MetricHistoryDocument): readonly Line[] => {
  const names = seriesNames(history.series);
  return history.series.map(({ mean }, i) => ({
    name: names[i] || history.name,
    colour: `line-${i}`,
    kind: 'line',
    values: mean,
  }));
};

function inWords(name: string, { at, series }: MetricHistoryDocument, scale: Scale): string {
  const values = series.flatMap(({ mean }) => mean.filter((one) => one !== null));
  if (at.length === 0 || values.length === 0) return `${name}: nothing measured`;
  const between = `${scale.format(Math.min(...values))} and ${scale.format(Math.max(...values))}`;
  return `${name} from ${clock(at[0]!)} to ${clock(at.at(-1)!)}: ${series.length} lines between ${between}`;
}

interface Row {
  readonly key: string;
  readonly labels: Labels;
  readonly name: string;
  readonly value: number;
  readonly at: number;
  /** Where it is drawn: which line, and what history says of it. */
  readonly line: number | undefined;
  readonly over: Series | undefined;
  readonly atCursor: number | null | undefined;
}

interface NewestProps {
  readonly metric: MetricList['metrics'][number];
  readonly history: MetricHistoryDocument | undefined;
  readonly cursor: number | undefined;
  readonly at: MetricPlace;
}

/** Drawn ones first, in the order of their lines; then all others by name. */
function Newest({ metric, history, cursor, at: place }: NewestProps) {
  const wanted = Object.entries(place.labels);
  const series = metric.series.filter(({ labels }) =>
    wanted.every(([key, value]) => labels[key] === value),
  );
  const names = seriesNames(series);
  const index = cursor === undefined ? -1 : (history?.at.indexOf(cursor) ?? -1);
  const rows = series
    .map(({ labels, value, at }, i): Row => {
      const key = keyOf(labels);
      const line = history?.series.findIndex((one) => keyOf(one.labels) === key) ?? -1;
      const over = line === -1 ? undefined : history?.series[line];
      const atCursor = index === -1 ? undefined : over?.mean[index];
      return {
        key,
        labels,
        name: names[i] || metric.name,
        value,
        at,
        line: line === -1 ? undefined : line,
        over,
        atCursor,
      };
    })
    .sort((a, b) => (a.line ?? DRAWN_MAX) - (b.line ?? DRAWN_MAX) || naturally(a.name, b.name));
  const isRate = metric.name !== metric.history;
  const scale = scaleOf(metric);
  const drawnScale = history === undefined ? scale : scaleOf(history);
  return (
    <section class="part" aria-label="Newest values">
      <header class="section-head">
        <h2>{isRate ? 'Counted so far' : 'Newest values'}</h2>
        <span class="muted">
          {whole(rows.length)} series
          {metric.more > 0 && ` of the first ${whole(LISTED_MAX)}; ${whole(metric.more)} more`}
        </span>
      </header>
      {rows.length === 0 ? (
        <p class="muted quiet">Nobody measures this now.</p>
      ) : (
        <RowTable
          label="Newest values"
          columns={columnsOf(scale, drawnScale)}
          rows={rows}
          keyOf={({ key }) => key}
          hrefOf={({ labels }) => metricHref({ ...place, labels })}
        />
      )}
    </section>
  );
}

const keyOf = (labels: Labels): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

function columnsOf(scale: Scale, drawn: Scale): readonly Column<Row>[] {
  const of = (pick: (row: Row) => number | null | undefined) => (row: Row) => {
    const value = pick(row);
    return value === undefined || value === null ? UNKNOWN : drawn.format(value);
  };
  return [
    {
      head: 'Series',
      class: 'col-metric',
      cell: ({ name, line }) => (
        <span class={`legend line ${line === undefined ? 'undrawn' : `line-${line}`}`}>
          <i /> <span class="series-name">{name}</span>
        </span>
      ),
    },
    {
      head: 'Newest',
      class: 'col-time number',
      cell: ({ value, at }) => <span title={`at ${moment(at)}`}>{scale.format(value)}</span>,
    },
    { head: 'At the cursor', class: 'col-over number wide', cell: of((row) => row.atCursor) },
    { head: 'Least', class: 'col-over number wide', cell: of((row) => row.over?.trend?.trough) },
    { head: 'Mean', class: 'col-over number wide', cell: of((row) => row.over?.trend?.average) },
    { head: 'Greatest', class: 'col-over number wide', cell: of((row) => row.over?.trend?.peak) },
    {
      head: 'Goes',
      class: 'col-time',
      cell: ({ over }) => over?.trend?.direction.replace('unknown', UNKNOWN) ?? UNKNOWN,
    },
  ];
}
