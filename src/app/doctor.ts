import { cpus } from 'node:os';
import { diagnose } from '../analysis/diagnosis/diagnose.ts';
import { type Facts, NOTHING_LOOKED_AT, type RunningTask } from '../analysis/diagnosis/facts.ts';
import { type FlowFacts, walkFlow } from '../analysis/diagnosis/flows.ts';
import type { Diagnosis } from '../analysis/diagnosis/report.ts';
import type {
  DoctorFlow,
  DoctorFlowName,
  DoctorSite,
  ProfileDocument,
  RegressionList,
} from '../api/contract/doctor-documents.ts';
import type { LeaseSite } from '../api/contract/lease-documents.ts';
import type { DoctorReport } from '../api/contract/telemetry-documents.ts';
import { doctorFlow, doctorReport, profileDocument } from '../api/views/doctor.ts';
import { type TimeMs, UNLIMITED } from '../base/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { AttemptRecord } from '../engine/records.ts';
import type { CacheStore } from '../execution/io/local/cache-store.ts';
import type { LocalDriver } from '../execution/io/local/driver.ts';
import { OperationError } from '../model/errors.ts';
import type { AttemptId, TenantId } from '../model/ids.ts';
import type { SqliteJournal } from '../store/io/journal.ts';
import type { LiveMetrics, MetricHistory } from '../telemetry/metric.ts';
import { lookAtLocks } from './doctor-locks.ts';
import { takeLook } from './doctor-look.ts';
import { takeProfile } from './doctor-profile.ts';
import { takeRegressions } from './doctor-regressions.ts';

export interface LiveDoctorDeps {
  readonly engine: Engine;
  readonly history: MetricHistory;
  readonly journal: SqliteJournal;
  readonly live: LiveMetrics;
  readonly driver: Pick<LocalDriver, 'uses'>;
  readonly results: CacheStore;
  readonly leases: Pick<LeaseSite, 'leases' | 'pools'>;
  readonly attemptOf: (pid: number) => string | undefined;
  readonly now: () => TimeMs;
}

/** Each looks at processes ten times a second for its whole time. */
const PROFILES_MAX = 4;

/** Says of this machine what is short, and of what runs on it what bounds it. */
export class LiveDoctor implements DoctorSite {
  readonly #deps: LiveDoctorDeps;
  #profiles = 0;

  constructor(deps: LiveDoctorDeps) {
    this.#deps = deps;
  }

  async report(windowMs: number, only: TenantId | undefined): Promise<DoctorReport> {
    return doctorReport((await this.#examine(windowMs, only)).diagnosis);
  }

  async flow(
    flow: DoctorFlowName,
    windowMs: number,
    only: TenantId | undefined,
  ): Promise<DoctorFlow> {
    const { diagnosis, facts, sources } = await this.#examine(windowMs, only);
    const walked = walkFlow(
      flow,
      { ...sources, interval: diagnosis },
      { diagnosis, facts: { ...facts, ...this.#stores(only) } },
    );
    return doctorFlow(walked, diagnosis);
  }

  async regressions(windowMs: number, only: TenantId | undefined): Promise<RegressionList> {
    const to = this.#deps.now();
    const from = Math.max(0, to - windowMs) as TimeMs;
    return takeRegressions(this.#deps, { from, to }, only);
  }

  async profile(attempt: string, forMs: number): Promise<ProfileDocument | undefined> {
    const { driver } = this.#deps;
    const id = attempt as AttemptId;
    if (driver.uses.pidsOf(id) === undefined) return undefined;
    if (this.#profiles >= PROFILES_MAX) {
      throw new OperationError('BUSY', `${PROFILES_MAX} profiles are being taken.`);
    }
    this.#profiles++;
    try {
      const profile = await takeProfile({
        pids: () => driver.uses.pidsOf(id) ?? [],
        throttled: () => this.#throttled(id),
        forMs,
      });
      return profileDocument(attempt, profile);
    } finally {
      this.#profiles--;
    }
  }

  async #examine(windowMs: number, only: TenantId | undefined) {
    const { engine, history, live, now, attemptOf } = this.#deps;
    const running = (): readonly AttemptRecord[] =>
      [...engine.state.runningAttempts()].filter(({ startedAt, task }) => {
        return startedAt !== undefined && (only === undefined || task.tenant === only);
      });
    const locks = lookAtLocks(
      running().map(({ id }) => id),
      (id) => this.#deps.driver.uses.pidsOf(id as AttemptId) ?? [],
    );
    const look =
      only === undefined
        ? await takeLook(attemptOf, locks)
        : { ...NOTHING_LOOKED_AT, locks: await locks };
    const to = now();
    const tasks = running().map(runningTask);
    const waiting = live
      .latest('berth_tasks')
      .find(({ labels }) => labels['state'] === 'waiting')?.value;
    const facts: Facts = {
      tasks,
      cpus: cpus().length || undefined,
      waitingTasks: waiting ?? 0,
      others: only === undefined ? 'outside Berth' : 'others',
      look,
    };
    const sources = { history, live };
    const interval = { from: Math.max(0, to - windowMs), to };
    const diagnosis: Diagnosis = diagnose(sources, interval, facts);
    return { diagnosis, facts, sources };
  }

  #stores(only: TenantId | undefined): Omit<FlowFacts, keyof Facts> {
    const { leases, results } = this.#deps;
    const isSeen = (tenant: string | undefined): boolean =>
      only === undefined || tenant === undefined || tenant === only;
    const entries = results.list().filter(({ tenant }) => isSeen(tenant));
    return {
      pools: leases.pools().map(({ name, resources }) => ({
        name,
        heldMilli: resources.reduce((sum, one) => sum + one.held_milli, 0),
        totalMilli: resources.length * 1_000,
      })),
      waitingLeases: leases
        .leases()
        .filter(({ state, tenant }) => state === 'waiting' && isSeen(tenant)).length,
      results: {
        bytes: results.bytes,
        maxBytes: results.bytesMax,
        entries: entries.length,
        reused: entries.filter(({ at, usedAt }) => usedAt > at).length,
      },
    };
  }

  #throttled(attempt: AttemptId): number | undefined {
    return this.#deps.live
      .latest('berth_task_throttled_ratio')
      .find(({ labels }) => labels['attempt'] === attempt)?.value;
  }
}

function runningTask({ id, task, placement, live }: AttemptRecord): RunningTask {
  const { step } = task;
  const limits = live?.limits ?? step.spec.limits;
  const bounded = (amount: number): number | undefined =>
    amount === UNLIMITED ? undefined : amount;
  const cpu = bounded(limits.cpu);
  return {
    attempt: id,
    workload: step.workload.id,
    step: step.spec.id,
    tenant: task.tenant,
    priority: task.priority,
    cpuHeld: placement.held.cpu / 1_000,
    memoryHeldBytes: placement.held.memory,
    cpuLimit: cpu === undefined ? undefined : cpu / 1_000,
    memoryLimitBytes: bounded(placement.memoryLimit),
  };
}
