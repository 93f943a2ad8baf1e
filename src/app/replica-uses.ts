import { setImmediate } from 'node:timers/promises';
import type { ReplicaUse } from '../autoscaling/propose.ts';
import { UseWindow } from '../autoscaling/use-window.ts';
import type { AttemptRecord, TaskRecord, WorkloadRecord } from '../engine/records.ts';
import { attemptIsReady, isLive } from '../engine/service-record.ts';
import type { TaskUse } from '../execution/io/local/task-uses.ts';
import type { AttemptId } from '../model/ids.ts';

/** One takes up to half a millisecond where no cgroup counts the CPU: others get their turn in between. */
const AT_ONCE_MAX = 32;

/** What the replicas of one service use, look by look. */
export class ReplicaUses {
  readonly #useOf: (attempt: AttemptId) => TaskUse | undefined;
  /** Of those that are ready. */
  readonly #windows = new Map<AttemptId, UseWindow>();
  readonly #latest = new Map<AttemptId, TaskUse>();

  constructor(useOf: (attempt: AttemptId) => TaskUse | undefined) {
    this.#useOf = useOf;
  }

  /** What was measured before a replica was ready tells nothing of its load: it is forgotten. */
  async sample(workload: WorkloadRecord, windowMs: number): Promise<void> {
    const ready = liveOf(workload).flatMap((task) => readyOf(task)?.id ?? []);
    const kept = new Set(ready);
    for (const id of this.#windows.keys()) if (!kept.has(id)) this.#windows.delete(id);
    this.#latest.clear();
    for (const [i, id] of ready.entries()) {
      if (i % AT_ONCE_MAX === AT_ONCE_MAX - 1) await setImmediate();
      const use = this.#useOf(id);
      if (use === undefined) continue;
      this.#latest.set(id, use);
      if (use.cpuUs === undefined) continue;
      const window = this.#windows.get(id) ?? new UseWindow();
      this.#windows.set(id, window);
      window.note({ atMs: performance.now(), cpuUs: use.cpuUs }, windowMs);
    }
  }

  /** Of each replica that is wanted, as it was sampled last. */
  of(workload: WorkloadRecord, windowMs: number): readonly MeasuredReplica[] {
    return liveOf(workload).map((task) => {
      const attempt = readyOf(task);
      return attempt === undefined ? notReady : this.#measured(attempt, windowMs);
    });
  }

  #measured({ id, placement: { held } }: AttemptRecord, windowMs: number): MeasuredReplica {
    const use = this.#latest.get(id);
    const memory = { isReady: true, use: partOf(use?.memory, held.memory) };
    if (use?.cpuUs === undefined) return { cpu: { isReady: true, use: undefined }, memory };
    const milliCpu = this.#windows.get(id)?.milliCpu(windowMs);
    // Until it was ready for as long as the CPU is measured, it counts as not ready: as in Kubernetes.
    return { cpu: { isReady: milliCpu !== undefined, use: partOf(milliCpu, held.cpu) }, memory };
  }
}

export interface MeasuredReplica {
  readonly cpu: ReplicaUse;
  readonly memory: ReplicaUse;
}

const notReady: MeasuredReplica = {
  cpu: { isReady: false, use: undefined },
  memory: { isReady: false, use: undefined },
};

const liveOf = ({ steps }: WorkloadRecord): readonly TaskRecord[] =>
  steps.flatMap(({ tasks }) => tasks.filter(isLive));

/** One that is paused takes no part of the load. */
function readyOf(task: TaskRecord): AttemptRecord | undefined {
  const attempt = task.state === 'running' ? task.attempts.at(-1) : undefined;
  if (attempt === undefined || !attemptIsReady(attempt)) return undefined;
  return attempt.live?.pausedBy === undefined ? attempt : undefined;
}

/** In thousandths of a percent. */
const partOf = (used: number | undefined, held: number): number | undefined =>
  used === undefined || held <= 0 ? undefined : Math.round((used / held) * 100_000);
