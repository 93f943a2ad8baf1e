import { type Drift, type DriftRequest, driftOf } from '../analysis/metric-drift.ts';
import { trendOf } from '../analysis/trend.ts';
import {
  exportSteps,
  type MetricDriftRequest,
  type MetricExportRequest,
  type MetricHistoryRequest,
  type MetricListRequest,
  type MetricSite,
} from '../api/contract/metric-site.ts';
import type {
  MetricDriftDocument,
  MetricHistoryDocument,
  MetricList,
} from '../api/contract/telemetry-documents.ts';
import type { TimeMs } from '../base/units.ts';
import type { TenantId } from '../model/ids.ts';
import type { SqliteHistory } from '../store/io/history.ts';
import { families } from '../telemetry/families.ts';
import {
  historyName,
  isSeen,
  type KeptSeries,
  type Labels,
  type LiveMetrics,
  type MetricFamily,
} from '../telemetry/metric.ts';
import { exportPieces } from './export-metrics.ts';
import { gridOf, onGrid } from './metric-grid.ts';

export interface LiveMetricSiteDeps {
  readonly live: LiveMetrics;
  readonly history: SqliteHistory;
  readonly now: () => TimeMs;
}

/** Metrics of the running daemon, as somebody may see them. */
export class LiveMetricSite implements MetricSite {
  readonly #deps: LiveMetricSiteDeps;

  constructor(deps: LiveMetricSiteDeps) {
    this.#deps = deps;
  }

  metrics({ name, seriesMax }: MetricListRequest, only: TenantId | undefined): MetricList {
    const { live, now } = this.#deps;
    const told = live
      .families()
      .flatMap((family) => (family.kind === 'counter' ? [family, rateOf(family)] : [family]))
      .filter((family) => name === undefined || family.name === name);
    const metrics = told.flatMap((family) => {
      const series = live.latest(family.name).filter(({ labels }) => isSeen(labels, only));
      if (series.length === 0) return [];
      const { kind, unit, source, help } = family;
      const shown = series.slice(0, seriesMax).map(({ labels, value, at }) => {
        return { labels, value, at };
      });
      const more = series.length - shown.length;
      const history = historyName(family);
      return [{ name: family.name, kind, unit, source, help, history, series: shown, more }];
    });
    metrics.sort((a, b) => (a.name < b.name ? -1 : 1));
    return { now: now(), quality: live.quality() ?? null, metrics };
  }

  history(
    asked: MetricHistoryRequest,
    only: TenantId | undefined,
  ): MetricHistoryDocument | undefined {
    const { history, now } = this.#deps;
    const family = this.#familyOf(asked.name);
    if (family === undefined && !history.names().includes(asked.name)) return undefined;
    const name = family?.name ?? asked.name;
    const grid = gridOf(now(), asked.windowMs, asked.pointsMax);
    const { labels, seriesMax } = asked;
    const ofTenant = only !== undefined && family?.labels.includes('tenant') === true;
    const mayAsk = !ofTenant || (labels['tenant'] ?? only) === only;
    const selector = { name, labels: ofTenant ? { ...labels, tenant: only } : labels };
    const { from, to } = grid.query;
    const isShown = (series: { readonly labels: Labels }): boolean => isSeen(series.labels, only);
    const found = mayAsk
      ? history.query({ ...selector, ...grid.query, seriesMax }).filter(isShown)
      : [];
    const all = mayAsk ? history.series(selector, from, to).filter(isShown).length : 0;
    return {
      name,
      unit: family?.unit ?? 'none',
      source: family?.source ?? 'measured',
      help: family?.help ?? '',
      from,
      to: now(),
      interval_ms: grid.intervalMs,
      at: grid.at,
      series: found.map((series) => seriesDocument(series, grid)),
      more: Math.max(0, all - found.length),
    };
  }

  drift(
    { name: asked, labels, beforeMs, afterMs }: MetricDriftRequest,
    only: TenantId | undefined,
  ): MetricDriftDocument | undefined {
    const { history, now } = this.#deps;
    const family = this.#familyOf(asked);
    const name = family?.name ?? asked;
    if (family === undefined && !history.names().includes(name)) return undefined;
    const to = now();
    const since = Math.max(0, to - afterMs) as TimeMs;
    const from = Math.max(0, since - beforeMs) as TimeMs;
    const unit = family?.unit ?? 'none';
    const isOthers = ({ labels: own }: { readonly labels: Labels }): boolean => !isSeen(own, only);
    // Series of no tenant are everybody's; where some are of tenants, he has his own.
    const isOfTenants = only !== undefined && history.series({ name }, from, to).some(isOthers);
    const seen = isOfTenants ? { ...labels, tenant: only } : labels;
    const found = driftOf(history, { name, labels: seen, unit, from, since, to });
    return driftDocument(found, { unit, from, since, to });
  }

  exported(asked: MetricExportRequest, only: TenantId | undefined): Iterable<string> {
    const { history, now } = this.#deps;
    const to = now();
    const from = Math.max(0, to - asked.sinceMs) as TimeMs;
    const names = asked.names.length === 0 ? history.names() : [...new Set(asked.names)].sort();
    const window = { from, to, stepMs: exportSteps[asked.step] };
    const kept = names
      .map((name) => this.#familyOf(name)?.name ?? name)
      .flatMap((name) => {
        const unit = this.#familyOf(name)?.unit ?? 'none';
        const series = history.series({ name }, from, to);
        return series.flatMap((one) => {
          const extent = isSeen(one.labels, only) ? history.extent(one.key, window) : undefined;
          return extent === undefined ? [] : [{ ...one, unit, extent }];
        });
      });
    return exportPieces(asked.format, kept, window, (key, part) => history.points(key, part));
  }

  /** As history has it, whichever of its names is given. */
  #familyOf(name: string): MetricFamily | undefined {
    for (const family of [...this.#deps.live.families(), ...families]) {
      const isCounter = family.kind === 'counter';
      if (family.name === name || historyName(family) === name) {
        return isCounter ? rateOf(family) : family;
      }
    }
    return undefined;
  }
}

/** How fast a counter grows, as a metric of its own. */
function rateOf(family: MetricFamily): MetricFamily {
  const unit =
    family.unit === 'seconds' ? 'ratio' : family.unit === 'joules' ? 'watts' : family.unit;
  const help = `${family.help.replace(/\.$/, '')}, per second.`;
  return { ...family, name: historyName(family), kind: 'gauge', unit, help };
}

function seriesDocument(
  { key, labels, points }: KeptSeries,
  grid: ReturnType<typeof gridOf>,
): MetricHistoryDocument['series'][number] {
  const trend = trendOf(points);
  return {
    key,
    labels,
    mean: onGrid(grid, points, (point) => point.mean),
    min: onGrid(grid, points, (point) => point.min),
    max: onGrid(grid, points, (point) => point.max),
    trend:
      trend === undefined
        ? null
        : {
            average: trend.average,
            peak: trend.peak,
            trough: trend.trough,
            volatility: trend.volatility ?? null,
            slope_per_hour: trend.slopePerHour ?? null,
            chance: trend.chance ?? null,
            direction: trend.direction,
          },
  };
}

function driftDocument(
  { name, verdict, sentence, before, after, ks, psi }: Drift,
  { unit, from, since, to }: Pick<DriftRequest, 'unit' | 'from' | 'since' | 'to'>,
): MetricDriftDocument {
  const sample = (of: Drift['before'], window: { readonly from: number; readonly to: number }) => ({
    ...window,
    points: of.points,
    independent: of.independent,
    median: of.median ?? null,
    low: of.low ?? null,
    high: of.high ?? null,
  });
  return {
    name,
    unit,
    verdict,
    sentence,
    before: sample(before, { from, to: since }),
    after: sample(after, { from: since, to }),
    kolmogorov_smirnov: ks ?? null,
    population_stability: psi ?? null,
  };
}
