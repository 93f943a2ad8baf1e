import { type Signal, useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { MetricHistoryDocument } from '../../../src/api/contract/telemetry-documents.ts';
import { clock } from '../format.ts';
import { historyPath, seriesNames, valuesAt } from '../metrics.ts';
import type { Drawn, Line, PanelSpec } from '../panels.ts';
import { always, isLacking, type Loaded, useDocuments } from '../use-document.ts';
import { ProblemNote } from './notes.tsx';
import { Plot } from './plot.tsx';

const EVERY_MS = 4_000;

interface Span {
  readonly windowMs: number;
  /** Cut to this part of the window: the life of what has ended. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly points?: number;
}

interface Panel extends PanelSpec {
  readonly at: readonly number[];
  readonly lines: readonly Line[];
}

/** Histories of the specs, one plot each, under one cursor. `empty` stands there where nothing was measured. */
export function HistoryPanels({
  specs,
  span,
  empty,
}: {
  readonly specs: readonly PanelSpec[];
  readonly span: Span;
  readonly empty: preact.ComponentChildren;
}) {
  const paths = [...new Set(specs.flatMap(({ drawn }) => drawn.map((one) => pathOf(one, span))))];
  const loaded = useDocuments<MetricHistoryDocument>(paths, {
    when: always,
    everyMs: EVERY_MS,
    mayLack: true,
  }).value;
  const cursor = useSignal<number | undefined>(undefined);
  const shape = specs.map(({ title }) => title).join();
  const panels = useMemo(
    () => specs.map((spec) => panelOf(spec, span, paths, loaded)),
    [loaded, shape, paths.join(), span.from, span.to],
  );
  const problem = loaded.find(
    ({ problem }) => problem !== undefined && problem.status !== 404,
  )?.problem;
  if (loaded.some(({ problem }) => isLacking(problem))) {
    return <p class="muted quiet">Not available in this daemon: it keeps no history of metrics.</p>;
  }
  // Of a metric that nobody knows there is no history.
  const read =
    loaded.length === paths.length &&
    loaded.every(({ value, problem }) => value !== undefined || problem?.status === 404);
  const measured = panels.filter(({ at }) => at.length > 0);
  if (read && measured.length === 0) return <p class="muted quiet">{empty}</p>;
  return (
    <>
      {problem !== undefined && <ProblemNote problem={problem} />}
      <div class={panels.length % 3 !== 0 && panels.length < 5 ? 'plots two' : 'plots'}>
        {panels.map((panel) => (
          <PanelFigure key={panel.title} panel={panel} span={span} cursor={cursor} isRead={read} />
        ))}
      </div>
    </>
  );
}

const pathOf = ({ metric, labels, each }: Drawn, { windowMs, points }: Span): string =>
  historyPath({
    name: metric,
    labels,
    windowMs,
    ...(points !== undefined && { points }),
    ...(each !== undefined && { series: each }),
  });

function PanelFigure({
  panel,
  span,
  cursor,
  isRead,
}: {
  readonly panel: Panel;
  readonly span: Span;
  /** Milliseconds since 1970, of every plot together. */
  readonly cursor: Signal<number | undefined>;
  readonly isRead: boolean;
}) {
  const { title, scale, at, lines, top } = panel;
  const index = cursor.value === undefined ? at.length - 1 : nearest(at, cursor.value);
  const end = span.to ?? at.at(-1);
  const long = span.from === undefined || end === undefined ? span.windowMs : end - span.from;
  return (
    <figure>
      <figcaption>
        <span class="plot-name">{title}</span>
        {isRead && at.length === 0 && <span class="muted">nothing measured</span>}
        {at.length > 0 && <Legend panel={panel} index={index} />}
      </figcaption>
      <Plot
        label={inWords(panel)}
        at={at}
        lines={lines}
        windowMs={Math.max(10_000, long)}
        top={top ?? scale.least}
        steps={scale.steps}
        format={scale.format}
        onCursor={(i) => {
          cursor.value = i === undefined ? undefined : at[i];
        }}
      />
    </figure>
  );
}

/** Of many lines only the highest under the cursor is named. */
function Legend({ panel, index }: { readonly panel: Panel; readonly index: number }) {
  const { lines, scale, source } = panel;
  if (lines.length <= 3) {
    return (
      <>
        {lines.map((line) => (
          <span key={line.name} class={`legend ${line.colour} ${line.kind}`} title={source}>
            <i /> {line.name} <b class="number">{scale.format(line.values[index])}</b>
          </span>
        ))}
      </>
    );
  }
  const highest = lines.reduce((best, line) =>
    (line.values[index] ?? -1) > (best.values[index] ?? -1) ? line : best,
  );
  return (
    <span class={`legend ${highest.colour} line`} title={source}>
      <i /> {lines.length} lines, highest {highest.name}{' '}
      <b class="number">{scale.format(highest.values[index])}</b>
    </span>
  );
}

function nearest(at: readonly number[], moment: number): number {
  let best = at.length - 1;
  for (let i = 0; i < at.length; i++) {
    if (Math.abs(at[i]! - moment) < Math.abs(at[best]! - moment)) best = i;
  }
  return best;
}

function panelOf(
  spec: PanelSpec,
  span: Span,
  paths: readonly string[],
  loaded: readonly Loaded<MetricHistoryDocument>[],
): Panel {
  const found = spec.drawn.flatMap((drawn) => {
    const history = loaded[paths.indexOf(pathOf(drawn, span))]?.value;
    if (history === undefined || history.series.length === 0) return [];
    return [{ drawn, history }];
  });
  const longest = found.reduce<MetricHistoryDocument | undefined>(
    (best, { history }) =>
      best === undefined || history.at.length > best.at.length ? history : best,
    undefined,
  );
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = span;
  const reach = longest === undefined ? 0 : Math.max(1, longest.interval_ms);
  const at = (longest?.at ?? []).filter((moment) => moment >= from - reach && moment <= to + reach);
  const lines = found.flatMap(({ drawn, history }) => {
    const names = seriesNames(history.series);
    const series = drawn.each === undefined ? history.series.slice(0, 1) : history.series;
    return series.map(
      ({ mean }, i): Line => ({
        name: drawn.each === undefined ? drawn.name : (names[i] ?? drawn.name),
        colour: drawn.colour,
        kind: drawn.kind,
        values: valuesAt(at, history.at, mean, reach),
      }),
    );
  });
  const isEmpty = lines.every(({ values }) => values.every((value) => value === null));
  const { threshold } = spec;
  const level: Line[] =
    threshold === undefined
      ? []
      : [
          {
            name: 'limit',
            colour: 'plot-limit',
            kind: 'limit',
            values: at.map(() => threshold),
          },
        ];
  return { ...spec, at: isEmpty ? [] : at, lines: [...lines, ...level] };
}

function inWords({ title, lines, at, scale }: Panel): string {
  if (at.length === 0) return `${title}: nothing measured`;
  const parts = lines.slice(0, 5).map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${name} unknown`;
    return `${name} ${scale.format(known.at(-1))}, between ${scale.format(Math.min(...known))} and ${scale.format(Math.max(...known))}`;
  });
  return `${title} from ${clock(at[0]!)} to ${clock(at.at(-1)!)}: ${parts.join('; ')}`;
}
