import { UNLIMITED } from '../base/units.ts';
import type { StepGroup } from '../model/flow.ts';
import type { StepId } from '../model/ids.ts';
import type { Path, Problem } from './issue.ts';
import { shown } from './quantities.ts';
import { STEPS_MAX, type StepBlock, type TaskBlock } from './step-schema.ts';

/** Needs of all steps together, those of groups written out. */
const NEEDS_MAX = 1_000_000;

/** One step as it is run: a step of the document, or one of its different tasks. */
export interface StepUnit {
  readonly id: string;
  readonly block: StepBlock;
  /** Of the task, or of the step itself. */
  readonly path: Path;
  /** Of the step that the task is of: what it says holds for the task, too. */
  readonly outer?: { readonly block: StepBlock; readonly path: Path };
  readonly group?: StepGroup;
  readonly needs: readonly string[];
}

/** Keys of a step that would mean something else beside `parallel.tasks`. */
const notWithTasks = ['count', 'gang', 'matrix', 'each', 'map'] as const;

/** The steps with different tasks made several; who needs such a step needs all of them. */
export function stepUnits(
  blocks: readonly (StepBlock | undefined)[],
  problems: Problem[],
): (StepUnit | undefined)[] {
  const taken = new Map<string, number>();
  blocks.forEach((block, i) => {
    if (block !== undefined && !taken.has(block.id)) taken.set(block.id, i);
  });
  const members = new Map<string, readonly string[]>();
  const expanded = blocks.map((block, i) => {
    const tasks = block && tasksOf(block);
    if (block === undefined || tasks === undefined) return undefined;
    const ids = idsOf(block, tasks, ['steps', i], taken, problems);
    members.set(block.id, ids);
    return tasks.map((task, k) => ({ task, id: ids[k]!, path: taskPath(i, k) }));
  });
  const units: (StepUnit | undefined)[] = [];
  let needsTotal = 0;
  blocks.forEach((block, i) => {
    if (block === undefined) {
      units.push(undefined);
      return;
    }
    const written = typeof block.needs === 'string' ? [block.needs] : (block.needs ?? []);
    const needs = [...new Set(written.flatMap((need) => members.get(need) ?? [need]))];
    const own = expanded[i];
    needsTotal += needs.length * (own?.length ?? 1);
    if (own === undefined) {
      units.push({ id: block.id, block, path: ['steps', i], needs });
      return;
    }
    checkOuter(block, ['steps', i], problems);
    const group = { id: block.id as StepId, maxParallel: workersOf(block) ?? UNLIMITED };
    const { parallel: _, run: __, action: ___, with: ____, ...shared } = block;
    const outer = { block, path: ['steps', i] };
    if (needsTotal > NEEDS_MAX) return;
    for (const { task, id, path } of own) {
      units.push({ id, block: { ...shared, ...task, id }, path, outer, group, needs });
    }
  });
  const tooMany = (message: string, most: number): void => {
    problems.push({ path: ['steps'], message, expected: `at most ${most}`, at: 'key' });
  };
  if (units.length > STEPS_MAX) {
    tooMany(`${units.length} steps, tasks of \`parallel.tasks\` counted`, STEPS_MAX);
    return [];
  }
  if (needsTotal > NEEDS_MAX) {
    tooMany(`the steps need ${needsTotal} steps together`, NEEDS_MAX);
    return [];
  }
  return units;
}

const taskPath = (step: number, task: number): Path => ['steps', step, 'parallel', 'tasks', task];

function tasksOf({ parallel }: StepBlock): readonly TaskBlock[] | undefined {
  return typeof parallel === 'object' ? parallel.tasks : undefined;
}

export function workersOf({ parallel }: StepBlock): number | undefined {
  return typeof parallel === 'object' ? parallel.max_workers : parallel;
}

/** One task alone is called like its step; several are numbered, or have names of their own. */
function idsOf(
  block: StepBlock,
  tasks: readonly TaskBlock[],
  path: Path,
  taken: Map<string, number>,
  problems: Problem[],
): string[] {
  return tasks.map((task, k) => {
    if (tasks.length === 1 && task.id === undefined) return block.id;
    const id = `${block.id}_${task.id ?? k}`;
    const at = [...path, 'parallel', 'tasks', k, ...(task.id === undefined ? [] : ['id'])];
    if (id.length > 63) {
      const expected = 'at most 63 characters with the id of the step';
      problems.push({ path: at, message: `the id ${shown(id)} is too long`, expected });
    } else if (taken.has(id)) {
      problems.push({ path: at, message: `another step has the id ${shown(id)} already` });
    } else taken.set(id, -1);
    return id;
  });
}

function checkOuter(block: StepBlock, path: Path, problems: Problem[]): void {
  for (const key of notWithTasks) {
    if (block[key] === undefined) continue;
    const message = 'cannot be together with `parallel.tasks`, which are different tasks';
    problems.push({ path: [...path, key], message, at: 'key' });
  }
  if (typeof block.parallel !== 'object' || block.parallel.count === undefined) return;
  const message = 'cannot be together with `tasks`: each of them has its own `count`';
  problems.push({ path: [...path, 'parallel', 'count'], message, at: 'key' });
}
