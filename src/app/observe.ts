import { callLatency } from '../analysis/call-latency.ts';
import type { LeaseSite } from '../api/contract/lease-documents.ts';
import type { ApiDeps } from '../api/routes/api-env.ts';
import type { TimeMs } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import { attemptOfPid } from '../execution/io/local/attempt-of-pid.ts';
import type { LocalDriver } from '../execution/io/local/driver.ts';
import type { MoneyConfig } from '../model/money.ts';
import type { SiteConfig } from '../model/site-config.ts';
import type { Loop } from '../runtime/loop.ts';
import type { SqliteHistory } from '../store/io/history.ts';
import type { SqliteJournal } from '../store/io/journal.ts';
import type { StateFolder } from '../store/io/state-folder.ts';
import type { LatestReadings } from '../telemetry/latest.ts';
import type { Reading } from '../telemetry/metric.ts';
import type { DaemonLog } from './daemon-log.ts';
import { LiveDoctor } from './doctor.ts';
import type { EngineMetrics } from './engine-metrics.ts';
import { LiveIncidents } from './incident-site.ts';
import { JoinedMetrics } from './joined-metrics.ts';
import { LiveExposition } from './live-exposition.ts';
import { LiveMetricSite } from './metric-site.ts';
import { ObjectiveMetrics } from './objective-metrics.ts';
import { openAlerts } from './open-alerts.ts';
import { openReports } from './open-reports.ts';
import type { OtlpPush } from './otlp-push.ts';
import type { SystemClock } from './system-clock.ts';
import type { TaskResults } from './task-results.ts';

/** Objectives are counted anew so often. */
const OBJECTIVES_EVERY_MS = 30_000;

interface Parts {
  readonly site: SiteConfig;
  readonly folder: StateFolder;
  readonly log: DaemonLog;
  readonly clock: SystemClock;
  readonly journal: SqliteJournal;
  readonly history: SqliteHistory;
  readonly engine: Engine;
  readonly driver: LocalDriver;
  readonly prices: MoneyConfig['prices'];
  readonly results: TaskResults;
  /** What is sampled. */
  readonly live: LatestReadings;
}

/** All that looks at what is measured: alerts, the doctor, incidents, reports, and whoever scrapes. */
export function observe(
  parts: Parts,
  stack: AsyncDisposableStack,
  around: {
    readonly loop: Loop;
    readonly leases: LeaseSite;
    readonly counted: EngineMetrics;
    readonly push: OtlpPush | undefined;
  },
) {
  const { site, folder, clock, history, results } = parts;
  const { leases, counted, push } = around;
  const now = (): TimeMs => clock.now();
  const goals = new ObjectiveMetrics();
  const ofPush = push === undefined ? [] : [push];
  const live = new JoinedMetrics(parts.live, [counted, results.told, goals, ...ofPush]);
  stack.defer(() => push?.close());
  const { alerts, begin } = openAlerts({ ...parts, live, loop: around.loop }, stack);
  const doctor = new LiveDoctor({
    ...parts,
    live,
    results: results.store,
    leases,
    attemptOf: (pid) => attemptOfPid(pid, folder.instance),
    now,
  });
  const { reports, objectives } = openReports(parts, stack, {
    history,
    sources: {
      quality: () => live.quality(),
      latency: (window) => callLatency(history, window),
      alerts: (only) => alerts.list(only).alerts,
      findings: async ({ from, to }, only) => (await doctor.report(to - from, only)).findings,
    },
  });
  const sites = {
    alerts,
    doctor,
    reports,
    metrics: new LiveMetricSite({ live, history, now }),
    incidents: new LiveIncidents({ ...parts, metrics: history, now }),
    exposition: new LiveExposition(live, site.exportedAs),
  } satisfies Partial<ApiDeps>;
  return {
    sites,
    /** What history keeps beside what is sampled. */
    counted: (): readonly Reading[] => [
      ...counted.gauges(),
      ...goals.latest(),
      ...results.told.take(),
    ],
    begin(): void {
      begin();
      push?.begin(live);
      if (site.goals === undefined || site.goals.objectives.length === 0) return;
      const look = async (): Promise<void> => goals.note(now(), await objectives.readings());
      const failed = (error: unknown): void =>
        parts.log('reports', 'objectives could not be counted', error);
      void look().catch(failed);
      const timer = setInterval(() => void look().catch(failed), OBJECTIVES_EVERY_MS).unref();
      stack.defer(() => clearInterval(timer));
    },
  };
}
