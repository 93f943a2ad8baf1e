import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { ATTEMPTS_KEPT } from '../engine/service-record.ts';
import { attemptOfName, namesOf } from '../execution/io/local/attempt-folder.ts';
import { forgetScratch } from '../execution/io/local/scratch-folders.ts';
import { forgetUsage } from '../execution/io/local/usage-files.ts';
import { type AttemptId, attemptId, parseAttemptId, type WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { StateFolder } from '../store/io/state-folder.ts';
import type { WorkFolders } from './work-folders.ts';

/** Logs of what the engine has forgotten go: of workloads that retire, and of old attempts of services. */
export function forgetAttempts(
  events: readonly Event[],
  { state }: Engine,
  { dir, paths }: StateFolder,
  folders: WorkFolders,
): void {
  const drop = (attempt: AttemptId): void => {
    for (const name of namesOf(attempt))
      rmSync(join(paths.attempts, name), { recursive: true, force: true });
  };
  const workloads = new Set<WorkloadId>();
  for (const event of events) {
    if (event.kind === 'workload-retired') {
      const folder = folders.retire(event.workload);
      if (folder !== undefined) {
        rmSync(join(dir, 'work', folder), { recursive: true, force: true });
      }
      forgetScratch(dir, event.workload);
      forgetUsage(dir, event.workload);
      workloads.add(event.workload);
    } else if (event.kind === 'service-updated') workloads.add(event.workload);
    else if (event.kind === 'task-placed') {
      const { task, number } = parseAttemptId(event.attempt)!;
      if (number <= ATTEMPTS_KEPT) continue;
      const oldest = attemptId(task, number - ATTEMPTS_KEPT);
      if (state.attempt(oldest) === undefined) drop(oldest);
    }
  }
  if (workloads.size === 0) return;
  for (const name of readdirSync(paths.attempts)) {
    const attempt = attemptOfName(name);
    if (attempt === undefined) continue;
    if (!workloads.has(parseAttemptId(attempt)!.workload)) continue;
    if (state.attempt(attempt) === undefined) drop(attempt);
  }
}
