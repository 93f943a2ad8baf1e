import type { Engine } from '../engine/engine.ts';
import type { AttemptRecord } from '../engine/records.ts';
import { ProbeRunner } from '../execution/io/local/probe-runner.ts';
import type { Event } from '../model/messages.ts';
import { attemptStart, type LaunchSite } from '../runtime/attempt-start.ts';
import type { Loop } from '../runtime/loop.ts';
import { probeTarget } from '../runtime/probe-target.ts';

/** Has the replicas probed that the state says run, and sends what is found as commands. */
export class ServiceProbes {
  readonly #engine: Engine;
  readonly #launchSite: LaunchSite;
  readonly #runner: ProbeRunner;

  constructor(
    launchSite: LaunchSite,
    deps: { readonly engine: Engine; readonly loop: Loop; readonly now: () => number },
  ) {
    this.#engine = deps.engine;
    this.#launchSite = launchSite;
    this.#runner = new ProbeRunner({
      now: deps.now,
      // While the daemon ends, nobody hears it.
      onVerdict: (verdict) => {
        deps.loop.send({ kind: 'report-probe', ...verdict }).catch(() => {});
      },
    });
  }

  /** After a start: everything that runs. */
  watchAll(): void {
    for (const attempt of this.#engine.state.runningAttempts()) this.#watch(attempt);
  }

  noteEvents(events: readonly Event[]): void {
    const { state } = this.#engine;
    for (const event of events) {
      switch (event.kind) {
        case 'task-started':
        case 'task-probed':
        case 'stop-ordered': {
          const attempt = state.attempt(event.attempt);
          if (attempt !== undefined) this.#watch(attempt);
          break;
        }
        case 'task-ended':
          this.#runner.watch(event.attempt, undefined);
          break;
        case 'replica-retired': {
          const attempt = state.task(event.task)?.attempts.at(-1);
          if (attempt !== undefined) this.#watch(attempt);
          break;
        }
        case 'cancel-requested':
          if (state.workload(event.workload)?.service !== undefined) this.watchAll();
          break;
      }
    }
  }

  close(): void {
    this.#runner.close();
  }

  #watch(attempt: AttemptRecord): void {
    if (attempt.task.step.spec.service === undefined) return;
    const target = probeTarget(attempt, (found) => attemptStart(found, this.#launchSite, []));
    this.#runner.watch(attempt.id, target);
  }
}
