import type { Engine } from '../engine/engine.ts';
import { speaks } from '../engine/flow-scope.ts';
import { metersUse } from '../engine/told-use.ts';
import { openCacheStore } from '../execution/io/local/cache-store.ts';
import { CachedTasks } from '../execution/io/local/cached-tasks.ts';
import type { LocalDriver } from '../execution/io/local/driver.ts';
import { MetricFiles } from '../execution/io/local/metric-files.ts';
import { OutputFiles } from '../execution/io/local/output-files.ts';
import { UsageFiles } from '../execution/io/local/usage-files.ts';
import type { AttemptId, WorkloadId } from '../model/ids.ts';
import type { Report } from '../runtime/ports.ts';
import type { StateFolder } from '../store/io/state-folder.ts';
import { ToldMetrics } from '../telemetry/told-metrics.ts';
import type { SystemClock } from './system-clock.ts';

/** What tasks leave behind: what they say of their results, and results that are kept for the next time. */
export async function openTaskResults(
  { dir, paths }: StateFolder,
  deps: {
    readonly engine: Engine;
    readonly clock: SystemClock;
    readonly warn: (message: string) => void;
    readonly onReport: (report: Report) => void;
  },
) {
  const { engine, clock, warn } = deps;
  const outputs = new OutputFiles(paths.attempts, {
    speaks: (id) => {
      const attempt = engine.state.attempt(id);
      return attempt !== undefined && speaks(attempt.task.step);
    },
    warn,
  });
  const usage = new UsageFiles(dir, {
    meters: (id) => {
      const step = engine.state.attempt(id)?.task.step;
      return step !== undefined && metersUse(step.workload.spec, step.spec);
    },
    onReport: deps.onReport,
    warn,
  });
  const told = new ToldMetrics();
  const metrics = metricFiles(dir, told, deps);
  const store = await openCacheStore({ dir, now: () => clock.now(), warn });
  const cached = new CachedTasks(store, { onReport: deps.onReport, warn });
  return {
    store,
    /** What tasks tell of themselves. */
    told,
    onReport: outputs.hearing(usage.hearing((report) => cached.hear(report))),
    /** Around what starts tasks, and around all else that is done before. */
    inner: (driver: LocalDriver) => usage.around(outputs.around(metrics.around(driver))),
    outer: (driver: LocalDriver) => cached.around(driver),
  };
}

/** Lines that nobody understands are reported once of each attempt; of so many at a time it is known. */
const REPORTED_MAX = 1_000;

function metricFiles(
  dir: string,
  told: ToldMetrics,
  { engine, clock, warn }: Pick<Parameters<typeof openTaskResults>[1], 'engine' | 'clock' | 'warn'>,
): MetricFiles {
  const reported = new Set<AttemptId>();
  return new MetricFiles(dir, {
    onLine: (attempt, line, isAgain) => {
      const task = engine.state.attempt(attempt)?.task;
      if (task === undefined) return;
      const { id } = task.step.workload;
      const by = { tenant: task.tenant, workload: id, step: task.step.spec.id };
      const why = told.tell(by, line, clock.now(), isAgain);
      if (why === undefined || reported.has(attempt)) return;
      if (reported.size >= REPORTED_MAX) reported.clear();
      reported.add(attempt);
      warn(`attempt ${attempt}: a line of BERTH_METRICS is not taken: ${why}`);
    },
    isRunning: (attempt) => {
      const known = engine.state.attempt(attempt);
      return known !== undefined && known.end === undefined;
    },
    onLooked: () =>
      told.sweep(clock.now(), (workload) => {
        return engine.state.workload(workload as WorkloadId)?.state === 'active';
      }),
    warn,
  });
}

export type TaskResults = Awaited<ReturnType<typeof openTaskResults>>;
