import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import type { LocalDriver } from '../execution/io/local/driver.ts';
import type { SiteConfig } from '../model/site-config.ts';
import type { Loop } from '../runtime/loop.ts';
import { poolOf } from '../spec/lease-request.ts';
import type { StateFolder } from '../store/io/state-folder.ts';
import type { LiveMetrics, MetricHistory } from '../telemetry/metric.ts';
import { AlertActions } from './alert-actions.ts';
import { LiveAlerts } from './alerts.ts';
import type { DaemonLog } from './daemon-log.ts';
import type { SystemClock } from './system-clock.ts';

const LOOK_EVERY_MS = 1_000;

interface AlertsDeps {
  readonly engine: Engine;
  readonly loop: Loop;
  readonly driver: LocalDriver;
  readonly folder: StateFolder;
  readonly clock: SystemClock;
  readonly log: DaemonLog;
  readonly site: SiteConfig;
  readonly live: LiveMetrics;
  readonly history: MetricHistory;
}

/** Alerts from now on until the stack is closed; nobody looks before `begin`. */
export function openAlerts(
  { engine, loop, driver, folder, clock, log, site, live, history }: AlertsDeps,
  stack: AsyncDisposableStack,
): { readonly alerts: LiveAlerts; begin(): void } {
  const ending = new AbortController();
  const now = () => clock.now();
  const name = site.name ?? hostname();
  const actions = new AlertActions({
    state: engine.state,
    loop,
    now,
    node: () => engine.state.nodes().find((one) => poolOf(one) === undefined)?.id,
    memoryOf: (attempt) => driver.uses.memoryOf(attempt),
    site: name,
    signal: ending.signal,
  });
  const alerts = new LiveAlerts({
    config: site.alerts,
    site: name,
    live,
    history,
    file: join(folder.dir, 'alerts.json'),
    now,
    act: (order, rule) => actions.act(order, rule),
    log,
  });
  stack.defer(() => alerts.close());
  stack.defer(() => ending.abort());
  return {
    alerts,
    begin: () => {
      const timer = setInterval(() => alerts.look(), LOOK_EVERY_MS).unref();
      stack.defer(() => clearInterval(timer));
    },
  };
}
