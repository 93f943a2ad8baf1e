import { neverFits } from '../admission/never-fits.ts';
import type { TimeMs } from '../base/units.ts';
import type { Refusal } from '../model/refusal.ts';
import { lacksDevices } from '../scheduling/row-devices.ts';
import type { DeferredGroup } from '../scheduling/scheduler.ts';
import { describeScheduling } from './describe-scheduling.ts';
import { runMaxOf, type TaskRecord } from './records.ts';
import { batchKindOf } from './start-gate.ts';
import type { State } from './state.ts';

interface Shared {
  readonly task: TaskRecord;
  readonly refusal: Refusal;
}

/** Limits are the same for all that ask alike; the turn and the room are not, where a queue is strict. */
const LIMITS: readonly Refusal['code'][] = [
  'never-fits',
  'quota',
  'budget',
  'storage-quota',
  'next-batch',
  'queue-cap',
  'queue-limit',
  'kept-for-others',
  'behind',
];

const ON_PURPOSE: readonly Refusal['code'][] = ['preferred-hours', 'batch-gathers'];

/**
 * Why tasks wait, as of one state: tasks that the scheduler cannot tell apart share one verdict, so that it
 * is asked once for a hundred thousand of them. To be made anew after every change.
 */
export class Verdicts {
  readonly #state: State;
  readonly #byShape = new Map<number, Shared[]>();
  readonly #byGroup = new Map<DeferredGroup, Refusal>();
  readonly #preemptors = new Set<string>();
  readonly #strict: ReadonlySet<string>;
  readonly #byName: boolean;

  constructor(state: State, at: TimeMs) {
    this.#state = state;
    const { queues, reservations } = describeScheduling(state, at);
    const strict = queues.filter(({ config }) => config.fifo === 'strict');
    this.#strict = new Set(strict.map(({ entryName }) => entryName));
    this.#byName = reservations.some(({ reservation }) => {
      return reservation.selector.pipelines !== undefined;
    });
    for (const { preemption } of state.preemptions) {
      const task = state.task(preemption.preemptor);
      if (task?.state === 'waiting') this.#preemptors.add(ownerOf(task));
    }
  }

  /** Undefined when nothing is in its way, or it was not looked at yet. */
  of(task: TaskRecord): Refusal | undefined {
    const { scheduler } = this.#state;
    if (this.#preemptors.has(ownerOf(task))) return scheduler.refusal(task);
    const deferred = this.#deferred(task);
    if (deferred !== undefined) return deferred;
    let shared = this.#byShape.get(task.shape);
    if (shared === undefined) {
      shared = [];
      this.#byShape.set(task.shape, shared);
    }
    for (const known of shared) {
      if (!this.#alike(known.task, task)) continue;
      const { refusal } = known;
      const isNamed = 'task' in refusal && refusal.task === task.id;
      return isNamed ? scheduler.refusal(task) : refusal;
    }
    const refusal = this.#never(task) ?? scheduler.refusal(task);
    if (refusal === undefined) return undefined;
    if (!this.#strict.has(task.queue) || LIMITS.includes(refusal.code)) {
      shared.push({ task, refusal });
    }
    return refusal;
  }

  /** One answer for all that wait on purpose for the same. */
  #deferred(task: TaskRecord): Refusal | undefined {
    const group = this.#state.deferrals.groupOf(task);
    if (group === undefined) return undefined;
    const known = this.#byGroup.get(group);
    if (known !== undefined) return known;
    const refusal = this.#state.scheduler.refusal(task);
    if (refusal === undefined || !ON_PURPOSE.includes(refusal.code)) return undefined;
    this.#byGroup.set(group, refusal);
    return refusal;
  }

  /** It fitted when it was submitted; its node may have left since. */
  #never(task: TaskRecord): Refusal | undefined {
    const { id } = task.step.spec;
    const { shapes } = this.#state;
    return neverFits(id, shapes.request(task.shape), this.#state.nodes(), lacksDevices);
  }

  #alike(a: TaskRecord, b: TaskRecord): boolean {
    return (
      a.queue === b.queue &&
      a.tenant === b.tenant &&
      a.priority === b.priority &&
      a.gang === b.gang &&
      a.estimateMs === b.estimateMs &&
      runMaxOf(a) === runMaxOf(b) &&
      batchKindOf(a) === batchKindOf(b) &&
      (a.step === b.step || !this.#state.money.limits(a.step.workload)) &&
      (!this.#byName || a.workloadName === b.workloadName) &&
      a.className === b.className &&
      a.stops?.preemptible === b.stops?.preemptible
    );
  }
}

const ownerOf = (task: TaskRecord): string => task.gang?.key ?? task.id;
