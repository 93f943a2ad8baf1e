import type { Scope } from '../expression/cel-value.ts';
import type { FlowValue } from '../model/flow.ts';
import { currentAttempt, type StepRecord, stepNamed, type TaskRecord } from './records.ts';

type Outputs = Readonly<Record<string, FlowValue>>;

/** Of steps that have ended: what they came to does not change any more. */
const ended = new WeakMap<StepRecord, FlowValue>();

/** What the condition and the list of a step see: `steps` that it needs, and `vars`. */
export function stepScope({ spec, workload }: StepRecord): Scope {
  const steps = new Map<string, FlowValue>();
  const groups = new Map<string, StepRecord[]>();
  for (const need of spec.needs) {
    const step = stepNamed(workload, need)!;
    steps.set(need, stepValue(step));
    const group = step.spec.flow?.group?.id;
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), step]);
  }
  for (const [id, members] of groups) steps.set(id, groupValue(members));
  return { steps: Object.fromEntries(steps), vars: workload.spec.vars ?? {} };
}

/** What the holes of one task see. */
export function taskScope(task: TaskRecord): Scope {
  const item = itemOf(task);
  const scope = { ...stepScope(task.step), index: task.index };
  // What a matrix came to are the items of a list.
  return item === undefined ? scope : { ...scope, item, matrix: item };
}

/** The item that the task was made for; undefined where its step has no list. */
export function itemOf({ step, index }: TaskRecord): FlowValue | undefined {
  const { each } = step.spec.flow ?? {};
  return each?.kind === 'items' ? each.items[index] : step.items?.[index];
}

/** Whether anybody can see what its tasks say of their results. */
export const speaks = ({ spec, workload, dependents }: StepRecord): boolean =>
  spec.flow !== undefined ||
  dependents.some((index) => workload.steps[index]?.spec.flow !== undefined);

/** What was said of each task, in order. */
export const outputsOf = (step: StepRecord): readonly Outputs[] =>
  step.takenOver?.outputs ?? step.tasks.map((task) => currentAttempt(task)?.end?.outputs ?? {});

/**
 * `outputs` of a step of one task are its own. Of several tasks, each name has a list of what each of them said,
 * with null for those that did not; `tasks` has them one by one.
 */
function stepValue(step: StepRecord): FlowValue {
  const known = ended.get(step);
  if (known !== undefined) return known;
  const tasks = outputsOf(step);
  const isOne = step.spec.count === 1 && step.spec.flow?.each === undefined;
  const value = {
    state: step.state,
    outputs: isOne ? (tasks[0] ?? {}) : listed(tasks),
    tasks: tasks.map((outputs) => ({ outputs })),
  };
  if (step.endedAt !== undefined) ended.set(step, value);
  return value;
}

/** Steps made of one, as one. */
function groupValue(members: readonly StepRecord[]): FlowValue {
  const tasks = members.flatMap(outputsOf);
  const states = members.map(({ state }) => state);
  const worst = (['failed', 'cancelled', 'succeeded'] as const).find((state) => {
    return states.includes(state);
  });
  return {
    state: worst ?? 'skipped',
    outputs: listed(tasks),
    tasks: tasks.map((outputs) => ({ outputs })),
  };
}

function listed(tasks: readonly Outputs[]): FlowValue {
  const names = new Set(tasks.flatMap((outputs) => Object.keys(outputs)));
  return Object.fromEntries(
    [...names].map((name) => [name, tasks.map((outputs) => outputs[name] ?? null)]),
  );
}
