import type { Engine } from '../engine/engine.ts';
import { speaks } from '../engine/flow-scope.ts';
import { metersUse } from '../engine/told-use.ts';
import { openCacheStore } from '../execution/io/local/cache-store.ts';
import { CachedTasks } from '../execution/io/local/cached-tasks.ts';
import type { LocalDriver } from '../execution/io/local/driver.ts';
import { OutputFiles } from '../execution/io/local/output-files.ts';
import { UsageFiles } from '../execution/io/local/usage-files.ts';
import type { Report } from '../runtime/ports.ts';
import type { StateFolder } from '../store/io/state-folder.ts';
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
  const store = await openCacheStore({ dir, now: () => clock.now(), warn });
  const cached = new CachedTasks(store, { onReport: deps.onReport, warn });
  return {
    store,
    onReport: outputs.hearing(usage.hearing((report) => cached.hear(report))),
    /** Around what starts tasks, and around all else that is done before. */
    inner: (driver: LocalDriver) => usage.around(outputs.around(driver)),
    outer: (driver: LocalDriver) => cached.around(driver),
  };
}

export type TaskResults = Awaited<ReturnType<typeof openTaskResults>>;
