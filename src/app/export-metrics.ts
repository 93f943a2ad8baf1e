import type { ExportFormat } from '../api/contract/metric-site.ts';
import { csvField } from '../base/csv.ts';
import { formatMoment } from '../base/format.ts';
import type { TimeMs } from '../base/units.ts';
import type { HistoryWindow } from '../store/io/history.ts';
import type { Labels, MetricUnit, SeriesPoint } from '../telemetry/metric.ts';

interface ExportedSeries {
  readonly key: string;
  readonly name: string;
  readonly labels: Labels;
  readonly unit: MetricUnit;
  /** Where it has points: nothing is looked for elsewhere, however far the whole reaches. */
  readonly extent: HistoryWindow;
}

type ReadPoints = (key: string, window: HistoryWindow) => readonly SeriesPoint[];

/** Points of one piece: some milliseconds of work, and some tens of KiB. */
const PIECE_POINTS = 600;

const columns = {
  at: 'where the point begins, in milliseconds since 1970',
  min: 'smallest of its samples',
  max: 'largest of its samples',
  mean: 'arithmetic mean of its samples',
  last: 'newest of its samples',
  count: 'number of its samples',
} as const;

/** What is kept of these series as text, piece by piece, oldest first. */
export function exportPieces(
  format: ExportFormat,
  series: readonly ExportedSeries[],
  window: HistoryWindow,
  read: ReadPoints,
): Iterable<string> {
  const parts = { series, window, read };
  return format === 'csv' ? csvPieces(parts) : jsonPieces(parts);
}

interface Parts {
  readonly series: readonly ExportedSeries[];
  readonly window: HistoryWindow;
  readonly read: ReadPoints;
}

function* piecesOf(
  { key, extent: { from, to, stepMs } }: ExportedSeries,
  read: ReadPoints,
): Iterable<readonly SeriesPoint[]> {
  const length = PIECE_POINTS * stepMs;
  for (let start = from - (from % stepMs); start <= to; start += length) {
    const end = Math.min(to, start + length - 1) as TimeMs;
    yield read(key, { from: start as TimeMs, to: end, stepMs });
  }
}

/** RFC 4180. */
function* csvPieces(parts: Parts): Iterable<string> {
  yield `time,name,labels,unit,${Object.keys(columns).join(',')}\r\n`;
  for (const series of parts.series) {
    const { name, labels, unit } = series;
    const lead = [name, labelText(labels), unit].map(csvField).join(',');
    for (const points of piecesOf(series, parts.read)) {
      yield points
        .map(({ at, min, max, mean, last, count }) =>
          [formatMoment(at), lead, at, min, max, mean, last, count].join(','),
        )
        .map((line) => `${line}\r\n`)
        .join('');
    }
  }
}

/** One document, with the meaning of its columns in it. */
function* jsonPieces(parts: Parts): Iterable<string> {
  const { from, to, stepMs } = parts.window;
  const head = JSON.stringify({ schema: 'berth-metrics-1', from, to, step_ms: stepMs, columns });
  yield `${head.slice(0, -1)},"series":[`;
  let before = '\n';
  for (const series of parts.series) {
    const { name, labels, unit } = series;
    yield `${before}${JSON.stringify({ name, labels, unit }).slice(0, -1)},"points":[`;
    let comma = '';
    for (const points of piecesOf(series, parts.read)) {
      if (points.length === 0) continue;
      const rows = points.map(({ at, min, max, mean, last, count }) =>
        JSON.stringify([at, min, max, mean, last, count]),
      );
      yield `${comma}\n${rows.join(',\n')}`;
      comma = ',';
    }
    yield ']}';
    before = ',\n';
  }
  yield '\n]}\n';
}

const labelText = (labels: Labels): string =>
  Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, value]) => `${label}=${value}`)
    .join(';');
