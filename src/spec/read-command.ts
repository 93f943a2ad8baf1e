import type { Program } from '../model/workload.ts';
import type { Action, Given, Programs } from './actions/define-action.ts';
import { findWritten, type Written } from './document-tree.ts';
import { publishedSchema } from './fields.ts';
import { escaped } from './fill-holes.ts';
import type { Path, Problem } from './issue.ts';
import { shown } from './quantities.ts';
import { knownKeys, schemaProblems } from './schema-problems.ts';
import type { ResourceLimitsBlock, StepBlock } from './step-schema.ts';

type CommandBlock = Pick<StepBlock, 'run' | 'action' | 'with'>;

/** What the command of one step is read with. */
export interface CommandReading {
  readonly root: Written;
  readonly actions: readonly Action[];
  readonly programs: Programs;
  readonly limits: Pick<ResourceLimitsBlock, 'max_results' | 'max_tokens'>;
  /** Whether the text at this path has holes that are filled when the step runs. */
  readonly isRuntime: (path: Path) => boolean;
  /** Whether any has: then what looks like a hole elsewhere must not be taken for one. */
  readonly holes: boolean;
  readonly problems: Problem[];
}

export interface ReadCommand {
  readonly run: Program;
  readonly env: Readonly<Record<string, string>>;
  readonly action?: Action;
  readonly given?: Given;
}

/** A value as text, numbers and booleans as they were written: `1.0` stays `1.0`. */
export function asWritten(root: Written, path: Path): string {
  const found = findWritten(root, path);
  return typeof found?.value === 'string' ? found.value : (found?.source ?? '');
}

/** `run` and `action` exclude each other, and one must be given. Works on any map, right or wrong. */
export function commandProblems(root: Written, path: Path): Problem[] {
  const block = findWritten(root, path);
  const has = (key: string): boolean => block?.children?.has(key) === true;
  if (block?.children === undefined || Array.isArray(block.value)) return [];
  const tasks = findWritten(root, [...path, 'parallel', 'tasks']);
  if (tasks !== undefined) return taskProblems(root, path, tasks);
  if (has('run') && has('action')) {
    const message = '`run` is given, too, and only one of them can be the command';
    return [{ path: [...path, 'action'], message, at: 'key' }];
  }
  if (has('with') && !has('action')) {
    return [{ path: [...path, 'with'], message: '`with` belongs to an `action`', at: 'key' }];
  }
  if (has('run') || has('action')) return [];
  const isTask = path.length > 2;
  const what = isTask ? 'the task' : 'the step';
  const message = path.length === 0 ? 'nothing to run' : `${what} has nothing to run`;
  const forms = path.length === 0 ? ', or `steps` for a pipeline' : '';
  const at = [...block.children.values()][0]?.key ?? block.range;
  return [{ path, message, expected: `\`run\` or \`action\`${forms}`, at }];
}

function taskProblems(root: Written, path: Path, tasks: Written): Problem[] {
  const at = [...path, 'parallel', 'tasks'];
  if (path.length === 0) {
    const message = 'different tasks are for a step of a pipeline';
    return [{ path: at, message, expected: '`steps` with such a step', at: 'key' }];
  }
  const outer = (['run', 'action', 'with'] as const)
    .filter((key) => findWritten(root, [...path, key]) !== undefined)
    .map((key): Problem => {
      const message = 'belongs in each of `parallel.tasks`, which are given, too';
      return { path: [...path, key], message, at: 'key' };
    });
  const count = Array.isArray(tasks.value) ? tasks.value.length : 0;
  const own = Array.from({ length: count }, (_, i) => commandProblems(root, [...at, i]));
  return [...outer, ...own.flat()];
}

/** The command of a block; nothing when it cannot be told, and then `problems` says why. */
export function readCommand(
  block: CommandBlock,
  path: Path,
  reading: CommandReading,
): ReadCommand | undefined {
  if (block.action !== undefined) return readAction(block.action, block.with, path, reading);
  if (typeof block.run === 'string') return { run: { kind: 'shell', script: block.run }, env: {} };
  if (block.run === undefined) return undefined;
  const argv = block.run.map((_, i) => {
    const at = [...path, 'run', i];
    const text = asWritten(reading.root, at);
    return reading.holes && !reading.isRuntime(at) ? escaped(text) : text;
  });
  if (argv[0] === '') {
    const message = 'the name of the program is empty';
    reading.problems.push({ path: [...path, 'run', 0], message });
  }
  return { run: { kind: 'argv', argv }, env: {} };
}

function readAction(
  name: string,
  written: CommandBlock['with'],
  path: Path,
  reading: CommandReading,
): ReadCommand | undefined {
  const { actions, root, problems } = reading;
  const action = actions.find((one) => one.name === name);
  if (action === undefined) {
    const names = actions.map((one) => one.name);
    problems.push({
      path: [...path, 'action'],
      message: `no action is named ${shown(name)}`,
      expected: names.slice(0, 20).join(', '),
      near: { word: name.slice(0, 64), words: names },
    });
    return undefined;
  }
  const base = [...path, 'with'];
  const given = limited(written ?? {}, action, base, reading);
  const result = action.arguments.safeParse(given);
  const issues = (result.error?.issues ?? []).filter(
    (issue) => !action.takesHoles || !isOfHole(issue.path, base, reading),
  );
  const before = problems.length;
  if (issues.length > 0) {
    const read = (at: Path): unknown => findWritten(root, at)?.value;
    const known = argumentsSchema(action);
    const keysAt = (at: Path): string[] => knownKeys(known, at.slice(base.length));
    problems.push(...schemaProblems(issues, base, read, keysAt));
  }
  checkDeepHoles(given, action, base, reading);
  if (problems.length > before) return undefined;
  const plain = action.command(given, reading.programs);
  if (!reading.holes) return { ...plain, action, given };
  const filledLater = action.command(withEscapes(given, base, reading), reading.programs);
  return {
    ...(plain.run.kind === 'shell' ? { ...filledLater, run: plain.run } : filledLater),
    action,
    given,
  };
}

/** Limits of the step that the action keeps to. */
function limited(given: Given, action: Action, base: Path, reading: CommandReading): Given {
  let all = given;
  for (const [limit, argument] of Object.entries(action.limits)) {
    const most = reading.limits[limit as keyof typeof action.limits];
    if (most === undefined) continue;
    const own = given[argument];
    if (own === undefined) all = { ...all, [argument]: Math.max(1, Math.min(most, 1000)) };
    else if (typeof own === 'number' && own > most) {
      const message = `${own} is above the ${most} of \`resource_limits.${limit}\``;
      reading.problems.push({ path: [...base, argument], message });
    }
  }
  return all;
}

/** What a value with holes is, is known only when they are filled: the program looks then. */
function isOfHole(
  issue: readonly PropertyKey[],
  base: Path,
  { isRuntime }: CommandReading,
): boolean {
  const path = issue.map((part) => (typeof part === 'number' ? part : String(part)));
  return path.some((_, i) => isRuntime([...base, ...path.slice(0, i + 1)]));
}

/** An own action gets lists and maps as JSON, into which a text cannot be put as it is. */
function checkDeepHoles(given: Given, action: Action, base: Path, reading: CommandReading): void {
  if (!action.isOwn) return;
  const visit = (value: unknown, path: Path, depth: number): void => {
    if (depth > 0 && reading.isRuntime(path)) {
      const message =
        'what is known only when the step runs cannot be a part of a list or map here';
      reading.problems.push({ path, message, expected: 'an argument of its own' });
    }
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      visit(item, [...path, Array.isArray(value) ? Number(key) : key], depth + 1);
    }
  };
  for (const [key, value] of Object.entries(given)) visit(value, [...base, key], 0);
}

function withEscapes(given: Given, base: Path, reading: CommandReading): Given {
  const visit = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') return reading.isRuntime(path) ? value : escaped(value);
    if (Array.isArray(value)) return value.map((item, i) => visit(item, [...path, i]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, visit(item, [...path, key])]),
    );
  };
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key, visit(value, [...base, key])]),
  );
}

export function argumentsSchema(action: Action): object {
  return publishedSchema(action.arguments);
}
