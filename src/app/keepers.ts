import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import type { LocalDriver } from '../execution/io/local/driver.ts';
import type { WorkloadId } from '../model/ids.ts';
import type { Event } from '../model/messages.ts';
import type { SiteConfig } from '../model/site-config.ts';
import type { LaunchSite } from '../runtime/attempt-start.ts';
import type { Loop } from '../runtime/loop.ts';
import type { StateFolder } from '../store/io/state-folder.ts';
import { Autoscaler } from './autoscaler.ts';
import { CoreKeeper } from './core-keeper.ts';
import type { DaemonLog } from './daemon-log.ts';
import { readMetric } from './read-metric.ts';
import { ServiceProbes } from './service-probes.ts';
import { StorageWatch } from './storage-watch.ts';
import type { SystemClock } from './system-clock.ts';
import type { TaskResults } from './task-results.ts';

interface KeepersDeps {
  readonly engine: Engine;
  readonly loop: Loop;
  readonly driver: LocalDriver;
  readonly clock: SystemClock;
  readonly log: DaemonLog;
  readonly folder: StateFolder;
  readonly site: SiteConfig;
  readonly storageClasses: ReadonlyMap<string, string>;
  readonly results: TaskResults;
  /** What the autoscaler decided about it changed. */
  readonly onDecision: (workload: WorkloadId) => void;
}

/** Those that go by what runs, and not by what is asked: each follows the events and sends commands. */
export class Keepers {
  readonly autoscaler: Autoscaler;
  readonly storage: StorageWatch;
  readonly #cores: CoreKeeper;
  readonly #probes: ServiceProbes;

  constructor(launchSite: LaunchSite, deps: KeepersDeps) {
    const { engine, loop, driver, clock, log, folder } = deps;
    const now = () => clock.now();
    this.storage = new StorageWatch({
      stateDir: folder.dir,
      storageClasses: deps.storageClasses,
      siteVolumes: deps.site.storage?.volumes ?? [],
      engine,
      results: () => deps.results.store.list(),
      tell: (used) => loop.send({ kind: 'report-storage', used }).catch(() => {}),
      warn: (message) => log('execution', message),
    });
    this.#cores = new CoreKeeper(engine, driver.cores, log);
    this.#probes = new ServiceProbes(launchSite, { engine, loop, now });
    this.autoscaler = new Autoscaler({
      engine,
      loop,
      now,
      useOf: (attempt) => driver.uses.of(attempt),
      readMetric,
      folderOf: (id) => join(launchSite.workRoot, id),
      onDecision: deps.onDecision,
    });
  }

  /** After a start: everything that runs. */
  adoptAll(): void {
    this.#probes.watchAll();
    this.#cores.adoptAll();
    this.autoscaler.watchAll();
  }

  noteEvents(events: readonly Event[]): void {
    this.#probes.noteEvents(events);
    this.#cores.noteEvents(events);
    this.autoscaler.noteEvents(events);
    this.storage.note(events);
  }

  /** What `storage` measures ends with the stack that it was opened on. */
  close(): void {
    this.autoscaler.close();
    this.#probes.close();
  }
}
