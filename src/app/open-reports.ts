import { hostname } from 'node:os';
import type { Engine } from '../engine/engine.ts';
import type { MoneyConfig } from '../model/money.ts';
import type { SiteConfig } from '../model/site-config.ts';
import type { SqliteJournal } from '../store/io/journal.ts';
import type { StateFolder } from '../store/io/state-folder.ts';
import type { MetricHistory } from '../telemetry/metric.ts';
import type { DaemonLog } from './daemon-log.ts';
import { ObjectiveWatch } from './objective-watch.ts';
import { ReportKeeper } from './report-keeper.ts';
import { LiveReports, type ReportSources } from './reports.ts';
import type { SystemClock } from './system-clock.ts';
import { version } from './version.ts';

/** A report that is due is made within so long. */
const LOOK_EVERY_MS = 30_000;

interface Parts {
  readonly site: SiteConfig;
  readonly folder: StateFolder;
  readonly log: DaemonLog;
  readonly clock: SystemClock;
  readonly journal: SqliteJournal;
  readonly engine: Engine;
  readonly prices: MoneyConfig['prices'];
}

/** Key figures, objectives and reports; from now on until the stack is closed, those of schedules are made. */
export function openReports(
  parts: Parts,
  stack: AsyncDisposableStack,
  known: { readonly history: MetricHistory; readonly sources: ReportSources },
): { readonly reports: LiveReports; readonly objectives: ObjectiveWatch } {
  const { site, folder, log, clock } = parts;
  const now = () => clock.now();
  const { goals } = site;
  const objectives = new ObjectiveWatch({ ...parts, objectives: goals?.objectives ?? [], now });
  const reports = new LiveReports({
    ...parts,
    ...known,
    objectives,
    goals,
    site: site.name,
    host: hostname(),
    version,
    now,
  });
  const keeper = new ReportKeeper({
    folder: folder.paths.reports,
    schedules: goals?.reports ?? [],
    timeZone: site.timeZone ?? 'UTC',
    now,
    make: (window, id) => reports.make({ ...window, only: undefined }, id),
    log: (sentence, error) => log('reports', sentence, error),
  });
  reports.keeper = keeper;
  if (goals !== undefined && goals.reports.length > 0) {
    const timer = setInterval(() => void keeper.look(), LOOK_EVERY_MS).unref();
    void keeper.look();
    stack.defer(() => {
      clearInterval(timer);
      return keeper.close();
    });
  }
  return { reports, objectives };
}
