import { alertReplaySchema, silenceSchema } from '../../api/contract/alert-documents.ts';
import {
  doctorFlowSchema,
  profileSchema,
  regressionListSchema,
} from '../../api/contract/doctor-documents.ts';
import { reportListSchema, reportSchema } from '../../api/contract/report-documents.ts';
import {
  alertListSchema,
  doctorReportSchema,
  kpiListSchema,
  metricDriftSchema,
  metricHistorySchema,
  metricListSchema,
} from '../../api/contract/telemetry-documents.ts';
import type { Client } from '../client.ts';
import { type Calls, get, postJson, query } from './calls.ts';

export const telemetryCalls = (calls: Calls) => ({
  ...doctorCalls(calls),
  ...metricCalls(calls),
  ...reportCalls(calls),
  ...alertCalls(calls),
});

function doctorCalls({ ask }: Calls) {
  return {
    doctor: (seconds) =>
      ask(doctorReportSchema, get(`/api/v1/doctor?${query({ window: `${seconds}s` })}`)),
    regressions: (seconds) => {
      const path = `/api/v1/doctor/regressions?${query({ since: `${seconds}s` })}`;
      return ask(regressionListSchema, get(path));
    },
    doctorFlow: (flow, seconds) => {
      const path = `/api/v1/doctor/flows/${flow}?${query({ window: `${seconds}s` })}`;
      return ask(doctorFlowSchema, get(path));
    },
    profile: (attempt, forMs) => {
      const path = `/api/v1/attempts/${encodeURIComponent(attempt)}/profile`;
      const asked = get(`${path}?${query({ for: `${forMs}ms` })}`);
      return ask(profileSchema, { ...asked, workMs: forMs });
    },
  } satisfies Partial<Client>;
}

function metricCalls({ ask, pieces }: Calls) {
  return {
    metrics: (name, seriesMax) => {
      const asked = {
        ...(name !== undefined && { name }),
        ...(seriesMax !== undefined && { series_max: seriesMax }),
      };
      return ask(metricListSchema, get(`/api/v1/metrics?${query(asked)}`));
    },
    metricHistory: ({ name, labels, windowMs, points, series }) => {
      const asked = { name, window: secondsOf(windowMs), points, series };
      const label = labels.map((one) => `&${query({ label: one })}`).join('');
      return ask(metricHistorySchema, get(`/api/v1/metrics/history?${query(asked)}${label}`));
    },
    metricDrift: ({ name, labels, beforeMs, afterMs }) => {
      const asked = { name, before: secondsOf(beforeMs), after: secondsOf(afterMs) };
      const label = labels.map((one) => `&${query({ label: one })}`).join('');
      return ask(metricDriftSchema, get(`/api/v1/metrics/drift?${query(asked)}${label}`));
    },
    exportMetrics: ({ names, sinceMs, step, format }) => {
      const asked = query({ since: secondsOf(sinceMs), step, format });
      const name = names.map((one) => `&${query({ name: one })}`).join('');
      return pieces(`/api/v1/metrics/export?${asked}${name}`);
    },
  } satisfies Partial<Client>;
}

function reportCalls({ ask, text }: Calls) {
  const made = (seconds: number, format = 'json') =>
    get(`/api/v1/report?${query({ since: `${seconds}s`, format })}`);
  const kept = (id: string, format = 'json') =>
    get(`/api/v1/reports/${encodeURIComponent(id)}?${query({ format })}`);
  return {
    kpis: (seconds) => ask(kpiListSchema, get(`/api/v1/kpis?${query({ since: `${seconds}s` })}`)),
    report: (seconds) => ask(reportSchema, made(seconds)),
    reportPage: (seconds) => text(made(seconds, 'html')),
    reports: () => ask(reportListSchema, get('/api/v1/reports')),
    keptReport: (id) => ask(reportSchema, kept(id)),
    keptReportPage: (id) => text(kept(id, 'html')),
  } satisfies Partial<Client>;
}

const secondsOf = (ms: number): string => `${Math.ceil(ms / 1_000)}s`;

function alertCalls({ ask, done }: Calls) {
  return {
    alerts: () => ask(alertListSchema, get('/api/v1/alerts')),
    addSilence: (wanted) => ask(silenceSchema, postJson('/api/v1/silences', wanted)),
    removeSilence: (id) =>
      done({ method: 'DELETE', path: `/api/v1/silences/${encodeURIComponent(id)}` }),
    replayAlert: ({ rule, condition, duration, span }) => {
      const asked = {
        span,
        ...(rule !== undefined && { rule }),
        ...(condition !== undefined && { condition }),
        ...(duration !== undefined && { duration }),
      };
      return ask(alertReplaySchema, get(`/api/v1/alerts/replay?${query(asked)}`));
    },
  } satisfies Partial<Client>;
}
