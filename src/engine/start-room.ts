import { addAmount, UNLIMITED } from '../base/units.ts';
import type { WorkloadLimits } from '../model/flow.ts';
import type { StepId } from '../model/ids.ts';
import type { Refusal } from '../model/refusal.ts';
import type { StepSpec, WorkloadSpec } from '../model/workload.ts';
import { requestOf, type StepRecord, startsMore, type TaskRecord } from './records.ts';

interface Amounts {
  readonly tasks: number;
  readonly cpu: number;
  readonly memory: number;
  readonly gpu: number;
}

const NOTHING: Amounts = { tasks: 0, cpu: 0, memory: 0, gpu: 0 };

/**
 * What keeps tasks of open steps back beside `maxParallel` of the step itself: its group, and what its workload
 * may run at once. A task that waits for a place or rests counts as one that runs, so neither is ever exceeded.
 * As of one moment, with what was let in since by `take`.
 */
export class StartRoom {
  /** Steps in which a task may start when one of this step has ended. */
  readonly steps: readonly StepRecord[];
  readonly #limits: WorkloadLimits | undefined;
  readonly #inGroups = new Map<StepId, number>();
  #held: Amounts = NOTHING;

  private constructor(step: StepRecord) {
    const { limits } = step.workload.spec;
    const group = step.spec.flow?.group?.id;
    const all = step.workload.steps.filter(({ state }) => state === 'open');
    this.#limits = boundsStarts(limits) ? limits : undefined;
    this.steps =
      this.#limits === undefined ? all.filter(({ spec }) => spec.flow?.group?.id === group) : all;
    for (const one of this.steps) this.#count(one.spec, slotsOf(one), grownBy(one));
  }

  /** Undefined where only the step itself says how many run at once. */
  static of(step: StepRecord): StartRoom | undefined {
    const { spec, workload } = step;
    const shared = spec.flow?.group !== undefined || boundsStarts(workload.spec.limits);
    return shared ? new StartRoom(step) : undefined;
  }

  /** Why no further task of the step may wait for a place; undefined when one may. */
  refusal(step: StepRecord): Refusal | undefined {
    const { spec } = step;
    // A gang enters as a whole, or two of them might wait for each other.
    const more = slotsOf(step) === 0 ? (spec.gangMin ?? 1) : 1;
    const { group } = spec.flow ?? {};
    if (group !== undefined && (this.#inGroups.get(group.id) ?? 0) + more > group.maxParallel) {
      return { code: 'group-parallelism', group: group.id, max: group.maxParallel };
    }
    return this.#limits && limitRefusal(this.#limits, this.#held, asked(spec, more));
  }

  /** One more of its tasks was let in. */
  take({ spec }: StepRecord): void {
    this.#count(spec, 1, 0);
  }

  #count(spec: StepSpec, tasks: number, grown: number): void {
    const more = asked(spec, tasks);
    const { cpu, memory, gpu } = this.#held;
    this.#held = {
      tasks: this.#held.tasks + tasks,
      cpu: cpu + more.cpu,
      memory: memory + more.memory + grown,
      gpu: gpu + more.gpu,
    };
    const group = spec.flow?.group?.id;
    if (group !== undefined) this.#inGroups.set(group, (this.#inGroups.get(group) ?? 0) + tasks);
  }

  /** The most memory that the task may grow to under the limit of its workload. */
  static memoryMax(task: TaskRecord): number {
    const { limits } = task.step.workload.spec;
    if (limits === undefined || limits.memory === UNLIMITED) return UNLIMITED;
    const { memory } = new StartRoom(task.step).#held;
    return limits.memory - memory + requestOf(task).memory;
  }
}

/** Why some step could never start under the limits of its own workload. */
export function neverStarts({ steps, limits }: WorkloadSpec): Refusal | undefined {
  for (const step of steps) {
    const { gangMin = 1, flow } = step;
    if (boundsStarts(limits)) {
      const refusal = limitRefusal(limits, NOTHING, asked(step, gangMin));
      if (refusal !== undefined) return refusal;
    }
    if (flow?.group !== undefined && gangMin > flow.group.maxParallel) {
      return { code: 'group-parallelism', group: flow.group.id, max: flow.group.maxParallel };
    }
  }
  return undefined;
}

const boundsStarts = (limits: WorkloadLimits | undefined): limits is WorkloadLimits =>
  limits !== undefined &&
  (limits.cpu !== UNLIMITED ||
    limits.memory !== UNLIMITED ||
    limits.gpu !== undefined ||
    limits.concurrentTasks !== UNLIMITED);

const asked = ({ request }: StepSpec, tasks: number): Amounts => ({
  tasks,
  cpu: request.cpu * tasks,
  memory: request.memory * tasks,
  gpu: request.gpu * tasks,
});

function limitRefusal(limits: WorkloadLimits, held: Amounts, more: Amounts): Refusal | undefined {
  const { concurrentTasks: tasks, cpu, memory, gpu = UNLIMITED } = limits;
  const most: Amounts = { tasks, cpu, memory, gpu };
  for (const resource of ['tasks', 'cpu', 'memory', 'gpu'] as const) {
    const limit = most[resource];
    if (addAmount(held[resource], more[resource]) <= limit) continue;
    return {
      code: 'workload-limit',
      resource,
      held: held[resource],
      asked: more[resource],
      limit,
    };
  }
  return undefined;
}

/** Its tasks that wait for a place, rest or run. */
function slotsOf(step: StepRecord): number {
  const { released, counts, lined, returned } = step;
  return startsMore(step) ? released - counts.succeeded - lined - returned.length : counts.running;
}

/** Memory that those got beyond what the step asks for, after they ran out of it. */
function grownBy(step: StepRecord): number {
  const { spec, tasks } = step;
  if (spec.retry.maxRetries === 0 || spec.retry.memoryGrowth <= 10_000) return 0;
  const more = startsMore(step);
  let grown = 0;
  for (const task of tasks) {
    if (task.state === 'running' || (more && ['waiting', 'resting'].includes(task.state))) {
      grown += requestOf(task).memory - spec.request.memory;
    }
  }
  return grown;
}
