import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { AlertActions } from '../../src/app/alert-actions.ts';
import { LiveAlerts } from '../../src/app/alerts.ts';
import { bytes, type TimeMs } from '../../src/base/units.ts';
import type { AlertConfig } from '../../src/model/alert-rule.ts';
import type { AttemptId, NodeId, TenantId, WorkloadId } from '../../src/model/ids.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import type {
  KeptSeries,
  Labels,
  LatestReading,
  LiveMetrics,
  MetricHistory,
} from '../../src/telemetry/metric.ts';
import { seriesKey } from '../../src/telemetry/metric.ts';
import { liveSite } from './live-site.ts';
import { GIB } from './workload.ts';

/** What a test says is measured, now and before. */
export class TestMetrics implements LiveMetrics, MetricHistory {
  readonly #now = new Map<string, LatestReading>();
  readonly #kept: KeptSeries[] = [];

  set(name: string, value: number, labels: Labels = {}, at = 0): void {
    this.#now.set(seriesKey(name, labels), { name, labels, value, at: at as TimeMs });
  }

  keep(
    name: string,
    points: readonly (readonly [at: number, value: number])[],
    labels: Labels = {},
  ) {
    this.#kept.push({
      key: seriesKey(name, labels),
      name,
      labels,
      points: points.map(([at, value]) => ({
        at,
        min: value,
        max: value,
        mean: value,
        last: value,
        count: 1,
      })),
    });
  }

  families() {
    return [];
  }

  latest(name?: string): readonly LatestReading[] {
    return [...this.#now.values()].filter((one) => name === undefined || one.name === name);
  }

  quality(): number {
    return 1;
  }

  query({ name, from, to }: Parameters<MetricHistory['query']>[0]): readonly KeptSeries[] {
    return this.#kept
      .filter((one) => one.name === name)
      .map((one) => ({
        ...one,
        points: one.points.filter(({ at }) => at >= from && at <= to),
      }));
  }

  names(): readonly string[] {
    return this.#kept.map(({ name }) => name);
  }
}

const TENANT = 'ana' as TenantId;

/** Alerts over a real engine, loop and state file; the test says what is measured, and when it is. */
export function alertHouse(t: TestContext, config: AlertConfig | undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'berth-alerts-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const metrics = new TestMetrics();
  const { engine, loop } = liveSite();
  const clock = { at: 1_000_000 as TimeMs };
  const logged: string[] = [];
  const ending = new AbortController();
  const actions = new AlertActions({
    state: engine.state,
    loop,
    now: () => clock.at,
    node: () => 'n' as NodeId,
    memoryOf: (_attempt: AttemptId) => bytes(GIB),
    site: 'lab',
    signal: ending.signal,
  });
  const doing: Promise<string>[] = [];
  const open = (): LiveAlerts =>
    new LiveAlerts({
      config,
      site: 'lab',
      live: metrics,
      history: metrics,
      file: join(folder, 'alerts.json'),
      now: () => clock.at,
      act: (order, rule) => {
        const done = actions.act(order, rule);
        doing.push(done);
        return done;
      },
      log: (_component, sentence) => logged.push(sentence),
    });
  let alerts = open();
  t.after(async () => {
    ending.abort();
    await alerts.close();
  });
  return {
    folder,
    engine,
    metrics,
    clock,
    logged,
    get alerts() {
      return alerts;
    },
    submit: async (spec: WorkloadSpec): Promise<WorkloadId> => {
      const answer = await loop.send({ kind: 'submit', tenant: TENANT, spec });
      if (answer.kind !== 'accepted') throw new Error(JSON.stringify(answer));
      return answer.workload;
    },
    /** Looks each second for so long, and waits for what that had done. */
    pass: async (forMs: number): Promise<void> => {
      for (let i = 0; i < forMs; i += 1_000) {
        clock.at = (clock.at + 1_000) as TimeMs;
        alerts.look();
      }
      await Promise.all(doing.splice(0));
    },
    /** As after a SIGKILL: what was not on disk is forgotten. */
    restart: (): void => {
      alerts = open();
    },
  };
}
