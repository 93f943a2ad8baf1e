import type { BrowserContext, Route } from 'playwright-core';
import {
  type SilenceRequest,
  silenceRequestSchema,
} from '../../src/api/contract/alert-documents.ts';
import type { Problem } from '../../src/api/contract/documents.ts';
import { type ReportList, reportListSchema } from '../../src/api/contract/report-documents.ts';
import {
  type AlertList,
  alertListSchema,
  type DoctorReport,
  doctorReportSchema,
  type KpiList,
  kpiListSchema,
  type MetricHistoryDocument,
  type MetricList,
  metricHistorySchema,
  metricListSchema,
} from '../../src/api/contract/telemetry-documents.ts';

/** What the page asks the history for. */
interface HistoryAsked {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly windowMs: number;
  readonly series: number;
}

export interface Curve {
  readonly labels: Readonly<Record<string, string>>;
  /** The value at a moment, null where nothing was measured. */
  value(at: number): number | null;
}

interface Measured {
  readonly unit: MetricHistoryDocument['unit'];
  readonly source?: MetricHistoryDocument['source'];
  readonly curves: readonly Curve[];
}

/** Answers of the telemetry routes; each is read by its schema before it is sent, so that none can drift from it. */
export interface Telemetry {
  readonly now: number;
  alerts?: () => AlertList;
  doctor?: () => DoctorReport;
  kpis?: () => KpiList;
  reports?: () => ReportList;
  /** By name, as history has it. */
  readonly metrics?: Readonly<Record<string, Measured>>;
  silence?: (asked: SilenceRequest) => void;
  unsilence?: (id: string) => void;
}

/** Nothing measured, nothing wrong. */
export const quiet = (now: number): Telemetry => ({ now });

const POINTS = 120;

export async function serveTelemetry(context: BrowserContext, served: Telemetry): Promise<void> {
  const { now } = served;
  const json = (route: Route, body: unknown) =>
    route.fulfill({ contentType: 'application/json', body: JSON.stringify(body) });
  await context.route('**/api/v1/alerts', (route) =>
    json(
      route,
      alertListSchema.parse(served.alerts?.() ?? { now, alerts: [], rules: [], silences: [] }),
    ),
  );
  await context.route('**/api/v1/doctor*', (route) =>
    json(
      route,
      doctorReportSchema.parse(
        served.doctor?.() ?? {
          from: now - 600_000,
          to: now,
          sentence: 'Nothing stands out in the last 10 minutes.',
          quality: null,
          findings: [],
          looked: [],
        },
      ),
    ),
  );
  await context.route('**/api/v1/kpis*', (route) =>
    json(
      route,
      kpiListSchema.parse(
        served.kpis?.() ?? {
          from: now - 2_592_000_000,
          to: now,
          complete: true,
          kpis: [],
          objectives: [],
        },
      ),
    ),
  );
  await context.route('**/api/v1/reports', (route) =>
    json(route, reportListSchema.parse(served.reports?.() ?? { now, reports: [], schedules: [] })),
  );
  await context.route(/\/api\/v1\/metrics(\?.*)?$/, (route) =>
    json(route, metricListSchema.parse(listOf(served))),
  );
  await context.route('**/api/v1/metrics/history*', (route) =>
    json(route, metricHistorySchema.parse(historyOf(served, askedIn(route.request().url())))),
  );
  await context.route('**/api/v1/silences', async (route) => {
    served.silence?.(silenceRequestSchema.parse(route.request().postDataJSON()));
    await json(route, { id: 's1' });
  });
  await context.route('**/api/v1/silences/*', async (route) => {
    served.unsilence?.(new URL(route.request().url()).pathname.split('/').at(-1)!);
    await route.fulfill({ status: 204 });
  });
}

/** Answers as a daemon of a version before telemetry: there are no such routes. */
export async function lackTelemetry(context: BrowserContext): Promise<void> {
  const routes = /\/api\/v1\/(alerts|doctor|kpis|reports?|metrics|silences|incidents)\b/;
  await context.route(routes, (route) => {
    const { pathname } = new URL(route.request().url());
    const problem: Problem = {
      type: 'about:blank',
      title: 'Not found',
      status: 404,
      detail: `There is no GET ${pathname}.`,
      code: 'NOT_FOUND',
      hint: 'See `berth ps --all`.',
    };
    const body = JSON.stringify(problem);
    return route.fulfill({ status: 404, contentType: 'application/problem+json', body });
  });
}

function askedIn(url: string): HistoryAsked {
  const { searchParams } = new URL(url);
  const labels = searchParams.getAll('label').map((text) => {
    const at = text.indexOf('=');
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  return {
    name: searchParams.get('name') ?? '',
    labels: Object.fromEntries(labels),
    windowMs: Number(/^(\d+)s$/.exec(searchParams.get('window') ?? '')?.[1]) * 1_000,
    series: Number(searchParams.get('series') ?? 50),
  };
}

function historyOf({ now, metrics }: Telemetry, asked: HistoryAsked): MetricHistoryDocument {
  const { name, labels, windowMs, series } = asked;
  const interval = Math.max(1_000, Math.round(windowMs / POINTS));
  const at = Array.from({ length: POINTS }, (_, i) => now - (POINTS - 1 - i) * interval);
  const { unit = 'none', source = 'measured', curves = [] } = metrics?.[name] ?? {};
  const wanted = curves.filter((curve) =>
    Object.entries(labels).every(([label, value]) => curve.labels[label] === value),
  );
  return {
    name,
    unit,
    source,
    help: `What ${name} tells.`,
    from: now - windowMs,
    to: now,
    interval_ms: interval,
    at: wanted.length === 0 ? [] : at,
    series: wanted.slice(0, series).map((curve) => {
      const mean = at.map(curve.value);
      const drawn = { mean, min: mean, max: mean, trend: null };
      return { key: keyOf(name, curve), labels: { ...curve.labels }, ...drawn };
    }),
    more: Math.max(0, wanted.length - series),
  };
}

const keyOf = (name: string, { labels }: Curve): string =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;

function listOf({ now, metrics = {} }: Telemetry): MetricList {
  return {
    now,
    quality: Object.keys(metrics).length === 0 ? null : 0.98,
    metrics: Object.entries(metrics).map(([name, { unit, source = 'measured', curves }]) => ({
      name,
      kind: 'gauge',
      unit,
      source,
      help: `What ${name} tells.`,
      history: name,
      more: 0,
      series: curves.flatMap((curve) => {
        const value = curve.value(now);
        return value === null ? [] : [{ labels: { ...curve.labels }, value, at: now }];
      }),
    })),
  };
}

/** A wave about `mean`, the same at the same moment. */
export const wave =
  (mean: number, swing: number, periodMs = 180_000) =>
  (at: number): number =>
    Math.max(0, mean + swing * Math.sin((at / periodMs) * 2 * Math.PI));
