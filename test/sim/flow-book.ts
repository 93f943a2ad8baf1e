import assert from 'node:assert/strict';
import type { FlowValue, LimitReached } from '../../src/model/flow.ts';
import type { StepSpec, WorkloadSpec } from '../../src/model/workload.ts';

type Outputs = Readonly<Record<string, FlowValue>>;

/** What the rules below need of the books. */
export interface FlowStep {
  readonly spec: StepSpec;
  readonly tasks: readonly {
    readonly state: string;
    readonly attempts: readonly {
      readonly placement: { readonly held: { readonly cpu: number; readonly memory: number } };
      readonly end: { readonly outputs?: Outputs } | undefined;
    }[];
  }[];
  readonly end: string | undefined;
  readonly opened: boolean;
  readonly skippedItself: boolean;
  /** Of a step that an earlier run did. */
  readonly takenOver: readonly Outputs[] | undefined;
}

export interface FlowWorkload {
  readonly spec: WorkloadSpec;
  readonly steps: ReadonlyMap<string, FlowStep>;
  readonly cancelled: boolean;
  readonly limit: LimitReached | undefined;
}

export const isStopped = ({ cancelled, limit }: FlowWorkload): boolean =>
  cancelled || limit?.stops === true;

/** Its condition or its list is to be known before it opens. */
export const isDecided = ({ spec }: FlowStep): boolean =>
  spec.flow?.condition !== undefined || spec.flow?.each?.kind === 'expression';

/** It has ended so that those that need it go on. */
export const isFine = ({ end, spec, skippedItself }: FlowStep): boolean =>
  end === 'succeeded' ||
  (end === 'skipped' && skippedItself) ||
  (end === 'failed' && spec.flow?.onFailure === 'continue');

/** All that it needs is as it has to be. */
export function isReady(workload: FlowWorkload, { spec }: FlowStep): boolean {
  const needs = spec.needs.map((need) => workload.steps.get(need)!);
  if (spec.flow?.condition !== undefined) return needs.every(({ end }) => end !== undefined);
  return needs.every(isFine);
}

export type Verdict =
  | { readonly kind: 'run'; readonly items?: readonly FlowValue[] }
  | { readonly kind: 'skip' }
  | { readonly kind: 'error' };

/** What is to become of a step, by a reading of its own of the few forms that are drawn. */
export function verdictOf(workload: FlowWorkload, { spec }: FlowStep): Verdict {
  const { condition, each } = spec.flow!;
  if (condition !== undefined) {
    const answer = answerTo(workload, condition);
    if (answer === undefined) return { kind: 'error' };
    if (!answer) return { kind: 'skip' };
  }
  if (each?.kind !== 'expression') return { kind: 'run' };
  const items = listOf(workload, each.expression);
  return items === undefined || items.length > each.max
    ? { kind: 'error' }
    : { kind: 'run', items };
}

function answerTo(workload: FlowWorkload, condition: string): boolean | undefined {
  const vars = /^vars\.v > (\d)$/.exec(condition);
  if (vars !== null) return Number(workload.spec.vars?.['v']) > Number(vars[1]);
  const state = /^steps\.(\w+)\.state == '(\w+)'$/.exec(condition);
  if (state !== null) return workload.steps.get(state[1]!)!.end === state[2];
  const said = /^steps\.(\w+)\.outputs\.n > (\d)$/.exec(condition);
  assert.ok(said !== null, `a condition of no known form: ${condition}`);
  const n = outputOf(workload.steps.get(said[1]!)!, 'n');
  return typeof n === 'number' ? n > Number(said[2]) : undefined;
}

function listOf(workload: FlowWorkload, expression: string): readonly FlowValue[] | undefined {
  if (expression === '[1, 2, 3]') return [1, 2, 3];
  const tasks = /^steps\.(\w+)\.tasks$/.exec(expression);
  if (tasks !== null) return saidBy(workload.steps.get(tasks[1]!)!).map((outputs) => ({ outputs }));
  const said = /^steps\.(\w+)\.outputs\.list$/.exec(expression);
  assert.ok(said !== null, `a list of no known form: ${expression}`);
  const list = outputOf(workload.steps.get(said[1]!)!, 'list');
  return Array.isArray(list) ? list : undefined;
}

function outputOf(step: FlowStep, name: string): FlowValue | undefined {
  const tasks = saidBy(step);
  if (step.spec.count === 1 && step.spec.flow?.each === undefined) return tasks[0]?.[name];
  return tasks.some((outputs) => name in outputs)
    ? tasks.map((outputs) => outputs[name] ?? null)
    : undefined;
}

export const saidBy = ({ tasks, takenOver }: FlowStep): readonly Outputs[] =>
  takenOver ?? tasks.map(({ attempts }) => attempts.at(-1)?.end?.outputs ?? {});

/** Somebody other than the step itself says how much of it runs at once. */
export const isBound = ({ spec: { limits } }: FlowWorkload, { spec }: FlowStep): boolean =>
  spec.flow?.group !== undefined ||
  (limits !== undefined &&
    [limits.cpu, limits.memory, limits.gpu, limits.concurrentTasks].some(
      (n) => n !== undefined && n < Number.MAX_SAFE_INTEGER,
    ));

/** What runs is within the limits of its workload and of its groups. */
export function checkRoom(id: string, { spec, steps }: FlowWorkload): void {
  const sum = { tasks: 0, cpu: 0, memory: 0, gpu: 0 };
  const groups = new Map<string, number>();
  for (const step of steps.values()) {
    const group = step.spec.flow?.group;
    for (const task of step.tasks) {
      if (task.state !== 'running') continue;
      const { held } = task.attempts.at(-1)!.placement;
      sum.tasks++;
      sum.cpu += held.cpu;
      sum.memory += held.memory;
      sum.gpu += step.spec.request.gpu;
      if (group === undefined) continue;
      groups.set(group.id, (groups.get(group.id) ?? 0) + 1);
      assert.ok(groups.get(group.id)! <= group.maxParallel, `${id} is within its group`);
    }
  }
  const { limits } = spec;
  if (limits === undefined) return;
  assert.ok(sum.tasks <= limits.concurrentTasks, `workload ${id} runs ${sum.tasks} tasks at once`);
  assert.ok(sum.cpu <= limits.cpu, `workload ${id} holds ${sum.cpu} of ${limits.cpu} CPU`);
  assert.ok(sum.memory <= limits.memory, `workload ${id} is within its memory`);
  assert.ok(sum.gpu <= (limits.gpu ?? Infinity), `workload ${id} is within its GPUs`);
}

/** Steps that an earlier run did, and that nothing undid. */
export function stableSteps({ steps }: FlowWorkload): string[] {
  const stable = new Set<string>();
  // `needs` name earlier steps in what is drawn.
  for (const [id, step] of steps) {
    const isFinal = step.end === 'succeeded' || (step.end === 'skipped' && step.skippedItself);
    if (isFinal && step.spec.needs.every((need) => stable.has(need))) stable.add(id);
  }
  return [...stable].filter((id) => steps.get(id)!.end === 'succeeded');
}
